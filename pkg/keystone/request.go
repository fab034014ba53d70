package keystone

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"syscall"
	"time"
)

// call is one request to Keystone.
type call struct {
	method, path string
	token        Secret // X-Auth-Token
	subject      Secret // X-Subject-Token
	receipt      Secret // Openstack-Auth-Receipt
	body         any    // nil for none
	limit        int64  // of the answer's body; 0 stands for bodyLimit
	doing        string // for messages: "log in as alice"
	secrets      []Secret
}

// answer is what came back, its body read.
type answer struct {
	status int
	header http.Header
	body   []byte
	at     time.Time // when it came, by our clock
}

// do sends a call to the API's version 3.
func (c *Client) do(ctx context.Context, k call) (*answer, error) {
	endpoint, err := c.discover(ctx)
	if err != nil {
		return nil, err
	}
	return c.send(ctx, endpoint, k)
}

// send makes the request, a second time if the connection broke and it is safe to ask
// again. To log in is not: the first time may have counted as a failed one.
func (c *Client) send(ctx context.Context, endpoint *url.URL, k call) (*answer, error) {
	a, err := c.once(ctx, endpoint, k)
	if (k.method == http.MethodGet || k.method == http.MethodDelete) && broken(err) && ctx.Err() == nil {
		a, err = c.once(ctx, endpoint, k)
	}
	if err != nil {
		return nil, c.explainTransport(ctx, err, peer{"Keystone " + c.where(), "auth_url"}, k.doing)
	}
	return a, nil
}

// broken tells a connection that ended early from one that could not be made.
func broken(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF)
}

// errNoAnswer is the cause when our own limit ends a request.
var errNoAnswer = errors.New("no complete answer in time")

// errTooLarge: no answer of Keystone's is so large.
var errTooLarge = errors.New("the answer is too large")

func (c *Client) once(ctx context.Context, endpoint *url.URL, k call) (*answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.limit, errNoAnswer)
	defer cancel()
	request, err := c.request(ctx, endpoint, k)
	if err != nil {
		return nil, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, withCause(ctx, err)
	}
	defer response.Body.Close()
	limit := k.limit
	if limit == 0 {
		limit = bodyLimit
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, limit+1))
	switch {
	case err != nil && errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errTruncated
	case err != nil:
		return nil, withCause(ctx, err)
	case int64(len(body)) > limit:
		return nil, errTooLarge
	}
	return &answer{response.StatusCode, response.Header, body, c.now()}, nil
}

var errTruncated = errors.New("the answer ends too early")

// withCause tells our own limit from the caller's.
func withCause(ctx context.Context, err error) error {
	if context.Cause(ctx) == errNoAnswer { //nolint:errorlint // the very value
		return errNoAnswer
	}
	return err
}

func (c *Client) request(ctx context.Context, endpoint *url.URL, k call) (*http.Request, error) {
	var body io.Reader
	if k.body != nil {
		data, err := json.Marshal(k.body)
		if err != nil {
			return nil, fmt.Errorf("encode a request: %w", err)
		}
		body = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(ctx, k.method, endpoint.String()+k.path, body)
	if err != nil {
		return nil, err
	}
	h := request.Header
	h.Set("User-Agent", c.userAgent)
	h.Set("Accept", "application/json")
	h.Set("Cache-Control", "no-store")
	if k.body != nil {
		h.Set("Content-Type", "application/json")
	}
	for name, secret := range map[string]Secret{"X-Auth-Token": k.token, "X-Subject-Token": k.subject, "Openstack-Auth-Receipt": k.receipt} {
		if secret != "" {
			h.Set(name, secret.Reveal())
		}
	}
	if k.subject != "" && k.method == http.MethodGet {
		// Without it Keystone hides tokens whose credentials have access rules.
		h.Set("OpenStack-Identity-Access-Rules", "1.0")
	}
	return request, nil
}
