package tenancy

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/tenancy/abac"
	"github.com/ystackdev/ystack/pkg/tenancy/rbac"
)

// clusterRoles are like Kubernetes', but short.
func clusterRoles() map[string][]rbac.Rule {
	read := []string{"get", "list", "watch"}
	view := []rbac.Rule{{Verbs: read, APIGroups: []string{""}, Resources: []string{"pods", "pods/log", "namespaces"}}}
	edit := append(slices.Clone(view), rbac.Rule{Verbs: []string{"create", "delete"}, APIGroups: []string{"", "apps"}, Resources: []string{"pods", "deployments"}})
	admin := append(slices.Clone(edit), rbac.Rule{Verbs: []string{"*"}, APIGroups: []string{"rbac.authorization.k8s.io"}, Resources: []string{"roles"}})
	return map[string][]rbac.Rule{"view": view, "edit": edit, "admin": admin, "cluster-admin": {
		{Verbs: []string{"*"}, APIGroups: []string{"*"}, Resources: []string{"*"}}, {Verbs: []string{"*"}, NonResourceURLs: []string{"*"}},
	}}
}

// policyStage is a policy file that plans are made for, and what they leave in it.
type policyStage struct {
	*testing.T
	cluster *Cluster
	path    string
	keep    []string
	options PlanOptions
}

func newPolicyStage(t *testing.T) *policyStage {
	return &policyStage{t, fresh(), filepath.Join(t.TempDir(), "policy.jsonl"), nil, PlanOptions{}}
}

// run plans and does what concerns the file.
func (s *policyStage) run(snapshot *Snapshot, edit func(*app.TenantSyncSpec)) *Plan {
	s.Helper()
	file, err := ReadPolicyFile(s.path, s.keep)
	if err != nil {
		s.Fatal(err)
	}
	s.cluster.Policy, s.cluster.Rules = file, clusterRoles()
	p, err := NewPlan(config(edit), snapshot, s.cluster, noon, s.options)
	if err != nil {
		s.Fatal(err)
	}
	if slices.ContainsFunc(p.Changes, func(c Change) bool { return c.Object.Kind == kindPolicy }) {
		a := &applier{options: ApplyOptions{}}
		a.writePolicy(p.policy, p.Changes)
		if len(a.errs) > 0 {
			s.Fatal(a.errs)
		}
	}
	return p
}

func (p *Plan) policyChanges() (all []string) {
	for _, c := range p.Changes {
		if c.Object.Kind == kindPolicy {
			all = append(all, c.String())
		}
	}
	return all
}

func (s *policyStage) allows(group, verb, namespace, resource string) bool {
	s.Helper()
	p, err := abac.Load(s.path)
	if err != nil {
		s.Fatal(err)
	}
	return p.Authorize(abac.Request{User: "u", Groups: []string{group}, Verb: verb, IsResource: true, Namespace: namespace, Resource: resource}).Allowed
}

func TestPolicyFile(t *testing.T) {
	s := newPolicyStage(t)
	p := s.run(shop(), nil)
	first := p.policyChanges()
	if !slices.Contains(first, "+ policy web-3946ca64/keystone:project:p2:role:member: member on web → edit, because manager on shop (inherited), through group shopkeepers; manager implies member") {
		t.Errorf("%s", strings.Join(first, "\n"))
	}
	member, reader := "keystone:project:p2:role:member", "keystone:project:p2:role:reader"
	if !s.allows(member, "create", "web-3946ca64", "pods") || s.allows(reader, "create", "web-3946ca64", "pods") || !s.allows(reader, "get", "web-3946ca64", "namespaces") ||
		s.allows(member, "create", "shop-f64551fc", "pods") || s.allows("keystone:project:p2:role:manager", "update", "web-3946ca64", "namespaces") {
		t.Error("other rights than meant")
	}
	was, err := os.ReadFile(s.path)
	if err != nil {
		t.Fatal(err)
	}
	// The namespaces are there now; the names do not change, and the file neither.
	s.cluster = applied(t, s.cluster, p)
	if again := s.run(shop(), nil).policyChanges(); len(again) > 0 {
		t.Errorf("again: %s", again)
	}

	// What is taken away counts for the caps, and stays where they are tripped.
	less := shop()
	less.Assignments = slices.DeleteFunc(less.Assignments, func(a Assignment) bool { return a.GroupID == "g1" })
	p = s.run(less, func(spec *app.TenantSyncSpec) { spec.Caps.Share = "0%" })
	if p.Caps == "" || !s.allows(member, "create", "web-3946ca64", "pods") {
		t.Errorf("caps %q; held %v", p.Caps, p.Held)
	}
	p = s.run(less, func(spec *app.TenantSyncSpec) { spec.Caps.Share = "100%" })
	if s.allows(member, "create", "web-3946ca64", "pods") || !slices.Contains(p.policyChanges(), "- policy web-3946ca64/"+member+": nobody has this role there any more, or it grants nothing") {
		t.Errorf("%s", p.policyChanges())
	}

	// Back again, byte for byte.
	s.run(shop(), nil)
	if is, err := os.ReadFile(s.path); err != nil || string(is) != string(was) {
		t.Errorf("%v:\n%s\nwas\n%s", err, is, was)
	}
}

func TestPolicyFileOfOthers(t *testing.T) {
	s := newPolicyStage(t)
	if err := os.WriteFile(s.path, []byte(`{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":{"user":"admin","namespace":"*","resource":"*","apiGroup":"*"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadPolicyFile(s.path, nil); err == nil || !strings.Contains(err.Error(), "was not written by tenant-sync") {
		t.Errorf("%v", err)
	}
	admins := s.path + ".admins"
	if err := os.Rename(s.path, admins); err != nil {
		t.Fatal(err)
	}
	s.keep = []string{admins}
	s.run(shop(), nil)
	if s.allows("x", "get", "web", "pods") {
		t.Error("everybody may read")
	}
	p, err := abac.Load(s.path)
	if err != nil {
		t.Fatal(err)
	}
	if !p.Authorize(abac.Request{User: "admin", Verb: "delete", IsResource: true, Resource: "nodes"}).Allowed {
		t.Error("the lines of others are not in it")
	}
	if again := s.run(shop(), nil).policyChanges(); len(again) > 0 {
		t.Errorf("again: %s", again)
	}
	s.keep = nil
	if gone := s.run(shop(), nil).policyChanges(); len(gone) != 1 {
		t.Errorf("left out: %s", gone)
	}
}

// TestPolicyAlone: without RBAC no bindings are made, and those that are there go.
func TestPolicyAlone(t *testing.T) {
	s := newPolicyStage(t)
	s.cluster = applied(t, s.cluster, s.run(shop(), nil))
	s.options.WithoutRBAC = true
	p := s.run(shop(), func(spec *app.TenantSyncSpec) { spec.Caps.Share = "100%" })
	for _, c := range p.Changes {
		if c.Action != Revoke || c.Object.Kind != "RoleBinding" {
			t.Errorf("%s", c)
		}
	}
	if len(p.Changes) != len(s.cluster.Bindings) {
		t.Errorf("%d of %d bindings go", len(p.Changes), len(s.cluster.Bindings))
	}
}

func TestPolicyOfTheSystem(t *testing.T) {
	s := newPolicyStage(t)
	snapshot := shop()
	snapshot.Assignments = sorted(append(snapshot.Assignments, Assignment{UserID: "u1", RoleID: "r1", Scope: Scope{System: true}}))
	edit := func(spec *app.TenantSyncSpec) {
		spec.SystemRoles = []app.RoleMapping{{Role: "manager", ClusterRole: "cluster-admin"}}
	}
	s.run(snapshot, edit)
	p, err := abac.Load(s.path)
	if err != nil {
		t.Fatal(err)
	}
	if !p.Authorize(abac.Request{User: "u", Groups: []string{"keystone:system:role:manager"}, Verb: "post", Path: "/anything"}).Allowed ||
		!s.allows("keystone:system:role:manager", "delete", "", "nodes") {
		t.Error("the system's manager may not do everything")
	}
	if again := s.run(snapshot, edit).policyChanges(); len(again) > 0 {
		t.Errorf("again: %s", again)
	}
}

// TestPolicyNeedsRules: a ClusterRole that we may not look at cannot be put into lines.
func TestPolicyNeedsRules(t *testing.T) {
	c := fresh()
	c.Policy = &PolicyFile{}
	if _, err := NewPlan(config(nil), shop(), c, noon, PlanOptions{}); err == nil || !strings.Contains(err.Error(), "may not look at ClusterRole") {
		t.Errorf("%v", err)
	}
}
