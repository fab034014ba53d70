package authwebhook

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ystackdev/ystack/pkg/keystone"
	"github.com/ystackdev/ystack/pkg/kube"
)

// fakeCluster lists namespaces, two at a time, and streams what the test sends.
type fakeCluster struct {
	*httptest.Server
	events chan string // a line of a watch; "" ends the connection

	mu     sync.Mutex
	items  []string
	lists  int
	refuse int // the status to refuse with
}

func newCluster(t *testing.T, items ...string) *fakeCluster {
	c := &fakeCluster{events: make(chan string), items: items}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	return c
}

func (c *fakeCluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	c.mu.Lock()
	refuse, items := c.refuse, c.items
	c.mu.Unlock()
	q := r.URL.Query()
	switch {
	case r.URL.Path != "/api/v1/namespaces" || q.Get("labelSelector") != "ystack.dev/project-id" || !strings.Contains(r.Header.Get("Accept"), "as=PartialObjectMetadata"):
		w.WriteHeader(http.StatusBadRequest)
	case refuse != 0:
		w.WriteHeader(refuse)
	case q.Get("watch") == "":
		from, end := 0, ""
		if _, err := fmt.Sscan(q.Get("continue"), &from); err != nil {
			c.mu.Lock()
			c.lists++
			c.mu.Unlock()
		}
		to := min(from+2, len(items))
		if to < len(items) {
			end = fmt.Sprint(to)
		}
		fmt.Fprintf(w, `{"kind":"PartialObjectMetadataList","metadata":{"resourceVersion":"7","continue":%q},"items":[%s]}`, end, strings.Join(items[from:to], ","))
	default:
		w.(http.Flusher).Flush()
		for {
			select {
			case event := <-c.events:
				if event == "" {
					return
				}
				fmt.Fprintln(w, event)
				w.(http.Flusher).Flush()
			case <-r.Context().Done():
				return
			}
		}
	}
}

func (c *fakeCluster) set(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

func (c *fakeCluster) listed() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lists
}

// send waits for a watch to send on.
func (c *fakeCluster) send(t *testing.T, event string) {
	t.Helper()
	select {
	case c.events <- event:
	case <-time.After(30 * time.Second):
		t.Fatal("nobody watches")
	}
}

// metadata of a namespace, in JSON.
func metadata(name, project string, more ...string) string {
	return fmt.Sprintf(`{"metadata":{"name":%q,"resourceVersion":"8","labels":{"ystack.dev/project-id":%q}%s}}`, name, project, strings.Join(more, ""))
}

func event(kind, object string) string { return fmt.Sprintf(`{"type":%q,"object":%s}`, kind, object) }

func (c *fakeCluster) follow(t *testing.T) (*Namespaces, *lockedBuffer) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config")
	config := fmt.Sprintf("apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: {server: %q}}]\nusers: [{name: u, user: {}}]\n", c.URL)
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	client, err := kube.Load(&clientcmd.ClientConfigLoadingRules{ExplicitPath: path}, &clientcmd.ConfigOverrides{}, "test")
	if err != nil {
		t.Fatal(err)
	}
	log := &lockedBuffer{}
	n := NewNamespaces(client, slog.New(slog.NewJSONHandler(log, nil)))
	n.rest = time.Millisecond
	a := &Authenticator{opts: Options{Namespaces: n}}
	t.Cleanup(a.follow(t.Context()))
	return n, log
}

// becomes waits until a project's namespaces are those.
func (n *Namespaces) becomes(t *testing.T, project string, want ...string) {
	t.Helper()
	eventually(t, func() bool {
		got, ok := n.known(project)
		return ok && strings.Join(got, " ") == strings.Join(want, " ")
	})
}

func TestNamespaces(t *testing.T) {
	c := newCluster(t, metadata("b", "p1"), metadata("a", "p1"), metadata("x", "p2"), metadata("going", "p2", `,"deletionTimestamp":"2026-01-01T00:00:00Z"`), metadata("y", "p3"))
	n, log := c.follow(t)
	n.becomes(t, "p1", "a", "b")
	n.becomes(t, "p2", "x")
	n.becomes(t, "none")
	for _, step := range []struct {
		event   string
		project string
		want    []string
	}{
		{event("ADDED", metadata("aa", "p1")), "p1", []string{"a", "aa", "b"}},
		{event("MODIFIED", metadata("aa", "p1")), "p1", []string{"a", "aa", "b"}},
		{event("MODIFIED", metadata("aa", "p2")), "p2", []string{"aa", "x"}},
		{event("BOOKMARK", `{"metadata":{"resourceVersion":"9"}}`), "p1", []string{"a", "b"}},
		{event("DELETED", metadata("a", "p1")), "p1", []string{"b"}},
		{event("MODIFIED", metadata("b", "p1", `,"deletionTimestamp":"2026-01-01T00:00:00Z"`)), "p1", nil},
		{event("DELETED", metadata("b", "p1")), "p1", nil},
		{event("DELETED", metadata("unknown", "p1")), "p1", nil},
		{event("ADDED", metadata("b", "p1")), "p1", []string{"b"}},
	} {
		c.send(t, step.event)
		n.becomes(t, step.project, step.want...)
	}
	c.send(t, "") // the connection ends: the next one goes on
	c.send(t, event("ADDED", metadata("c", "p1")))
	n.becomes(t, "p1", "b", "c")
	if c.listed() != 1 {
		t.Errorf("listed %d times", c.listed())
	}
	c.set(func() { c.items = []string{metadata("z", "p1")} })
	c.send(t, event("ERROR", `{"code":410}`))
	n.becomes(t, "p1", "z")
	n.becomes(t, "p2")
	if strings.Contains(log.String(), "WARN") {
		t.Errorf("the log complains: %s", log)
	}
	if d := n.detail(); d != "namespaces: 1, of 1 projects" {
		t.Error(d)
	}
}

// What was known holds while the cluster is away.
func TestNamespacesAway(t *testing.T) {
	c := newCluster(t, metadata("a", "p1"))
	c.refuse = http.StatusForbidden
	n, log := c.follow(t)
	eventually(t, func() bool { return strings.Contains(log.String(), "namespaces are not followed") })
	if _, ok := n.known("p1"); ok {
		t.Error("known before anything was listed")
	}
	if d := n.detail(); !strings.HasPrefix(d, "namespaces: not known yet (not followed: ") {
		t.Error(d)
	}
	c.set(func() { c.refuse = 0 })
	n.becomes(t, "p1", "a")
	c.send(t, event("BOOKMARK", metadata("", ""))) // it is being watched
	c.set(func() { c.refuse = http.StatusInternalServerError })
	c.send(t, "")
	eventually(t, func() bool { return strings.Count(log.String(), "namespaces are not followed") >= 2 })
	n.becomes(t, "p1", "a")
	if d := n.detail(); !strings.HasPrefix(d, "namespaces: 1, of 1 projects (not followed: ") {
		t.Error(d)
	}
	c.set(func() { c.refuse, c.items = 0, []string{metadata("b", "p1")} })
	n.becomes(t, "p1", "b")
}

// The namespaces of a token's project are in the answer; they are not remembered with the token.
func TestNamespacesInReview(t *testing.T) {
	c := newCluster(t, metadata("a", "p1"))
	n, _ := c.follow(t)
	f := newFake(t)
	a, _ := start(t, f, func(o *Options) { o.Namespaces = n })
	n.becomes(t, "p1", "a")
	scoped, unscoped := f.issue("alice"), f.issueBody(object{
		"user": object{"id": "1", "name": "bob", "domain": object{"id": "default", "name": "Default"}},
	}, 3600e9)
	told := func(token string) any {
		t.Helper()
		var r struct {
			Status struct{ User struct{ Extra object } }
		}
		if err := json.Unmarshal(post(a.Handler(), reviewOf("v1", token)).Body.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		return r.Status.User.Extra[keystone.NamespacesExtra]
	}
	if diff := cmp.Diff([]any{"a"}, told(scoped)); diff != "" {
		t.Error(diff)
	}
	c.send(t, event("ADDED", metadata("b", "p1")))
	n.becomes(t, "p1", "a", "b")
	if diff := cmp.Diff([]any{"a", "b"}, told(scoped)); diff != "" {
		t.Error(diff)
	}
	for _, name := range []string{"a", "b"} {
		c.send(t, event("DELETED", metadata(name, "p1")))
	}
	n.becomes(t, "p1")
	if diff := cmp.Diff([]any{}, told(scoped)); diff != "" {
		t.Error(diff)
	}
	if got := told(unscoped); got != nil {
		t.Errorf("an unscoped token is told %v", got)
	}
	for i := range 2 * maxNamespaces {
		n.change(fmt.Sprintf("many-%03d", i), "p1")
	}
	if got := told(scoped).([]any); len(got) != maxNamespaces {
		t.Errorf("%d are told", len(got))
	}
	text := &strings.Builder{}
	a.WriteMetrics(text)
	if !strings.Contains(text.String(), "\nystack_auth_webhook_namespaces_followed 1\n") {
		t.Error(text)
	}
}
