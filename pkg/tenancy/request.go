package tenancy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ystackdev/ystack/pkg/keystone"
)

const (
	// answerLimit bounds one answer. Keystone takes a second for 20,000 assignments.
	answerLimit = 5 * time.Minute
	// attempts bounds how often a request is made that fails for reasons that may pass.
	attempts   = 3
	firstPause = 200 * time.Millisecond
	mostPause  = 10 * time.Second
)

// question is a GET to Keystone.
type question struct {
	path  string
	what  string // "list users", for messages
	right string // the rule of Keystone's policy that must allow it
}

// errSlow is the cause when our own limit ends a request.
var errSlow = fmt.Errorf("no whole answer within %s", answerLimit)

// passingError is a failure that may pass.
type passingError struct {
	error
	after time.Duration // what the server asks us to wait
}

func (e passingError) Unwrap() error { return e.error }

// ask sends a question and has read take the body of a good answer. It asks again when
// the answer did not come, or not whole, and when Keystone is busy; then read starts anew.
func (r *reader) ask(ctx context.Context, q question, read func(io.Reader) error) error {
	for n, pause := 1, firstPause; ; n, pause = n+1, 2*pause {
		err := r.once(ctx, q, read)
		var passing passingError
		if !errors.As(err, &passing) || n == attempts || ctx.Err() != nil {
			return unmarked(err)
		}
		select {
		case <-time.After(max(pause, min(passing.after, mostPause))):
		case <-ctx.Done():
			return fmt.Errorf("cannot %s: %w", q.what, context.Cause(ctx))
		}
	}
}

func unmarked(err error) error {
	var passing passingError
	if errors.As(err, &passing) {
		return passing.error
	}
	return err
}

func (r *reader) once(ctx context.Context, q question, read func(io.Reader) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, answerLimit, errSlow)
	defer cancel()
	request, err := r.session.Request(ctx, http.MethodGet, "identity", q.path, nil)
	if err != nil {
		return err
	}
	response, err := r.session.Do(request)
	if errors.Is(err, keystone.ErrUnreachable) {
		return passingError{fmt.Errorf("cannot %s: %w", q.what, err), 0}
	}
	if err != nil {
		return fmt.Errorf("cannot %s: %w", q.what, err)
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		return q.refused(response)
	}
	body := &counted{Reader: response.Body}
	err = read(body)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("cannot %s: %w", q.what, context.Cause(ctx))
	case body.failed != nil, errors.Is(err, io.ErrUnexpectedEOF):
		return passingError{q.partial("the answer breaks off after %d bytes; try again, and look at what is between", body.n), 0}
	}
	return err
}

// counted remembers how a body ended.
type counted struct {
	io.Reader
	n      int64
	failed error
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		c.failed = err
	}
	return n, err
}

// partial is an error for an answer that lacks something.
func (q question) partial(format string, args ...any) error {
	return &kindError{ErrPartial, fmt.Sprintf("cannot %s (GET %s): ", q.what, q.path) + fmt.Sprintf(format, args...)}
}

// refused words an answer that is no success.
func (q question) refused(response *http.Response) error {
	const most = 64 << 10
	body, _ := io.ReadAll(io.LimitReader(response.Body, most))
	said := saying(body)
	kind, advice := keystone.ErrRejected, "is this a Keystone, and nothing in between?"
	switch code := response.StatusCode; {
	case code == http.StatusUnauthorized:
		kind, advice = keystone.ErrUnauthorized, "log in again"
	case code == http.StatusForbidden:
		kind, advice = keystone.ErrForbidden, "the account needs what identity:"+q.right+" of Keystone's policy asks for: usually role reader on the system, or role admin"
	case code == http.StatusNotFound && said != "": // a proxy that knows no such page is no Keystone that knows no such user
		kind = keystone.ErrNotFound
	case code >= 500, code == http.StatusTooManyRequests:
		kind, advice = keystone.ErrServer, "try again, or tell its operators"
	}
	err := error(&kindError{kind, fmt.Sprintf("cannot %s (GET %s): Keystone answered with HTTP %d%s; %s%s",
		q.what, q.path, response.StatusCode, said, advice, requestID(response))})
	switch response.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		seconds, _ := strconv.Atoi(response.Header.Get("Retry-After"))
		return passingError{err, time.Duration(seconds) * time.Second}
	}
	return err
}

// saying is Keystone's own text, on one line.
func saying(body []byte) string {
	const most = 300
	var said struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &said) != nil || said.Error.Message == "" {
		return ""
	}
	text := []rune(strings.Join(strings.FieldsFunc(said.Error.Message, func(r rune) bool { return r <= ' ' || r >= 0x7f && r < 0xa0 }), " "))
	return ": " + string(text[:min(len(text), most)])
}

// requestID is how the cloud's operators find a request in their logs.
func requestID(response *http.Response) string {
	id := response.Header.Get("X-Openstack-Request-Id")
	if !strings.HasPrefix(id, "req-") || len(id) > 64 {
		return ""
	}
	return " (" + id + ")"
}
