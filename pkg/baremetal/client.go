// Package baremetal speaks to Ironic, the bare-metal service of OpenStack: its nodes, who
// has which of them, and how new ones come in.
package baremetal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ystackdev/ystack/pkg/keystone"
	"github.com/ystackdev/ystack/pkg/oneline"
)

// microversion is the oldest of Ironic's API that has all that is asked for: allocations,
// config drives as JSON, and nodes that are retired. It is that of 2020 (Ussuri).
const microversion = "1.61"

// Header asks for that version.
func Header() http.Header { return http.Header{"X-Openstack-Ironic-Api-Version": {microversion}} }

// Client speaks to the Ironic of one cloud, as one user.
type Client struct {
	Session *keystone.Session
	// Patience is for how long Ironic may be out of order, or a node locked, before that is
	// an error; 0 stands for two minutes. An Ironic that has never answered gets ten seconds.
	Patience time.Duration
	// Poll is the time between two looks at what Ironic is doing; 0 stands for two seconds.
	Poll time.Duration

	answered atomic.Bool
}

// Error is an answer of Ironic's that is none of the good ones.
type Error struct {
	Status int
	text   string
}

func (e *Error) Error() string { return e.text }

// Gone tells whether an error says that there is no such thing.
func Gone(err error) bool { return status(err) == http.StatusNotFound }

func status(err error) int {
	var refused *Error
	if errors.As(err, &refused) {
		return refused.Status
	}
	return 0
}

const answerLimit = 32 << 20

// do sends in and reads out; both may be nil.
func (c *Client) do(ctx context.Context, method, path string, in, out any) error {
	answer, data, err := c.Session.Call(ctx, keystone.ServiceCall{
		Method: method, Service: "baremetal", Path: path, Header: Header(), In: in, Limit: answerLimit,
	})
	if err != nil && answer == nil {
		return err
	}
	if err != nil {
		return &Error{http.StatusBadGateway, "Ironic's answer broke off"}
	}
	if answer.StatusCode < http.StatusInternalServerError {
		c.answered.Store(true)
	}
	if answer.StatusCode >= http.StatusMultipleChoices {
		return refusal(answer, data)
	}
	if out == nil || len(data) == 0 {
		return nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return fmt.Errorf("%s %s: what answers is no Ironic: %w", method, answer.Request.URL.Path, err)
	}
	return nil
}

// refusal words what Ironic says when it does not do something.
func refusal(answer *http.Response, body []byte) error {
	said := fault(body)
	switch answer.StatusCode {
	case http.StatusNotAcceptable:
		said = "it does not speak version " + microversion + " of its API, which is Ussuri's (2020)"
	case http.StatusForbidden:
		said += "; the user needs a role that may manage nodes, such as baremetal_admin"
	}
	if said == "" {
		said = http.StatusText(answer.StatusCode)
	}
	path, _, _ := strings.Cut(answer.Request.URL.Path, "?")
	return &Error{answer.StatusCode, fmt.Sprintf("%s %s: Ironic answers %d, %s", answer.Request.Method, path, answer.StatusCode, said)}
}

// fault is what an error of Ironic says: {"error_message": {"faultstring": …}}, where the
// inner object was a string of JSON for some years.
func fault(body []byte) string {
	var outer struct {
		Message json.RawMessage `json:"error_message"`
	}
	if json.Unmarshal(body, &outer) != nil {
		return ""
	}
	inner := []byte(outer.Message)
	var text string
	if json.Unmarshal(inner, &text) == nil {
		inner = []byte(text)
	}
	var said struct {
		Text string `json:"faultstring"`
	}
	if json.Unmarshal(inner, &said) == nil && said.Text != "" {
		text = said.Text
	}
	return strings.TrimRight(Line(text), ".")
}

// Line is text of another's on one line, and not too long.
func Line(text string) string { return oneline.Of(text, 500) }
