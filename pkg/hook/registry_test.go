package hook

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ystackdev/ystack/pkg/app"
)

// standIn answers as GitHub documents its API, for what is used of it; there is no GitHub on a test
// machine. Gitea, which the lab has, answers the real requests in lab_test.go.
type standIn struct {
	*httptest.Server
	mu       sync.Mutex
	fail     int // statuses that are refused with 502 yet
	statuses []string
	hooks    []hookOf
	list     []deliveryOf
	again    []string
	heads    map[string]string
	received *Server // where pings go
	tokens   map[string]bool
}

func newStandIn(t *testing.T) (*standIn, *Registry) {
	t.Helper()
	s := &standIn{heads: map[string]string{}, tokens: map[string]bool{}}
	mux := http.NewServeMux()
	api := "/api/v3/repos/acme/hello"
	mux.HandleFunc("POST "+api+"/statuses/{sha}", s.status)
	mux.HandleFunc("GET "+api+"/hooks", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if r.FormValue("page") != "1" {
			fmt.Fprint(w, "[]")
			return
		}
		_ = json.NewEncoder(w).Encode(s.hooks)
	})
	mux.HandleFunc("POST "+api+"/hooks", s.put)
	mux.HandleFunc("PATCH "+api+"/hooks/7", s.put)
	mux.HandleFunc("POST "+api+"/hooks/7/pings", s.ping)
	mux.HandleFunc("GET "+api+"/hooks/7/deliveries", s.deliveries)
	mux.HandleFunc("POST "+api+"/hooks/7/deliveries/{id}/attempts", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.again = append(s.again, r.PathValue("id"))
		w.WriteHeader(http.StatusAccepted)
	})
	mux.HandleFunc("GET "+api+"/branches/{branch}", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if head := s.heads[r.PathValue("branch")]; head != "" {
			fmt.Fprintf(w, `{"commit":{"sha":%q}}`, head)
			return
		}
		http.NotFound(w, r)
	})
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.tokens[r.Header.Get("Authorization")] = true
		s.mu.Unlock()
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s, NewRegistry(&app.Code{Kind: KindGitHub, URL: s.URL}, "t0ken", "test")
}

func (s *standIn) status(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail > 0 {
		s.fail--
		http.Error(w, `{"message":"bad gateway"}`, http.StatusBadGateway)
		return
	}
	var got status
	_ = json.NewDecoder(r.Body).Decode(&got)
	s.statuses = append(s.statuses, got.Context+"="+got.State)
	w.WriteHeader(http.StatusCreated)
	fmt.Fprint(w, `{}`)
}

func (s *standIn) put(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var h hookOf
	_ = json.NewDecoder(r.Body).Decode(&h)
	h.ID = 7
	s.hooks = []hookOf{h}
	_ = json.NewEncoder(w).Encode(h)
}

// ping delivers one with the secret that the hook was given.
func (s *standIn) ping(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body := `{"zen":"x","hook_id":7,"repository":{"full_name":"acme/hello"}}`
	p := httptest.NewRequest(http.MethodPost, PathHook, strings.NewReader(body))
	p.Header.Set("Content-Type", "application/json")
	p.Header.Set("X-GitHub-Event", "ping")
	p.Header.Set("X-GitHub-Delivery", fmt.Sprint("ping-", time.Now().UnixNano()))
	p.Header.Set("X-Hub-Signature-256", mustSecret(s.hooks[0].Config["secret"]).signature(body))
	s.received.deliver(p)
	w.WriteHeader(http.StatusNoContent)
}

// deliveries are two pages.
func (s *standIn) deliveries(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	page := s.list[:len(s.list)/2]
	if r.FormValue("cursor") == "" {
		w.Header().Set("Link", fmt.Sprintf(`<%s%s?per_page=100&cursor=x>; rel="next"`, s.URL, r.URL.Path))
	} else {
		page = s.list[len(s.list)/2:]
	}
	_ = json.NewEncoder(w).Encode(page)
}

func (s *standIn) told() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.statuses, " ")
}

// TestReport: a registry that refuses does not hurt the run, and is told later; what it was told is
// not told again after a restart.
func TestReport(t *testing.T) {
	reg, registry := newStandIn(t)
	reg.fail = 1
	dir := t.TempDir()
	o := testOptions(dir)
	o.Registry = registry
	r := &fakeRunner{result: func(w Work) Result {
		if w.After == commit(2) {
			return Result{State: Failed, Message: "container: broken"}
		}
		return Result{State: Succeeded}
	}}
	s := newTestServer(t, o, r)
	ctx, cancel := context.WithCancel(t.Context())
	reporting := make(chan struct{})
	stop := s.start()
	s.deliver(request(t, "1", "push", pushOf(1)))
	eventually(t, "the first is over", func() bool { return s.states("1") == "succeeded" })
	if told := reg.told(); told != "" {
		t.Fatalf("told %s before it was to be", told)
	}
	go func() { s.report(ctx); close(reporting) }()
	eventually(t, "the first is told", func() bool { return strings.HasSuffix(reg.told(), "ystack/container=success ystack=success") })
	s.deliver(request(t, "2", "push", pushOf(2)))
	s.deliver(request(t, "2-again", "push", pushOf(2)))
	eventually(t, "the second is told", func() bool { return strings.HasSuffix(reg.told(), "ystack=failure") })
	if !strings.Contains(reg.told(), "ystack/container=failure") || strings.Contains(reg.told(), "error") {
		t.Errorf("told %s", reg.told())
	}
	eventually(t, "it is on record", func() bool { return len(untold(&s.queue.get("2").Jobs[0])) == 0 })
	stop()
	cancel()
	<-reporting
	_ = s.Close()
	if !reg.tokens["token t0ken"] || len(reg.tokens) != 1 {
		t.Errorf("authorised with %v", reg.tokens)
	}

	before := reg.told()
	s = newTestServer(t, o, r)
	(&reporter{s: s, due: map[ref]time.Time{}, failures: map[ref]int{}}).round(t.Context())
	if reg.told() != before || len(s.queue.dirty) > 0 {
		t.Errorf("told again: %s", strings.TrimPrefix(reg.told(), before))
	}
}

func TestStatuses(t *testing.T) {
	j := &Job{Context: "ystack", State: Failed, Message: strings.Repeat("ü", 200) + "\nx", Targets: []Target{{Name: "container", State: Failed, Run: "hello-1", Message: "x"}, {Name: "vm", State: Running, Run: "hello-2"}}}
	var got []string
	for _, s := range statuses(j) {
		got = append(got, s.Context+" "+s.State+" "+s.Description)
	}
	want := "ystack/container failure run hello-1: x|ystack/vm pending run hello-2|ystack failure " + strings.Repeat("ü", 139) + "…"
	if strings.Join(got, "|") != want {
		t.Errorf("%q", got)
	}
	for state, want := range map[State]string{Queued: "pending", Running: "pending", Succeeded: "success", Skipped: "success", Superseded: "error", Failed: "failure"} {
		if got := newStatus("c", state, "").State; got != want {
			t.Errorf("%s: %s", state, got)
		}
	}
}

// TestMissed: what the registry could not deliver is delivered again, and a branch that is
// elsewhere than the last push said is run.
func TestMissed(t *testing.T) {
	reg, registry := newStandIn(t)
	o := testOptions(t.TempDir())
	o.Registry, o.URL = registry, "https://ystack.example/hook"
	s := newTestServer(t, o, &fakeRunner{})
	s.deliver(request(t, "known", "push", pushOf(1)))
	reg.hooks = []hookOf{{ID: 7, Config: map[string]string{"url": o.URL}}}
	reg.list = []deliveryOf{
		{ID: 9, GUID: "missed", StatusCode: 502, Event: "push"},
		{ID: 8, GUID: "missed", StatusCode: 0, Event: "push"},
		{ID: 7, GUID: "known", StatusCode: 502, Event: "push"},
		{ID: 6, GUID: "arrived", StatusCode: 502, Event: "push"},
		{ID: 5, GUID: "arrived", StatusCode: 202, Event: "push"},
		{ID: 4, GUID: "other", StatusCode: 502, Event: "issues"},
		{ID: 3, GUID: "unwanted", StatusCode: 404, Event: "push"},
	}
	reg.heads["main"] = commit(2)
	for range 2 {
		s.fetchMissed(t.Context())
	}
	if got := strings.Join(reg.again, " "); got != "9 9" { // nothing came of the first
		t.Errorf("delivered again: %s", got)
	}
	all := s.queue.book.Deliveries()
	if len(all) != 2 || all[0].After != commit(2) || all[0].Source != SourceHead || all[0].Jobs[0].State != Queued {
		t.Errorf("%+v", all)
	}
}

func TestInstall(t *testing.T) {
	reg, registry := newStandIn(t)
	s := newTestServer(t, testOptions(t.TempDir()), &fakeRunner{})
	reg.received = s
	web := httptest.NewServer(s.Handler())
	defer web.Close()
	i := &Install{Registry: registry, Repository: "acme/hello", URL: web.URL + PathHook, Secret: mustSecret(testSecret), Wait: time.Minute}
	expect := func(want string) {
		t.Helper()
		plan, err := i.Plan(t.Context())
		if err != nil || plan != want {
			t.Errorf("would be %s, %v; want %s", plan, err, want)
		}
		did, err := i.Run(t.Context())
		if err != nil || did != want {
			t.Errorf("%s, %v; want %s", did, err, want)
		}
	}
	expect(HookCreated)
	expect(HookUnchanged)
	reg.hooks[0].Events = []string{"*"}
	expect(HookUpdated)
	reg.hooks[0].Config["secret"] = "another" // which only shows in that no ping arrives
	i.Wait = 50 * time.Millisecond
	if did, err := i.Run(t.Context()); err != nil || did != HookUpdated {
		t.Errorf("with another secret: %s, %v", did, err)
	}
	if c := reg.hooks[0].Config; c["content_type"] != "json" || c["insecure_ssl"] != "0" || c["secret"] != testSecret {
		t.Errorf("%v", c)
	}
	i.Secret = mustSecret("mine alone")
	if _, err := i.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "another secret") {
		t.Errorf("a server with another secret: %v", err)
	}
}

func TestAPIAddress(t *testing.T) {
	for want, code := range map[string]app.Code{
		"https://api.github.com":        {Kind: KindGitHub, URL: "https://github.com/"},
		"https://github.example/api/v3": {Kind: KindGitHub, URL: "https://github.example"},
		"http://gitea.example/x/api/v1": {Kind: KindGitea, URL: "http://gitea.example/x/"},
		"https://api.example":           {Kind: KindGitHub, URL: "https://a.example", API: "https://api.example/"},
	} {
		if got := apiOf(&code); got != want {
			t.Errorf("%+v: %s", code, got)
		}
	}
}
