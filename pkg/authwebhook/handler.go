package authwebhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/ystackdev/ystack/pkg/keystone"
)

// Paths that a [Handler] answers. PathReview is what the community webhook uses too;
// PathAccess is there when there is a policy file.
const (
	PathReview  = "/webhook"
	PathAccess  = "/authorize"
	PathHealthz = "/healthz"
	PathReadyz  = "/readyz"
	PathMetrics = "/metrics"
)

// Handler answers the API server, probes and Prometheus.
func (a *Authenticator) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(PathReview, a.serve(a.reply))
	if a.authorizer != nil {
		mux.HandleFunc(PathAccess, a.serve(a.authorizer.reply))
	}
	mux.HandleFunc("GET "+PathHealthz, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET "+PathReadyz, a.serveReady)
	mux.HandleFunc("GET "+PathMetrics, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		a.WriteMetrics(w)
	})
	return mux
}

func (a *Authenticator) serveReady(w http.ResponseWriter, r *http.Request) {
	if err := a.Ready(r.Context()); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	io.WriteString(w, "ok\n")
	if a.authorizer != nil {
		io.WriteString(w, a.authorizer.detail()+"\n")
	}
	if a.opts.Namespaces != nil {
		io.WriteString(w, a.opts.Namespaces.detail()+"\n")
	}
}

// serve counts and times the answers to reviews.
func (a *Authenticator) serve(answer func(http.ResponseWriter, *http.Request) reply) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		start := a.now()
		a.metrics.inFlight.Add(1)
		defer a.metrics.inFlight.Add(-1)
		reply := answer(w, r)
		reply.counted.byResult.add(reply.result)
		reply.write(w)
		took := a.now().Sub(start)
		reply.counted.latency.observe(took)
		a.log.Debug("review", append([]any{"of", r.URL.Path, "result", resultNames[reply.result], "status", reply.code, "took", took.String()}, reply.about...)...)
	}
}

// reply is what the API server gets.
type reply struct {
	result int
	code   int
	body   any

	counted *reviews
	about   []any // for the log
}

func (a *Authenticator) reply(w http.ResponseWriter, r *http.Request) reply {
	reply := a.answer(w, r)
	reply.counted = &a.metrics.reviews
	return reply
}

func (a *Authenticator) answer(w http.ResponseWriter, r *http.Request) reply {
	review, failure := read(w, r, kindTokenReview, maxTokenReview, parseReview)
	if failure != nil {
		a.log.Warn("not a TokenReview", "from", r.RemoteAddr, "status", failure.code, "error", failure.body.(failureStatus).Message)
		return *failure
	}
	verdict, err := a.Review(r.Context(), review.Spec.Token)
	if err != nil {
		return a.unanswered(review, err)
	}
	status, result := a.status(review.Spec.Audiences, verdict)
	return reply{result: result, code: http.StatusOK, body: review.answer(status)}
}

// status is the answer that a verdict comes to.
func (a *Authenticator) status(wanted []string, v Verdict) (reviewStatus, int) {
	if !v.Accepted {
		return reviewStatus{Error: v.Reason}, resultRefused
	}
	audiences, ok := a.audiences(wanted)
	if !ok {
		return reviewStatus{Error: "the token is meant for the API server only, not for the audiences asked for"}, resultRefused
	}
	user := userOf(v.Identity)
	a.opts.Namespaces.tell(user, v.Project)
	return reviewStatus{Authenticated: true, User: user, Audiences: audiences}, resultAccepted
}

// audiences are those that a Keystone token, which names none, is good for. It is meant
// for the API server. Whoever does not tell us what that one is called gets no audience,
// which by the API's definition means just that, and kube-apiserver compares.
func (a *Authenticator) audiences(wanted []string) (common []string, ok bool) {
	if len(wanted) == 0 || len(a.opts.Audiences) == 0 {
		return nil, true
	}
	for _, w := range wanted {
		if slices.Contains(a.opts.Audiences, w) {
			common = append(common, w)
		}
	}
	return common, len(common) > 0
}

// unanswered is for a token of which nobody knows whether it is good. The API server
// remembers refusals, but no errors. It repeats a request that failed with 500 within its
// ten seconds, which bridges a restart of Keystone, and gives up at once with 503, which is
// better for a webhook or a Keystone that has too much to do.
func (a *Authenticator) unanswered(review *tokenReview, err error) reply {
	switch {
	case errors.Is(err, keystone.ErrForbidden):
		return reply{result: resultForbidden, code: http.StatusOK, body: review.answer(reviewStatus{Error: err.Error()})}
	case errors.Is(err, errBusy), errors.Is(err, errClosed):
		return fail(resultBusy, http.StatusServiceUnavailable, err.Error())
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return fail(resultError, http.StatusServiceUnavailable, err.Error())
	}
	return fail(resultError, http.StatusInternalServerError, err.Error())
}

// read reads a review of at most size bytes, or tells why the request is none.
func read[T any](w http.ResponseWriter, r *http.Request, kind string, size int64, parse func([]byte) (*T, error)) (*T, *reply) {
	invalid := func(code int, format string, args ...any) (*T, *reply) {
		f := fail(resultInvalid, code, fmt.Sprintf(format, args...))
		return nil, &f
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return invalid(http.StatusMethodNotAllowed, "a %s comes by POST", kind)
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return invalid(http.StatusUnsupportedMediaType, "a %s comes as application/json", kind)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, size))
	if tooLong := (*http.MaxBytesError)(nil); errors.As(err, &tooLong) {
		return invalid(http.StatusRequestEntityTooLarge, "the %s is longer than %d KiB", kind, size>>10)
	}
	if err != nil {
		return invalid(http.StatusBadRequest, "the %s did not arrive as a whole", kind)
	}
	review, err := parse(body)
	if err != nil {
		return invalid(http.StatusBadRequest, "%v", err)
	}
	return review, nil
}

// failureStatus is a metav1.Status, so that the API server's log has the message.
type failureStatus struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Status     string `json:"status"`
	Message    string `json:"message"`
	Reason     string `json:"reason"`
	Code       int    `json:"code"`
}

func fail(result, code int, message string) reply {
	reason := strings.ReplaceAll(http.StatusText(code), " ", "")
	if code == http.StatusInternalServerError {
		reason = "InternalError" // the API server repeats what has this reason
	}
	return reply{result: result, code: code, body: failureStatus{"v1", "Status", "Failure", "ystack auth-webhook: " + message, reason, code}}
}

func (r reply) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(r.code)
	_ = json.NewEncoder(w).Encode(r.body) // the caller has gone: nobody to tell
}
