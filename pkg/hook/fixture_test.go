package hook

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

const testSecret = "a secret of tests"

// commit is a commit's id that ends in n.
func commit(n int) string { return fmt.Sprintf("%040x", n+1) }

// payload is what GitHub sends for a push, as far as it matters.
func payload(repository, ref, before, after string) string {
	return fmt.Sprintf(`{"ref":%q,"before":%q,"after":%q,"created":false,"deleted":%t,"forced":false,
		"repository":{"id":1,"full_name":%q,"owner":{"login":"acme"}},"pusher":{"name":"alice"},
		"commits":[{"id":%[3]q,"message":"x","added":["a"],"modified":[]}],
		"head_commit":{"id":%[3]q,"message":"First line\n\nmore"}}`, ref, before, after, strings.Trim(after, "0") == "", repository)
}

func pushOf(n int) string {
	return payload("acme/hello", "refs/heads/main", commit(n-1), commit(n))
}

// request is a delivery as it should be.
func request(t *testing.T, id, event, body string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, PathHook, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-GitHub-Event", event)
	r.Header.Set("X-GitHub-Delivery", id)
	r.Header.Set("X-Hub-Signature-256", mustSecret(testSecret).signature(body))
	return r
}

func mustSecret(text string) Secret {
	s, err := NewSecret(text)
	if err != nil {
		panic(err)
	}
	return s
}

// fakeRunner runs nothing: it notes what it is asked for and answers with what result says.
type fakeRunner struct {
	mu      sync.Mutex
	ran     []Work
	result  func(w Work) Result
	started chan Work     // nil, or told of each start
	gate    chan struct{} // nil, or waited for
}

func (f *fakeRunner) Run(ctx context.Context, w Work, report func(Target)) Result {
	report(Target{Name: "container", State: Running, Run: "run-" + w.After[36:]})
	f.mu.Lock()
	f.ran = append(f.ran, w)
	f.mu.Unlock()
	if f.started != nil {
		f.started <- w
	}
	if f.gate != nil {
		select {
		case <-f.gate:
		case <-ctx.Done():
			return Result{State: Failed, Message: "interrupted"}
		}
	}
	r := Result{State: Succeeded, Message: "ran"}
	if f.result != nil {
		r = f.result(w)
	}
	report(Target{Name: "container", State: r.State, Run: "run-" + w.After[36:], Message: r.Message})
	return r
}

// Choose takes the greatest commit, which in tests is the newest.
func (f *fakeRunner) Choose(_ context.Context, waiting []Work) (int, error) {
	newest := 0
	for i, w := range waiting {
		if w.After > waiting[newest].After {
			newest = i
		}
	}
	return newest, nil
}

func (f *fakeRunner) commits() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for _, w := range f.ran {
		all = append(all, w.After)
	}
	return all
}

func testOptions(dir string) Options {
	return Options{
		Dir: dir, Secret: mustSecret(testSecret), Workers: 2, MaxBody: 1 << 20, Keep: 1000, Grace: 10 * time.Second,
		Now: time.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Routes: Routes{
			{Repository: "acme/hello", Branch: "main", Directory: ".", Context: "ystack"},
			{Repository: "acme/shop", Branch: "release/*", Directory: "web", Context: "ystack/web"},
			{Repository: "acme/shop", Branch: "release/*", Directory: "api", Context: "ystack/api", Site: "other.yaml"},
		},
	}
}

// newTestServer has no workers yet; see start.
func newTestServer(t *testing.T, o Options, r Runner) *Server {
	t.Helper()
	s, err := NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	s.Handle(r)
	return s
}

// start lets the server work until stop is called, which waits for what runs.
func (s *Server) start() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { s.work(ctx, context.Background()); close(done) }()
	return func() { cancel(); <-done }
}

// deliver sends a delivery and returns the status of the answer.
func (s *Server) deliver(r *http.Request) int {
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w.Code
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	within(t, time.Minute, what, holds)
}

func within(t *testing.T, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

func (s *Server) states(id string) string {
	d := s.queue.get(id)
	if d == nil {
		return "unknown"
	}
	var states []string
	for _, j := range d.Jobs {
		states = append(states, string(j.State))
	}
	return strings.Join(states, " ")
}
