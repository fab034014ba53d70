package hook

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
)

const zeros = "0000000000000000000000000000000000000000"

// TestAnswers is the table of docs/push.md.
func TestAnswers(t *testing.T) {
	big := `{"x":"` + strings.Repeat("y", 2<<20) + `"}`
	main := pushOf(1)
	for name, c := range map[string]struct {
		event, body string
		change      func(r *http.Request)
		code        int
		jobs        int
	}{
		"push":                  {body: main, code: 202, jobs: 1},
		"two applications":      {body: payload("acme/shop", "refs/heads/release/1", commit(0), commit(1)), code: 202, jobs: 2},
		"new branch":            {body: payload("acme/hello", "refs/heads/main", zeros, commit(1)), code: 202, jobs: 1},
		"forced":                {body: strings.Replace(main, `"forced":false`, `"forced":true`, 1), code: 202, jobs: 1},
		"0 commits":             {body: strings.Replace(main, `"commits":[{"id":"`+commit(1)+`","message":"x","added":["a"],"modified":[]}]`, `"commits":[]`, 1), code: 202, jobs: 1},
		"charset":               {body: main, code: 202, jobs: 1, change: func(r *http.Request) { r.Header.Set("Content-Type", "application/json; charset=utf-8") }},
		"ping":                  {event: "ping", body: `{"zen":"x","hook_id":1,"repository":{"full_name":"acme/hello"}}`, code: 200},
		"other event":           {event: "issues", body: `{}`, code: 200},
		"tag":                   {body: payload("acme/hello", "refs/tags/v1", zeros, commit(1)), code: 200},
		"deleted branch":        {body: payload("acme/hello", "refs/heads/main", commit(1), zeros), code: 200},
		"nothing moved":         {body: payload("acme/hello", "refs/heads/main", commit(1), commit(1)), code: 200},
		"branch without route":  {body: payload("acme/hello", "refs/heads/topic", commit(0), commit(1)), code: 200},
		"unknown repository":    {body: payload("acme/none", "refs/heads/main", commit(0), commit(1)), code: 404},
		"GET":                   {body: main, code: 405, change: func(r *http.Request) { r.Method = http.MethodGet }},
		"form encoding":         {body: "payload=" + main, code: 415, change: func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }},
		"no content type":       {body: main, code: 415, change: func(r *http.Request) { r.Header.Del("Content-Type") }},
		"compressed":            {body: main, code: 415, change: func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }},
		"no event":              {body: main, code: 400, change: func(r *http.Request) { r.Header.Del("X-GitHub-Event") }},
		"no delivery":           {body: main, code: 400, change: func(r *http.Request) { r.Header.Del("X-GitHub-Delivery") }},
		"odd delivery":          {body: main, code: 400, change: func(r *http.Request) { r.Header.Set("X-GitHub-Delivery", "../../etc") }},
		"no signature":          {body: main, code: 401, change: func(r *http.Request) { r.Header.Del("X-Hub-Signature-256") }},
		"SHA-1 only":            {body: main, code: 401, change: func(r *http.Request) { r.Header.Del("X-Hub-Signature-256"); r.Header.Set("X-Hub-Signature", "sha1=00") }},
		"short signature":       {body: main, code: 401, change: func(r *http.Request) { r.Header.Set("X-Hub-Signature-256", "sha256=00") }},
		"empty secret":          {body: main, code: 401, change: func(r *http.Request) { r.Header.Set("X-Hub-Signature-256", Secret{}.signature(main)) }},
		"wrong signature":       {body: main, code: 401, change: func(r *http.Request) { r.Header.Set("X-Hub-Signature-256", mustSecret("other").signature(main)) }},
		"wrong and no JSON":     {body: "nonsense", code: 401, change: func(r *http.Request) { r.Header.Set("X-Hub-Signature-256", mustSecret("other").signature("")) }},
		"no JSON":               {body: "nonsense", code: 400},
		"cut short":             {body: main[:len(main)-1], code: 400},
		"no ref":                {body: `{"after":"` + commit(1) + `","repository":{"full_name":"acme/hello"}}`, code: 400},
		"no repository":         {body: `{"ref":"refs/heads/main","after":"` + commit(1) + `"}`, code: 400},
		"repository goes up":    {body: payload("acme/..%2f", "refs/heads/main", commit(0), commit(1)), code: 400},
		"commit is an option":   {body: payload("acme/hello", "refs/heads/main", commit(0), "--upload-pack=x"), code: 400},
		"branch is an option":   {body: payload("acme/hello", "refs/heads/-x", commit(0), commit(1)), code: 400},
		"branch goes up":        {body: payload("acme/hello", "refs/heads/../x", commit(0), commit(1)), code: 400},
		"branch has a new line": {body: strings.Replace(main, "refs/heads/main", `refs/heads/main\nx`, 1), code: 400},
		"too long":              {body: big, code: 413},
		"too long, not said":    {body: big, code: 413, change: func(r *http.Request) { r.ContentLength = -1 }},
	} {
		t.Run(name, func(t *testing.T) {
			s := newTestServer(t, testOptions(t.TempDir()), &fakeRunner{})
			event := c.event
			if event == "" {
				event = "push"
			}
			r := request(t, "id-1", event, c.body)
			if c.change != nil {
				c.change(r)
			}
			if code := s.deliver(r); code != c.code {
				t.Errorf("answered %d, want %d", code, c.code)
			}
			d := s.queue.get("id-1")
			if d == nil && c.jobs > 0 || d != nil && len(d.Jobs) != c.jobs {
				t.Errorf("recorded %+v, want %d jobs", d, c.jobs)
			}
		})
	}
}

func TestDuplicates(t *testing.T) {
	s := newTestServer(t, testOptions(t.TempDir()), &fakeRunner{})
	if first, second := s.deliver(request(t, "a", "push", pushOf(1))), s.deliver(request(t, "a", "push", pushOf(1))); first != 202 || second != 200 {
		t.Errorf("answered %d and %d", first, second)
	}
	// Another id for the same head, while that waits.
	if code := s.deliver(request(t, "b", "push", pushOf(1))); code != 202 || s.states("b") != "superseded" {
		t.Errorf("answered %d, %s", code, s.states("b"))
	}
	// There and back again: the last push decides, though its commit was pushed before.
	s.deliver(request(t, "c", "push", pushOf(2)))
	s.deliver(request(t, "d", "push", pushOf(1)))
	if got := s.states("c") + " " + s.states("d"); got != "queued queued" {
		t.Errorf("after a forced push back: %s", got)
	}
}

// endless is a body that never ends; how much of it was read is counted.
type endless struct{ read int64 }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	e.read += int64(len(p))
	return len(p), nil
}

// TestLongBodies: 30 MB are not kept, however they come.
func TestLongBodies(t *testing.T) {
	o := testOptions(t.TempDir())
	o.MaxBody = 1 << 20
	s := newTestServer(t, o, &fakeRunner{})
	body := &endless{}
	said := request(t, "a", "push", "")
	said.Body, said.ContentLength = io.NopCloser(body), 30<<20
	if code := s.deliver(said); code != 413 || body.read != 0 {
		t.Errorf("said to be 30 MB: %d, after %d bytes", code, body.read)
	}
	for name, start := range map[string]string{"a string": `{"x":"`, "the ref": `{"ref":"`, "the subject": `{"head_commit":{"message":"`} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			r := request(t, "a", "push", "")
			r.Body, r.ContentLength = io.NopCloser(io.MultiReader(strings.NewReader(start), &endless{})), -1
			if code := s.deliver(r); code != 413 {
				t.Errorf("answered %d", code)
			}
			runtime.ReadMemStats(&after)
			if used := after.TotalAlloc - before.TotalAlloc; used > 1<<19 {
				t.Errorf("%d bytes were allocated", used)
			}
		})
	}
}

func TestEmptySecretIsRefused(t *testing.T) {
	for _, text := range []string{"", " \n"} {
		if _, err := NewSecret(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
	o := testOptions(t.TempDir())
	o.Secret = Secret{}
	if s, err := NewServer(o); err == nil {
		_ = s.Close()
		t.Error("a server without a secret starts")
	}
	if text := fmt.Sprintf("%v %+v %s", mustSecret("hunter2"), mustSecret("hunter2"), mustSecret("hunter2")); strings.Contains(text, "hunter2") {
		t.Errorf("a secret prints: %s", text)
	}
}

func TestPing(t *testing.T) {
	s := newTestServer(t, testOptions(t.TempDir()), &fakeRunner{})
	ask := func(secret string) (int, string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, PathPing+"?repository=acme%2Fhello", nil)
		r.Header.Set("X-Hub-Signature-256", mustSecret(secret).signature("repository=acme%2Fhello"))
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	s.deliver(request(t, "p1", "ping", `{"repository":{"full_name":"acme/hello"}}`))
	if code, body := ask(testSecret); code != 200 || !strings.Contains(body, `"p1"`) {
		t.Errorf("%d %s", code, body)
	}
	// What Gitea sends as a test.
	s.deliver(request(t, "p2", "push", payload("acme/hello", "refs/heads/main", commit(1), commit(1))))
	if code, body := ask(testSecret); code != 200 || !strings.Contains(body, `"p2"`) {
		t.Errorf("%d %s", code, body)
	}
	if code, _ := ask("other"); code != 401 {
		t.Errorf("with another secret: %d", code)
	}
}

func TestMetricsAndHealth(t *testing.T) {
	s := newTestServer(t, testOptions(t.TempDir()), &fakeRunner{})
	s.deliver(request(t, "a", "push", pushOf(1)))
	s.deliver(request(t, "b", "push", "nonsense"))
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		return w.Code, w.Body.String()
	}
	_, text := get(PathMetrics)
	for _, want := range []string{
		`ystack_hook_deliveries_total{answer="accepted"} 1`, `ystack_hook_deliveries_total{answer="refused"} 1`,
		"ystack_hook_jobs_waiting 1", "ystack_hook_jobs_running 0", "# TYPE ystack_hook_jobs_total counter",
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	for _, path := range []string{PathHealthz, PathReadyz} {
		if code, _ := get(path); code != 200 {
			t.Errorf("%s: %d", path, code)
		}
	}
	s.draining.Store(true)
	if code, _ := get(PathReadyz); code != 503 {
		t.Errorf("while it ends: %d", code)
	}
}
