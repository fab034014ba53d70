package tenancy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/kube"
)

// door is a client of the lab's API server that goes through a proxy, which counts what
// is asked and may refuse it.
type door struct {
	*kube.Client
	mu     sync.Mutex
	counts map[string]int
	refuse func(method, path string, n int) bool
}

func newDoor(t *testing.T) *door {
	t.Helper()
	labConfig(t, "lab") // skips where there is no lab
	d := &door{counts: map[string]int{}}
	settings, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		t.Fatal(err)
	}
	transport, err := rest.TransportFor(settings)
	if err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse(settings.Host)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.Transport, proxy.ErrorLog = transport, log.New(io.Discard, "", 0)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.mu.Lock()
		d.counts[r.Method]++
		stop := d.refuse != nil && d.refuse(r.Method, r.URL.Path, d.counts[r.Method])
		d.mu.Unlock()
		if stop {
			panic(http.ErrAbortHandler)
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "kc")
	text := "apiVersion: v1\nkind: Config\nclusters: [{name: x, cluster: {server: '" + server.URL + "'}}]\ncontexts: [{name: x, context: {cluster: x, user: x}}]\nusers: [{name: x, user: {}}]\ncurrent-context: x\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if d.Client, err = kube.Load(&clientcmd.ClientConfigLoadingRules{ExplicitPath: file}, &clientcmd.ConfigOverrides{}, "ystack-test"); err != nil {
		t.Fatal(err)
	}
	return d
}

// reset forgets what was counted and returns the writes.
func (d *door) reset() (writes int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for method, n := range d.counts {
		if method != http.MethodGet {
			writes += n
		}
	}
	clear(d.counts)
	d.refuse = nil
	return writes
}

// stage is a domain of Keystone's with projects, and a TenantSync for it alone.
type stage struct {
	*door
	t      *testing.T
	a      *admin
	config *app.TenantSync
	domain string
	alice  string
	role   map[string]string // ids of Keystone's usual roles
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{door: newDoor(t), t: t, a: newAdmin(t), role: map[string]string{}}
	s.domain = s.a.make("domain", "domains", attributes{"name": "corp"})
	s.alice = s.a.make("user", "users", attributes{"name": "alice", "domain_id": s.domain, "password": password})
	snapshot := s.read()
	for _, r := range snapshot.Roles {
		s.role[r.Name] = r.ID
	}
	s.config = config(func(spec *app.TenantSyncSpec) {
		spec.Projects.Domains = []string{s.domain}
		spec.Namespaces.Name = s.a.prefix + "{{.Project}}"
	})
	s.config.Metadata.Name = strings.TrimSuffix(s.a.prefix, "-")
	t.Cleanup(func() {
		s.reset()
		for _, o := range s.observe().Namespaces {
			if o.isOurs(s.config.Metadata.Name) || strings.HasPrefix(o.Metadata.Name, s.a.prefix) {
				if err := s.Dynamic.Resource(kube.Usual()[0].GroupVersionResource).Delete(context.Background(), o.Metadata.Name, metav1.DeleteOptions{}); err != nil {
					t.Error(err)
				}
			}
		}
	})
	return s
}

// project makes one, whose name has no prefix: names must collide.
func (s *stage) project(name string) string {
	s.t.Helper()
	id := s.a.do1(http.MethodPost, "/projects", attributes{"project": attributes{"name": name, "domain_id": s.domain}}, "project")["id"].(string)
	return id
}

func (s *stage) read() *Snapshot {
	s.t.Helper()
	var err error
	for range 5 { // other tests change Keystone too
		var snapshot *Snapshot
		if snapshot, err = Read(context.Background(), s.a.s, ReadOptions{WithoutMembers: true}); err == nil {
			return snapshot
		}
	}
	s.t.Fatal(err)
	return nil
}

func (s *stage) observe() *Cluster {
	s.t.Helper()
	c, err := Observe(context.Background(), s.Client, s.config)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// bindings are ours, without those of others beside us.
func (s *stage) bindings() []Object {
	s.t.Helper()
	return slices.DeleteFunc(s.observe().Bindings, func(o Object) bool { return !o.isOurs(s.config.Metadata.Name) })
}

func (s *stage) plan() *Plan {
	s.t.Helper()
	p, err := NewPlan(s.config, s.read(), s.observe(), time.Now(), PlanOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

// sync plans and applies, and returns how many writes that took.
func (s *stage) sync() (*Plan, int) {
	s.t.Helper()
	p := s.plan()
	s.reset()
	if err := Apply(s.t.Context(), s.Client, p, ApplyOptions{}); err != nil {
		s.t.Fatal(err)
	}
	return p, s.reset()
}

// settled makes sure that there is nothing left to do, and that doing it writes nothing.
func (s *stage) settled() {
	s.t.Helper()
	p, writes := s.sync()
	if len(p.Changes)+len(p.Held)+len(p.Conflicts) > 0 || writes > 0 {
		s.t.Errorf("%d writes, %v, held %v, conflicts %v", writes, p.Changes, p.Held, p.Conflicts)
	}
}

func (p *Plan) counts() map[Action]int {
	n := map[Action]int{}
	for _, c := range p.Changes {
		n[c.Action]++
	}
	return n
}

func (s *stage) wantCounts(p *Plan, want map[Action]int) {
	s.t.Helper()
	if got := p.counts(); !maps.Equal(got, want) {
		s.t.Errorf("%v, want %v: %v", got, want, p.Changes)
	}
}

// TestLabApply follows a few projects through what happens to them.
func TestLabApply(t *testing.T) {
	s := newStage(t)
	on := func(project, role string) Assignment {
		return Assignment{UserID: s.alice, RoleID: s.role[role], Scope: Scope{ProjectID: project}}
	}
	web, web2, japan := s.project("web"), s.project("WEB!"), s.project("開発チーム")
	s.a.assign(on(web, "member"))
	s.a.assign(on(web2, "reader"))
	s.a.assign(on(japan, "manager"))

	p, writes := s.sync()
	s.wantCounts(p, map[Action]int{Create: 3 + 2 + 1 + 3}) // manager implies member implies reader
	if writes != len(p.Changes) {
		t.Errorf("%d writes for %d changes", writes, len(p.Changes))
	}
	whole := s.bindings()
	paged, err := listAll(t.Context(), s.Client, "RoleBinding", "/apis/"+rbacGroup+"/v1/rolebindings", url.Values{
		"limit": {"2"}, "labelSelector": {labelInstance + "=" + s.config.Metadata.Name},
	})
	if err != nil || len(whole) != 6 || cmp.Diff(whole, paged) != "" {
		t.Errorf("%v; in pages (-), at once (+):\n%s", err, cmp.Diff(paged, whole))
	}
	s.settled()

	s.a.must(http.MethodPatch, "/projects/"+web, attributes{"project": attributes{"name": "renamed"}})
	s.config.Spec.Namespaces.Labels = map[string]string{"team": "x"}
	p, _ = s.sync()
	s.wantCounts(p, map[Action]int{Update: 3})
	s.settled()
	s.config.Spec.Namespaces.Labels = nil
	p, _ = s.sync()
	s.wantCounts(p, map[Action]int{Update: 3})
	for _, o := range s.observe().Namespaces {
		if o.isOurs(s.config.Metadata.Name) && o.Metadata.Labels["team"] != "" {
			t.Errorf("%s has kept a label", o)
		}
	}
	s.settled()

	s.a.must(http.MethodDelete, strings.TrimPrefix(on(web, "member").question().path, "/v3"), nil)
	p, _ = s.sync()
	s.wantCounts(p, map[Action]int{Revoke: 2})
	s.settled()

	s.config.Spec.Roles = []app.RoleMapping{{Role: "reader", ClusterRole: "edit"}}
	p, _ = s.sync()
	s.wantCounts(p, map[Action]int{Create: 2, Replace: 2, Revoke: 2})
	s.settled()

	s.a.must(http.MethodDelete, "/projects/"+japan, nil)
	p, _ = s.sync()
	s.wantCounts(p, map[Action]int{Revoke: 1, Quarantine: 1})
	s.settled()
	old := time.Duration(0)
	p, err = NewPlan(s.config, s.read(), s.observe(), time.Now().Add(time.Second), PlanOptions{DeleteOlderThan: &old})
	if err != nil {
		t.Fatal(err)
	}
	s.wantCounts(p, map[Action]int{Delete: 1})
	if err := Apply(t.Context(), s.Client, p, ApplyOptions{}); err != nil {
		t.Error(err)
	}
}

// TestLabApplyInterrupted cuts the connection at many places; the next run takes up the
// work.
func TestLabApplyInterrupted(t *testing.T) {
	s := newStage(t)
	for _, name := range []string{"a", "b", "c", "d"} {
		id := s.project(name)
		s.a.assign(Assignment{UserID: s.alice, RoleID: s.role["manager"], Scope: Scope{ProjectID: id}})
	}
	runs := 0
	for at := 1; ; at += 2 {
		p := s.plan()
		if len(p.Changes) == 0 {
			break
		}
		s.reset()
		s.refuse = func(method, _ string, n int) bool { return method != http.MethodGet && n >= at }
		if err := Apply(t.Context(), s.Client, p, ApplyOptions{Concurrency: 4}); err != nil && !errors.Is(err, kube.ErrUnreachable) {
			t.Error(err)
		}
		s.reset()
		if runs++; runs > 20 {
			t.Fatal("it does not end")
		}
	}
	s.settled()
	if runs < 2 {
		t.Errorf("%d runs: nothing was interrupted", runs)
	}
}

// TestLabForeign: what is not ours stays as it is.
func TestLabForeign(t *testing.T) {
	s := newStage(t)
	id := s.project("web")
	s.a.assign(Assignment{UserID: s.alice, RoleID: s.role["reader"], Scope: Scope{ProjectID: id}})
	taken := Object{Kind: "Namespace", Metadata: Metadata{Name: s.a.prefix + "web"}}
	a := &applier{client: s.Client}
	if err := a.create(t.Context(), taken); err != nil {
		t.Fatal(err)
	}
	p := s.plan()
	home := p.Changes[0].Object.Metadata.Name
	if home == taken.Metadata.Name {
		t.Fatalf("it would take %s", home)
	}
	// Somebody makes a binding of our name between planning and applying, in a namespace
	// that was made meanwhile too.
	if err := a.create(t.Context(), p.Changes[0].Object); err != nil {
		t.Fatal(err)
	}
	foreign := p.Changes[1].Object
	foreign.Metadata.Labels, foreign.Subjects = nil, []Subject{{Kind: "User", APIGroup: rbacGroup, Name: "somebody"}}
	if err := a.create(t.Context(), foreign); err != nil {
		t.Fatal(err)
	}
	err := Apply(t.Context(), s.Client, p, ApplyOptions{})
	if !errors.Is(err, kube.ErrConflict) || !strings.Contains(err.Error(), "left alone") || strings.Count(err.Error(), "\n") > 0 {
		t.Errorf("error %v", err)
	}
	live, err := a.get(t.Context(), foreign)
	if err != nil || !slices.Equal(live.Subjects, foreign.Subjects) || len(live.Metadata.Labels) > 0 {
		t.Errorf("%+v, %v", live, err)
	}
	live, err = a.get(t.Context(), taken)
	if err != nil || live.project() != "" {
		t.Errorf("%+v, %v", live, err)
	}
	// What has changed since it was looked at is not removed, nor changed.
	live, err = a.get(t.Context(), p.Changes[0].Object)
	if err != nil {
		t.Fatal(err)
	}
	live.Kind, live.Metadata.ResourceVersion = "Namespace", "1"
	for _, action := range []Action{Update, Quarantine, Delete} {
		stale := &Plan{Config: *s.config, Changes: []Change{{action, live, ""}}}
		if err := Apply(t.Context(), s.Client, stale, ApplyOptions{}); !errors.Is(err, kube.ErrConflict) {
			t.Errorf("%s: %v", action, err)
		}
	}
}

// TestLabTenantResists: a tenant who changes bindings in his namespace all the time neither
// keeps what is taken from him, nor what he gave himself.
func TestLabTenantResists(t *testing.T) {
	s := newStage(t)
	id := s.project("web")
	member := Assignment{UserID: s.alice, RoleID: s.role["member"], Scope: Scope{ProjectID: id}}
	s.a.assign(member)
	s.sync()
	var edit, view Object
	for _, o := range s.bindings() {
		switch o.Metadata.Name {
		case "ystack:edit:member":
			edit = o
		case "ystack:view:reader":
			view = o
		}
	}
	a := &applier{client: s.Client}
	patch := func(o Object, patch string) error {
		_, err := a.at(o).Patch(context.Background(), o.Metadata.Name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
		return err
	}
	if err := patch(view, `{"subjects":[{"kind":"User","apiGroup":"rbac.authorization.k8s.io","name":"mallory"}]}`); err != nil {
		t.Fatal(err)
	}
	s.a.must(http.MethodDelete, strings.TrimPrefix(member.question().path, "/v3"), nil)
	s.a.assign(Assignment{UserID: s.alice, RoleID: s.role["reader"], Scope: Scope{ProjectID: id}})
	p := s.plan()
	s.wantCounts(p, map[Action]int{Revoke: 1, Update: 1})

	ctx, cancel := context.WithCancel(t.Context())
	var busy errgroup.Group
	for _, o := range []Object{edit, view} {
		busy.Go(func() error {
			for n := 0; ctx.Err() == nil; n++ {
				_ = patch(o, fmt.Sprintf(`{"metadata":{"annotations":{"busy":"%d"}}}`, n))
			}
			return nil
		})
	}
	err := Apply(t.Context(), s.Client, p, ApplyOptions{})
	cancel()
	_ = busy.Wait()
	if err != nil {
		t.Error(err)
	}
	if _, err := a.get(t.Context(), edit); !apierrors.IsNotFound(err) {
		t.Errorf("what was revoked is there: %v", err)
	}
	if is, err := a.get(t.Context(), view); err != nil || !slices.Equal(is.Subjects, view.Subjects) {
		t.Errorf("subjects %v, %v", is.Subjects, err)
	}
	// Quarantine that somebody put on by hand ends too.
	home := Object{Kind: "Namespace", Metadata: Metadata{Name: view.Metadata.Namespace}}
	if err := patch(home, `{"metadata":{"labels":{"`+labelQuarantined+`":"20260101T000000Z"}}}`); err != nil {
		t.Fatal(err)
	}
	p, _ = s.sync()
	s.wantCounts(p, map[Action]int{Update: 1})
	s.settled()
}

// TestLabDryRun: the server looks at everything and keeps nothing.
func TestLabDryRun(t *testing.T) {
	s := newStage(t)
	id := s.project("web")
	s.a.assign(Assignment{UserID: s.alice, RoleID: s.role["reader"], Scope: Scope{ProjectID: id}})
	before := s.plan()
	var done []string
	if err := Apply(t.Context(), s.Client, before, ApplyOptions{DryRun: true, Done: func(c Change) { done = append(done, c.Object.Kind) }}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(done, []string{"Namespace"}) {
		t.Errorf("checked: %v", done)
	}
	if err := before.CheckSame(s.plan()); err != nil {
		t.Error(err)
	}
	s.sync()
	s.config.Spec.Namespaces.Labels = map[string]string{"team": "x"}
	before = s.plan()
	if err := Apply(t.Context(), s.Client, before, ApplyOptions{DryRun: true}); err != nil {
		t.Fatal(err)
	}
	if err := before.CheckSame(s.plan()); err != nil {
		t.Error(err)
	}
}
