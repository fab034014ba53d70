// Package artifactory keeps images in generic repositories of Artifactory.
package artifactory

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/ystackdev/ystack/pkg/image/store"
	"github.com/ystackdev/ystack/pkg/oneline"
)

// Store is one Artifactory.
type Store struct {
	// URL is where it is, with the path that it has there: https://HOST/artifactory.
	URL *url.URL
	// Authorize adds credentials to a request; nil for an anonymous user.
	Authorize func(*http.Request) error
	Client    *http.Client
	UserAgent string
}

// answerLimit is above any answer that is not content.
const answerLimit = 16 << 20

// escape makes a path for a URL; Artifactory wants no + for a space.
func escape(name string) string {
	parts := strings.Split(name, "/")
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	return strings.Join(parts, "/")
}

func (s *Store) request(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(s.URL.String(), "/")+"/"+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", s.UserAgent)
	if s.Authorize != nil {
		err = s.Authorize(req)
	}
	return req, err
}

// do returns the answer if it has one of the statuses.
func (s *Store) do(r store.Ref, doing string, req *http.Request, statuses ...int) (*http.Response, error) {
	answer, err := s.Client.Do(req)
	if err != nil {
		return nil, s.unreachable(r, doing, req, err)
	}
	for _, status := range statuses {
		if answer.StatusCode == status {
			return answer, nil
		}
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(answer.Body, answerLimit))
	return nil, s.refused(r, doing, answer.StatusCode, body)
}

// unreachable is about a request without an answer. The URL in it can hold no secret, but
// is of no use to a reader either.
func (s *Store) unreachable(r store.Ref, doing string, req *http.Request, err error) error {
	if cause := context.Cause(req.Context()); cause != nil {
		return cause
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return store.Errorf(r, store.ErrFailed, "cannot %s: no answer from %s (%s); check that it is up and that this machine reaches it", doing, s.URL.Host, plain(err.Error()))
}

// refused words an answer that says no.
func (s *Store) refused(r store.Ref, doing string, status int, body []byte) error {
	said := message(body)
	if said == "" {
		said = http.StatusText(status)
	}
	kind, hint := store.ErrFailed, "try again later, or ask who runs "+s.URL.Host
	switch status {
	case http.StatusNotFound:
		kind, hint = store.ErrNotFound, "check repository and path"
	case http.StatusUnauthorized, http.StatusForbidden:
		kind, hint = store.ErrDenied, "check the token that spec.archive of the site names, and what it may do in the repository"
	case http.StatusConflict:
		kind, hint = store.ErrCorrupt, "copy again"
	case http.StatusRequestEntityTooLarge, http.StatusInsufficientStorage:
		kind, hint = store.ErrQuota, "delete what nobody needs, or ask for more room"
	case http.StatusBadRequest:
		hint = "change what it complains about"
	}
	return store.Errorf(r, kind, "cannot %s: Artifactory answers %d, %s; %s", doing, status, said, hint)
}

// message joins what Artifactory's error JSON says; of other bodies, such as a proxy's,
// it takes nothing.
func message(body []byte) string {
	var fault struct {
		Errors []struct {
			Message string `json:"message"`
		} `json:"errors"`
	}
	if json.Unmarshal(body, &fault) != nil {
		return ""
	}
	var said []string
	for _, e := range fault.Errors {
		if text := strings.TrimRight(plain(e.Message), "."); text != "" {
			said = append(said, text)
		}
	}
	return strings.Join(said, "; ")
}

// plain is text of another's on one line, and not too long.
func plain(text string) string { return oneline.Of(text, 300) }

func readJSON(r store.Ref, answer *http.Response, into any) error {
	defer answer.Body.Close()
	data, err := io.ReadAll(io.LimitReader(answer.Body, answerLimit))
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		return store.Errorf(r, store.ErrFailed, "what came is no answer of Artifactory's (%s)", plain(err.Error()))
	}
	return nil
}

// Delete removes a file.
func (s *Store) Delete(ctx context.Context, i store.Info) error {
	req, err := s.request(ctx, http.MethodDelete, escape(i.Ref.Name), nil)
	if err != nil {
		return err
	}
	answer, err := s.do(i.Ref, "delete it", req, http.StatusNoContent, http.StatusOK)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

// Open reads a file from an offset on.
func (s *Store) Open(ctx context.Context, i store.Info, offset int64) (io.ReadCloser, error) {
	req, err := s.request(ctx, http.MethodGet, escape(i.Ref.Name), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept-Encoding", "identity")
	if offset > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
	answer, err := s.do(i.Ref, "download it", req, http.StatusOK, http.StatusPartialContent)
	if err != nil {
		return nil, err
	}
	return store.From(answer, offset)
}
