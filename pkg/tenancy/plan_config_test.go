package tenancy

import (
	"slices"
	"strings"
	"testing"

	"github.com/ystackdev/ystack/pkg/app"
)

// planned is what a TenantSync makes of the shop and a cluster.
func planned(t *testing.T, s *Snapshot, c *Cluster, edit func(*app.TenantSyncSpec)) *Plan {
	t.Helper()
	p, err := NewPlan(config(edit), s, c, noon, PlanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *Plan) find(t *testing.T, object string) Change {
	t.Helper()
	for _, c := range p.Changes {
		if c.Object.String() == object {
			return c
		}
	}
	t.Fatalf("no change of %s in %v", object, p.Changes)
	return Change{}
}

func TestPlanSystemRoles(t *testing.T) {
	s := shop()
	s.Assignments = sorted(append(s.Assignments, Assignment{GroupID: "g1", RoleID: "r1", Scope: Scope{System: true}}))
	mapped := func(spec *app.TenantSyncSpec) {
		spec.SystemRoles = []app.RoleMapping{{Role: "manager", ClusterRole: "cluster-admin"}, {Role: "on-call", ClusterRole: "view"}}
	}
	p := planned(t, s, fresh(), mapped)
	c := p.find(t, "clusterrolebinding ystack:lab:cluster-admin:manager")
	if got := c.Object.Subjects[0].Name; got != "keystone:system:role:manager" || c.Reason != "manager on the system → cluster-admin, because manager on system, through group shopkeepers" {
		t.Errorf("%s: %s", got, c)
	}
	if slices.ContainsFunc(p.Changes, func(c Change) bool { return strings.Contains(c.Object.String(), "on-call") }) {
		t.Error("nobody is on call for the system")
	}
	cluster := applied(t, fresh(), p)
	if again := planned(t, s, cluster, mapped); len(again.Changes) > 0 {
		t.Errorf("again: %v", again.Changes)
	}
	// Off the list, and taken in Keystone.
	if c := planned(t, s, cluster, nil).find(t, c.Object.String()); c.Action != Revoke {
		t.Errorf("%s: %s", c.Action, c)
	}
	if c := planned(t, shop(), cluster, mapped).find(t, c.Object.String()); c.Action != Revoke || !strings.Contains(c.Reason, "nobody has role manager on the system") {
		t.Errorf("%s: %s", c.Action, c)
	}
}

func TestPlanSubjectsUsers(t *testing.T) {
	s := shop()
	s.WithoutMembers = false
	s.Groups["g1"] = Group{"g1", "shopkeepers", "c1", []string{"u1", "u2", "u3", "u4", "u5"}}
	s.Users["u3"] = User{"u3", "alice", "default", true}
	s.Users["u4"] = User{"u4", "asleep", "c1", false}
	s.Users["u5"] = User{"u5", "system:admin", "default", true}
	users := func(prefix string) func(*app.TenantSyncSpec) {
		return func(spec *app.TenantSyncSpec) { spec.Identity = app.TenantIdentity{Prefix: prefix, Subjects: "users"} }
	}
	names := func(prefix string) string {
		var all []string
		for _, subject := range planned(t, s, fresh(), users(prefix)).find(t, "rolebinding web-3946ca64/ystack:edit:member").Object.Subjects {
			all = append(all, subject.Kind+" "+subject.Name)
		}
		return strings.Join(all, ", ")
	}
	if got, want := names("keystone:"), "User keystone:alice, User keystone:alice@corp, User keystone:system:admin, User keystone:花子@corp"; got != want && got != strings.Replace(want, "User keystone:system:admin, ", "", 1) {
		t.Errorf("got %s", got)
	}
	if got, want := names(""), "User alice, User alice@corp, User 花子@corp"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestPlanReserved(t *testing.T) {
	p := planned(t, shop(), fresh(), func(spec *app.TenantSyncSpec) { spec.Namespaces.Reserved = []string{"web*", "asleep"} })
	for _, c := range p.Changes {
		if c.Object.Kind == "Namespace" && strings.HasPrefix(c.Object.Metadata.Name, "web") {
			t.Errorf("%s", c)
		}
	}
	p.find(t, "namespace project-web-3946ca64")
}

func TestPlanAdopt(t *testing.T) {
	cluster := fresh()
	cluster.Namespaces = append(cluster.Namespaces, Object{Kind: "Namespace", Metadata: Metadata{
		Name: "old-web", UID: "u-1", ResourceVersion: "7", Labels: map[string]string{"mine": "yes"},
	}})
	adopt := func(all ...app.Adoption) func(*app.TenantSyncSpec) {
		return func(spec *app.TenantSyncSpec) { spec.Namespaces.Adopt = all }
	}
	p := planned(t, shop(), cluster, adopt(app.Adoption{Namespace: "old-web", UID: "u-1", ProjectID: "p2"}))
	c := p.find(t, "namespace old-web")
	if c.Action != Update || c.Object.Metadata.ResourceVersion != "7" || c.Reason != "adopted for project web (corp)" {
		t.Errorf("%+v", c)
	}
	p.find(t, "rolebinding old-web/ystack:edit:member")
	after := applied(t, cluster, p)
	if again := planned(t, shop(), after, adopt(app.Adoption{Namespace: "old-web", UID: "u-1", ProjectID: "p2"})); len(again.Changes)+len(again.Conflicts) > 0 {
		t.Errorf("again: %v %v", again.Changes, again.Conflicts)
	}
	after.Namespaces = slices.DeleteFunc(after.Namespaces, func(o Object) bool { return o.project() == "p3" })
	for name, tc := range map[string]struct {
		cluster *Cluster
		app.Adoption
		want string
	}{
		"another":    {cluster, app.Adoption{Namespace: "old-web", UID: "u-2", ProjectID: "p2"}, "its UID is u-1"},
		"none":       {cluster, app.Adoption{Namespace: "older", UID: "u-1", ProjectID: "p2"}, "there is none of this name"},
		"Kubernetes": {cluster, app.Adoption{Namespace: "kube-system", UID: "", ProjectID: "p2"}, ""},
		"taken":      {after, app.Adoption{Namespace: "old-web", UID: "u-1", ProjectID: "p3"}, "it is that of project p2 already"},
	} {
		t.Run(name, func(t *testing.T) {
			p := planned(t, shop(), tc.cluster, adopt(tc.Adoption))
			all := strings.Join(p.Conflicts, "\n")
			if !strings.Contains(all, tc.want) || tc.want == "" && all != "" {
				t.Errorf("conflicts: %q", all)
			}
			for _, c := range p.Changes {
				if c.Object.Metadata.Name == tc.Namespace && c.Action != Quarantine && tc.cluster == cluster {
					t.Errorf("%s", c)
				}
			}
		})
	}
}
