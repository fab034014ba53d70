package nova

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/ystackdev/ystack/pkg/deploy"
	"github.com/ystackdev/ystack/pkg/keystone"
	"github.com/ystackdev/ystack/pkg/oneline"
)

// cloud asks Nova, Neutron and Octavia.
type cloud struct {
	session *keystone.Session
	name    string
}

// The services, as the catalogue names their types.
const (
	compute = "compute"
	network = "network"
)

const versionHeader = "Openstack-Api-Version"

// refusedError is an answer that is none of the good ones.
type refusedError struct {
	status int
	text   string
}

func (e *refusedError) Error() string { return e.text }

func answered(err error, status int) bool {
	var refused *refusedError
	return errors.As(err, &refused) && refused.status == status
}

func gone(err error) bool { return answered(err, http.StatusNotFound) }

// passing tells trouble that may be over soon, after which nobody knows whether the
// request was carried out: no answer, or one that a proxy or a failing server gives.
func passing(err error) bool {
	var refused *refusedError
	if errors.As(err, &refused) {
		return refused.status >= http.StatusInternalServerError || refused.status == http.StatusTooManyRequests
	}
	for _, kind := range []error{keystone.ErrUnreachable, keystone.ErrServer, errBroken, errSilent} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

const (
	// patience is for how long passing trouble is borne.
	patience = 2 * time.Minute
	// requestLimit is for one request: Nova asks others while it creates a server.
	requestLimit = time.Minute
)

var (
	errBroken = errors.New("the answer broke off")
	errSilent = errors.New("no answer within " + requestLimit.String())
)

// do is one request that may be repeated, and is while there is passing trouble.
func (c cloud) do(ctx context.Context, method, service, path string, in, out any) error {
	start, wait := time.Now(), 250*time.Millisecond
	for {
		err := c.once(ctx, method, service, path, "", in, out)
		if err == nil || !passing(err) || time.Since(start) > patience {
			return err
		}
		if deploy.Pause(ctx, wait) != nil {
			return fmt.Errorf("%w (%w)", context.Cause(ctx), err)
		}
		wait = min(2*wait, 5*time.Second)
	}
}

func (c cloud) get(ctx context.Context, service, path string, out any) error {
	return c.do(ctx, http.MethodGet, service, path, nil, out)
}

// answerLimit is above any list of servers in pages.
const answerLimit = 64 << 20

// once is do without repeating. version is a microversion of Nova, empty for the oldest.
func (c cloud) once(ctx context.Context, method, service, path, version string, in, out any) error {
	ctx, cancel := context.WithTimeoutCause(ctx, requestLimit, errSilent)
	defer cancel()
	call := keystone.ServiceCall{Method: method, Service: service, Path: path, In: in, Limit: answerLimit}
	if version != "" {
		call.Header = http.Header{versionHeader: {"compute " + version}}
	}
	answer, data, err := c.session.Call(ctx, call)
	if err != nil && answer == nil {
		return err
	}
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		} else {
			err = errBroken
		}
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if answer.StatusCode >= http.StatusMultipleChoices {
		path, _, _ := strings.Cut(path, "?")
		return &refusedError{answer.StatusCode, fmt.Sprintf("%s %s: the %s service answers %d, %s", method, path, service, answer.StatusCode, fault(data))}
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return fmt.Errorf("%s %s: the %s service answers no JSON as documented: %w", method, path, service, err)
	}
	return nil
}

// fault is what an error says: {"badRequest": {"message": …}} of Nova, {"NeutronError":
// {"message": …}}, {"faultstring": …} of Octavia.
func fault(data []byte) string {
	var body map[string]json.RawMessage
	if json.Unmarshal(data, &body) == nil {
		for _, raw := range body {
			var text string
			var inner struct{ Message string }
			if json.Unmarshal(raw, &inner) == nil && inner.Message != "" {
				return plain(inner.Message)
			}
			if json.Unmarshal(body["faultstring"], &text) == nil {
				return plain(text)
			}
		}
	}
	return "without a reason"
}

// plain is text of another's on one line, and not too long.
func plain(text string) string { return oneline.Of(text, 400) }
