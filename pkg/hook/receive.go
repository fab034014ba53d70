package hook

import (
	"bufio"
	"crypto/hmac"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"sync"
)

// Paths that a [Server] answers.
const (
	PathHook    = "/hook"
	PathPing    = "/hook/ping" // whether a ping arrived; signed like a delivery
	PathHealthz = "/healthz"
	PathReadyz  = "/readyz"
	PathMetrics = "/metrics"
)

// maxInFlight is how many deliveries are read at a time; more are told to come again.
const maxInFlight = 256

var deliveryPattern = regexp.MustCompile(`^[-_.A-Za-z0-9]{1,100}$`)

// Handler answers the code registry, probes and Prometheus.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(PathHook, s.serveHook)
	mux.HandleFunc("GET "+PathPing, s.servePing)
	mux.HandleFunc("GET "+PathHealthz, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET "+PathReadyz, s.serveReady)
	mux.HandleFunc("GET "+PathMetrics, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		s.WriteMetrics(w)
	})
	return mux
}

func (s *Server) serveReady(w http.ResponseWriter, _ *http.Request) {
	switch err := s.journal.broken(); {
	case err != nil:
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	case s.draining.Load():
		http.Error(w, "ending", http.StatusServiceUnavailable)
	default:
		io.WriteString(w, "ok\n")
	}
}

// answer is what a delivery gets.
type answer struct {
	kind    int
	code    int
	message string
}

func refuse(code int, format string, args ...any) answer {
	return answer{answerRefused, code, fmt.Sprintf(format, args...)}
}

func (s *Server) serveHook(w http.ResponseWriter, r *http.Request) {
	var a answer
	select {
	case s.inFlight <- struct{}{}:
		a = s.receive(w, r)
		<-s.inFlight
	default:
		a = answer{answerUnavailable, http.StatusServiceUnavailable, "too many deliveries at once"}
	}
	s.metrics.deliveries[a.kind].Add(1)
	id := r.Header.Get(headerDelivery)
	if !deliveryPattern.MatchString(id) {
		id = ""
	}
	switch a.kind {
	case answerRefused, answerUnavailable:
		s.log.Warn("delivery not accepted", "delivery", id, "from", r.RemoteAddr, "status", a.code, "reason", a.message)
	default:
		s.log.Debug("delivery", "delivery", id, "status", a.code, "message", a.message)
	}
	if a.code == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(a.code)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": a.message}) // the caller has gone: nobody to tell
}

// receive decides about a delivery. Nothing in it is believed before its signature was checked.
func (s *Server) receive(w http.ResponseWriter, r *http.Request) answer {
	if a := s.refuseHead(w, r); a != nil {
		return *a
	}
	sum, err := wantedSum(r.Header)
	if err != nil {
		return refuse(http.StatusUnauthorized, "%v", err)
	}
	event := r.Header.Get(headerEvent)
	push, parseErr, err := s.readBody(w, r, event, sum)
	switch tooLong := (*http.MaxBytesError)(nil); {
	case errors.As(err, &tooLong):
		return refuse(http.StatusRequestEntityTooLarge, "the payload is longer than %d bytes", s.o.MaxBody)
	case errors.Is(err, errSignature):
		return refuse(http.StatusUnauthorized, "%v", err)
	case err != nil:
		return refuse(http.StatusBadRequest, "the payload did not arrive as a whole")
	case event == "ping":
		s.pings.note(push.Repository, r.Header.Get(headerDelivery))
		return answer{answerIgnored, http.StatusOK, "pong"}
	case event != "push":
		return answer{answerIgnored, http.StatusOK, "only pushes start something"}
	}
	return s.decide(r, push, parseErr)
}

// refuseHead looks at what can be seen without the body.
func (s *Server) refuseHead(w http.ResponseWriter, r *http.Request) *answer {
	var a answer
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		a = refuse(http.StatusMethodNotAllowed, "a delivery comes by POST")
	case err != nil || kind != "application/json":
		a = refuse(http.StatusUnsupportedMediaType, "a delivery comes as application/json: set the hook's content type")
	case r.Header.Get("Content-Encoding") != "":
		a = refuse(http.StatusUnsupportedMediaType, "a delivery comes without a content encoding")
	case r.Header.Get(headerEvent) == "" || r.Header.Get(headerDelivery) == "":
		a = refuse(http.StatusBadRequest, "X-GitHub-Event and X-GitHub-Delivery are required")
	case !deliveryPattern.MatchString(r.Header.Get(headerDelivery)):
		a = refuse(http.StatusBadRequest, "X-GitHub-Delivery is not an id")
	case r.ContentLength > s.o.MaxBody:
		w.Header().Set("Connection", "close") // or the server would read on, to keep it
		a = refuse(http.StatusRequestEntityTooLarge, "the payload is longer than %d bytes", s.o.MaxBody)
	default:
		return nil
	}
	return &a
}

var errSignature = errors.New("the signature is wrong: both ends must have the same secret")

var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 16<<10) }}

// readBody reads the payload once, checking its signature on the way and keeping what is wanted.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request, event string, want []byte) (push Push, parseErr, err error) {
	h := s.o.Secret.hash()
	body := io.TeeReader(http.MaxBytesReader(w, r.Body, s.o.MaxBody), h)
	in := readers.Get().(*bufio.Reader)
	defer readers.Put(in)
	in.Reset(body)
	switch event {
	case "push":
		push, parseErr = parsePush(in)
	case "ping":
		push.Repository = parsePing(in)
	}
	if _, err := io.Copy(io.Discard, in); err != nil {
		return Push{}, nil, err
	}
	if !hmac.Equal(h.Sum(nil), want) {
		return Push{}, nil, errSignature
	}
	return push, parseErr, nil
}

// parsePing reads which repository a ping is about; that of an organisation is about none.
func parsePing(r *bufio.Reader) string {
	s, err := scan(r, []string{"repository.full_name"})
	if err != nil {
		return ""
	}
	return s.got["repository.full_name"]
}

// decide says what becomes of an authentic push.
func (s *Server) decide(r *http.Request, push Push, err error) answer {
	id := r.Header.Get(headerDelivery)
	switch {
	case errors.Is(err, errNothing):
		s.pings.note(push.Repository, id)
		return answer{answerIgnored, http.StatusOK, err.Error()}
	case errors.Is(err, errTag), errors.Is(err, errDeleted):
		return answer{answerIgnored, http.StatusOK, err.Error()}
	case err != nil:
		return refuse(http.StatusBadRequest, "not the payload of a push: %v", err)
	}
	jobs, known := s.o.Routes.jobs(push)
	if !known {
		return refuse(http.StatusNotFound, "the Site file has no route for %s", push.Repository)
	}
	if len(jobs) == 0 {
		return answer{answerIgnored, http.StatusOK, "the Site file has no route for this branch"}
	}
	fresh, err := s.queue.add(r.Context(), Delivery{ID: id, Source: SourceHook, Push: push, Jobs: jobs})
	switch {
	case err != nil:
		return answer{answerUnavailable, http.StatusServiceUnavailable, "the delivery could not be recorded; deliver it again"}
	case !fresh:
		return answer{answerDuplicate, http.StatusOK, "known already: a delivery runs once; `kubectl ystack pipeline deliveries replay` runs it again"}
	}
	return answer{answerAccepted, http.StatusAccepted, "accepted"}
}
