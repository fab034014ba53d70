package kube

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// errNoAnswer is why answerLimit ends a request.
var errNoAnswer = errors.New("the server accepted the connection and did not answer")

// answerLimit ends requests whose answer does not begin in time. A timeout for
// the whole request would also end watches, which have to stay open.
type answerLimit struct {
	next  http.RoundTripper
	limit time.Duration
}

func (a *answerLimit) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(request.Context())
	timer := time.AfterFunc(a.limit, func() { cancel(errNoAnswer) })
	response, err := a.next.RoundTrip(request.WithContext(ctx))
	timer.Stop()
	if err != nil {
		if errors.Is(context.Cause(ctx), errNoAnswer) {
			err = errNoAnswer
		}
		cancel(nil)
		return nil, err
	}
	response.Body = &cancelingBody{response.Body, cancel}
	return response, nil
}

// WrappedRoundTripper lets client-go, which warns otherwise, reach what can cancel
// a request when a --request-timeout is over.
func (a *answerLimit) WrappedRoundTripper() http.RoundTripper { return a.next }

// cancelingBody frees the request's context when the answer has been read.
type cancelingBody struct {
	io.ReadCloser
	cancel context.CancelCauseFunc
}

func (b *cancelingBody) Close() error {
	defer b.cancel(nil)
	return b.ReadCloser.Close()
}

// warnings collects the Warning headers of the server.
type warnings struct {
	mu   sync.Mutex
	seen []string
}

// HandleWarningHeader implements rest.WarningHandler; 299 is the code that
// Kubernetes uses.
func (w *warnings) HandleWarningHeader(code int, _, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if code == 299 && text != "" && !slices.Contains(w.seen, text) {
		w.seen = append(w.seen, text)
	}
}

func (w *warnings) all() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.seen)
}
