// Package glance keeps images in OpenStack's image service.
package glance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/ystackdev/ystack/pkg/image/store"
	"github.com/ystackdev/ystack/pkg/keystone"
	"github.com/ystackdev/ystack/pkg/oneline"
)

// Store is the Glance of one cloud, as one user sees it.
type Store struct {
	Session *keystone.Session
	// Limit is for how long an image may take to become active once Glance has all of it;
	// 0 stands for ten minutes. For one that Glance gets by itself it stands for an hour.
	Limit time.Duration
	// Poll is the time between two looks at an image; 0 stands for a second.
	Poll time.Duration
	// Import has Glance stage the content and import it from there (glance-direct), so that
	// the cloud's import plugins see it.
	Import bool
}

// answerLimit is above any description of an image or page of a list.
const answerLimit = 16 << 20

// call is a request whose answer is small.
type call struct {
	method, path string
	body         any
	kind         string // Content-Type; empty for JSON
	ref          store.Ref
	doing        string
}

// do returns the answer's body, or an error if its status is none of those.
func (s *Store) do(ctx context.Context, k call, statuses ...int) ([]byte, error) {
	call := keystone.ServiceCall{Method: k.method, Service: "image", Path: k.path, In: k.body, Limit: answerLimit}
	if k.kind != "" {
		call.Header = http.Header{"Content-Type": {k.kind}}
	}
	answer, data, err := s.Session.Call(ctx, call)
	if err != nil && answer == nil {
		return nil, explain(k.ref, err)
	}
	if err != nil {
		return nil, store.Errorf(k.ref, store.ErrFailed, "cannot %s: Glance's answer broke off; try again", k.doing)
	}
	for _, status := range statuses {
		if answer.StatusCode == status {
			return data, nil
		}
	}
	return nil, refused(k.ref, k.doing, answer, data)
}

// refused words what Glance says when it does not do something.
func refused(r store.Ref, doing string, answer *http.Response, body []byte) error {
	kind, hint := store.ErrFailed, "try again later, or ask who runs the cloud"
	said := message(body)
	switch answer.StatusCode {
	case http.StatusNotFound, http.StatusGone:
		kind, hint = store.ErrNotFound, "somebody may have deleted it"
	case http.StatusUnauthorized:
		kind, hint = store.ErrDenied, "log in again"
	case http.StatusForbidden:
		kind, hint = store.ErrDenied, "another role, project or cloud may be allowed to"
		if strings.Contains(said, "protected") {
			hint = "take the protection off first: openstack image set --unprotected"
		}
	case http.StatusRequestEntityTooLarge:
		kind, hint = store.ErrQuota, "delete images that nobody needs, or ask for a larger quota"
	case http.StatusBadRequest:
		hint = "change what it complains about"
	case http.StatusConflict:
		kind, hint = store.ErrNotReady, "something else is being done to it; try again"
	}
	if id := answer.Header.Get("X-Openstack-Request-Id"); id != "" {
		hint += " (request " + plain(id) + ")"
	}
	if said == "" {
		said = http.StatusText(answer.StatusCode)
	}
	return store.Errorf(r, kind, "cannot %s: Glance answers %d, %s; %s", doing, answer.StatusCode, said, hint)
}

// message is what a body in plain text, HTML or JSON says, without the title.
func message(body []byte) string {
	var fault struct {
		Message string `json:"message"`
	}
	text := string(body)
	if json.Unmarshal(body, &fault) == nil {
		text = fault.Message
	}
	text = tags.ReplaceAllString(text, " ")
	text = title.ReplaceAllString(strings.TrimSpace(text), "")
	return strings.TrimRight(plain(text), ".")
}

var (
	tags  = regexp.MustCompile(`(?s)<head>.*?</head>|<[^>]*>`)
	title = regexp.MustCompile(`^[45][0-9][0-9] [A-Z][A-Za-z ]*\n`)
)

// plain is text of another's on one line, and not too long.
func plain(text string) string { return oneline.Of(text, 300) }

// explain gives the kinds that all stores share to what a session says.
func explain(r store.Ref, err error) error {
	kind := store.ErrFailed
	if errors.Is(err, keystone.ErrUnauthorized) || errors.Is(err, keystone.ErrForbidden) {
		kind = store.ErrDenied
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("%w%w", &store.Error{Ref: r, Kind: kind, Text: err.Error()}, silent{err})
}

// silent keeps what the session said for errors.Is; the text has it already.
type silent struct{ error }

func (silent) Error() string   { return "" }
func (s silent) Unwrap() error { return s.error }

func imagePath(id string) string { return fmt.Sprintf("/v2/images/%s", id) }
