package authwebhook

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/ystackdev/ystack/pkg/keystone"
)

// maxBody is enough for the longest token and many audiences.
const maxBody = 64 << 10

// Paths that a [Handler] answers. PathReview is what the community webhook uses too.
const (
	PathReview  = "/webhook"
	PathHealthz = "/healthz"
	PathReadyz  = "/readyz"
	PathMetrics = "/metrics"
)

// Handler answers the API server, probes and Prometheus.
func (a *Authenticator) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(PathReview, a.serveReview)
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
}

func (a *Authenticator) serveReview(w http.ResponseWriter, r *http.Request) {
	start := a.now()
	a.metrics.inFlight.Add(1)
	defer a.metrics.inFlight.Add(-1)
	reply := a.reply(w, r)
	a.metrics.reviews.add(reply.result)
	reply.write(w)
	took := a.now().Sub(start)
	a.metrics.latency.observe(took)
	a.log.Debug("review", "result", resultNames[reply.result], "status", reply.code, "took", took.String())
}

// reply is what the API server gets.
type reply struct {
	result int
	code   int
	body   any
}

func (a *Authenticator) reply(w http.ResponseWriter, r *http.Request) reply {
	review, failure := read(w, r)
	if failure != nil {
		a.log.Warn("not a TokenReview", "from", r.RemoteAddr, "status", failure.code, "error", failure.body.(failureStatus).Message)
		return *failure
	}
	verdict, err := a.Review(r.Context(), review.Spec.Token)
	if err != nil {
		return a.unanswered(review, err)
	}
	status, result := a.status(review.Spec.Audiences, verdict)
	return reply{result, http.StatusOK, review.answer(status)}
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
	return reviewStatus{Authenticated: true, User: userOf(v.Identity), Audiences: audiences}, resultAccepted
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
		return reply{resultForbidden, http.StatusOK, review.answer(reviewStatus{Error: err.Error()})}
	case errors.Is(err, errBusy), errors.Is(err, errClosed):
		return fail(resultBusy, http.StatusServiceUnavailable, err.Error())
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return fail(resultError, http.StatusServiceUnavailable, err.Error())
	}
	return fail(resultError, http.StatusInternalServerError, err.Error())
}

// read reads a review, or tells why the request is none.
func read(w http.ResponseWriter, r *http.Request) (*tokenReview, *reply) {
	invalid := func(code int, message string) (*tokenReview, *reply) {
		f := fail(resultInvalid, code, message)
		return nil, &f
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return invalid(http.StatusMethodNotAllowed, "a TokenReview comes by POST")
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return invalid(http.StatusUnsupportedMediaType, "a TokenReview comes as application/json")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLong := (*http.MaxBytesError)(nil); errors.As(err, &tooLong) {
		return invalid(http.StatusRequestEntityTooLarge, "the TokenReview is longer than 64 KiB")
	}
	if err != nil {
		return invalid(http.StatusBadRequest, "the TokenReview did not arrive as a whole")
	}
	review, err := parseReview(body)
	if err != nil {
		return invalid(http.StatusBadRequest, err.Error())
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
	return reply{result, code, failureStatus{"v1", "Status", "Failure", "ystack auth-webhook: " + message, reason, code}}
}

func (r reply) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(r.code)
	_ = json.NewEncoder(w).Encode(r.body) // the caller has gone: nobody to tell
}
