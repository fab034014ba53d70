package tenancy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ystackdev/ystack/pkg/app"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// config is a TenantSync with its defaults, and what edit changes.
func config(edit func(*app.TenantSyncSpec)) *app.TenantSync {
	removals := int32(app.DefaultRemovals)
	c := &app.TenantSync{Metadata: app.Metadata{Name: "lab"}, Spec: app.TenantSyncSpec{
		Namespaces: app.TenantNamespaces{Name: "{{.Project}}", PodSecurity: "baseline"},
		Roles:      []app.RoleMapping{{Role: "admin", ClusterRole: "admin"}, {Role: "manager", ClusterRole: "admin"}, {Role: "member", ClusterRole: "edit"}, {Role: "reader", ClusterRole: "view"}},
		Identity:   app.TenantIdentity{Prefix: "keystone:", Subjects: "groups"},
		Caps:       app.Caps{Removals: &removals, Share: "10%"},
	}}
	if edit != nil {
		edit(&c.Spec)
	}
	return c
}

// shop is a Keystone with a few projects below one another.
func shop() *Snapshot {
	s := &Snapshot{
		WithoutMembers: true,
		Domains:        map[string]Domain{"default": {"default", "Default", true}, "c1": {"c1", "corp", true}, "off": {"off", "closed", false}},
		Projects:       map[string]Project{},
		Users:          map[string]User{"u1": {"u1", "alice", "c1", true}, "u2": {"u2", "花子", "c1", true}},
		Groups:         map[string]Group{"g1": {"g1", "shopkeepers", "c1", nil}},
		Roles:          map[string]Role{"r1": {ID: "r1", Name: "manager"}, "r2": {ID: "r2", Name: "member"}, "r3": {ID: "r3", Name: "reader"}, "r4": {ID: "r4", Name: "on-call"}, "r5": {ID: "r5", Name: "shop/auditor 1"}},
		Implied:        map[string][]string{"r1": {"r2"}, "r2": {"r3"}},
	}
	for _, p := range []Project{
		{ID: "p1", Name: "shop", DomainID: "c1", ParentID: "c1", Enabled: true, Tags: []string{"kubernetes"}},
		{ID: "p2", Name: "web", DomainID: "c1", ParentID: "p1", Enabled: true, Tags: []string{"kubernetes", "x"}},
		{ID: "p3", Name: "Web", DomainID: "default", ParentID: "default", Enabled: true},
		{ID: "p4", Name: "kube-system", DomainID: "default", ParentID: "default", Enabled: true},
		{ID: "p5", Name: "開発チーム", DomainID: "default", ParentID: "default", Enabled: true},
		{ID: "p6", Name: "asleep", DomainID: "default", ParentID: "default"},
		{ID: "p7", Name: "closed", DomainID: "off", ParentID: "off", Enabled: true},
	} {
		s.Projects[p.ID] = p
	}
	project := func(id string) Scope { return Scope{ProjectID: id} }
	s.Assignments = sorted([]Assignment{
		{GroupID: "g1", RoleID: "r1", Scope: project("p1"), Inherited: true},
		{UserID: "u1", RoleID: "r2", Scope: project("p1")},
		{UserID: "u1", RoleID: "r4", Scope: project("p1")},
		{UserID: "u2", RoleID: "r3", Scope: project("p5")},
		{UserID: "u2", RoleID: "r5", Scope: project("p5")},
		{UserID: "u1", RoleID: "r3", Scope: Scope{DomainID: "default"}, Inherited: true},
		{UserID: "u1", RoleID: "r2", Scope: project("p7")},
	})
	return s
}

// applied is the cluster after a plan.
func applied(t *testing.T, c *Cluster, p *Plan) *Cluster {
	t.Helper()
	all := map[string]Object{}
	for _, o := range slices.Concat(c.Namespaces, c.Bindings) {
		all[o.String()] = o
	}
	for i, change := range p.Changes {
		o := change.Object
		if o.Kind == kindPolicy {
			continue // is in a file
		}
		is, there := all[o.String()]
		switch change.Action {
		case Create:
			if there {
				t.Errorf("%s is there already", o)
			}
			o.Metadata.UID = fmt.Sprint("uid-", o)
		case Update, Quarantine:
			if is.Metadata.UID != o.Metadata.UID || is.Metadata.ResourceVersion != o.Metadata.ResourceVersion {
				t.Errorf("%s is another", o)
			}
			if change.Action == Quarantine {
				o.Metadata.Labels[labelQuarantined] = noon.Format(quarantineTime)
			}
		case Revoke, Replace, Delete:
			if !there {
				t.Errorf("%s is not there", o)
			}
			delete(all, o.String())
			continue
		}
		o.Metadata.ResourceVersion = fmt.Sprint(i + 1)
		all[o.String()] = o
	}
	out := &Cluster{}
	for _, o := range all {
		if o.Kind == "Namespace" {
			out.Namespaces = append(out.Namespaces, o)
		} else if _, home := all["namespace "+o.Metadata.Namespace]; home || o.Metadata.Namespace == "" {
			out.Bindings = append(out.Bindings, o)
		}
	}
	slices.SortFunc(out.Namespaces, compareObjects)
	slices.SortFunc(out.Bindings, compareObjects)
	return out
}

func fresh() *Cluster {
	c := &Cluster{}
	for _, name := range []string{"default", "kube-system", "shop"} {
		c.Namespaces = append(c.Namespaces, Object{Kind: "Namespace", Metadata: Metadata{Name: name}})
	}
	return c
}

// TestPlan prints what is planned, one step after another on the same cluster.
func TestPlan(t *testing.T) {
	var out strings.Builder
	cluster, s, day := fresh(), shop(), noon
	step := func(what string, conf *app.TenantSync, o PlanOptions) {
		p, err := NewPlan(conf, s, cluster, day, o)
		fmt.Fprintf(&out, "# %s\n", what)
		if err != nil {
			fmt.Fprintf(&out, "error: %v\n\n", err)
			return
		}
		for _, c := range p.Changes {
			fmt.Fprintln(&out, c)
		}
		for _, c := range p.Held {
			fmt.Fprintln(&out, "held", c)
		}
		if p.Caps != "" {
			fmt.Fprintln(&out, p.Caps)
		}
		for _, c := range p.Conflicts {
			fmt.Fprintln(&out, "conflict:", c)
		}
		fmt.Fprintln(&out)
		cluster = applied(t, cluster, p)
	}
	step("the first time", config(nil), PlanOptions{})
	step("nothing has happened", config(nil), PlanOptions{})

	with := func(id string, edit func(*Project)) { p := s.Projects[id]; edit(&p); s.Projects[id] = p }
	with("p2", func(p *Project) { p.Name = "frontend" })
	with("p5", func(p *Project) { p.Enabled = false })
	with("p6", func(p *Project) { p.Enabled = true })
	step("renamed, switched off, switched on", config(nil), PlanOptions{})

	mapped := func(spec *app.TenantSyncSpec) {
		spec.Roles = []app.RoleMapping{{Role: "member", ClusterRole: "admin"}, {Role: "reader", ClusterRole: "view"}, {Role: "on-call", ClusterRole: "view"}, {Role: "shop/auditor 1", ClusterRole: "view"}}
		spec.Namespaces.Labels = map[string]string{"team": "tenants"}
	}
	with("p5", func(p *Project) { p.Enabled = true })
	step("other roles, another label", config(mapped), PlanOptions{})

	delete(s.Projects, "p2")
	step("a project is gone", config(mapped), PlanOptions{})
	step("nothing more", config(mapped), PlanOptions{})
	week, day2 := 7*24*time.Hour, noon.Add(8*24*time.Hour)
	step("too early", config(mapped), PlanOptions{DeleteOlderThan: &week})
	day = day2
	step("deleted after a week", config(mapped), PlanOptions{DeleteOlderThan: &week})

	none := func(spec *app.TenantSyncSpec) { mapped(spec); spec.Caps.Removals = new(int32) }
	delete(s.Projects, "p3")
	step("no removals allowed", config(none), PlanOptions{})
	step("no tag but kubernetes, too much at once", config(func(spec *app.TenantSyncSpec) { mapped(spec); spec.Projects.Tags = []string{"kubernetes"} }), PlanOptions{})
	s = shop()
	step("all are back", config(nil), PlanOptions{})

	for i := range cluster.Bindings {
		switch i {
		case len(cluster.Bindings) - 1:
			cluster.Bindings[i].Subjects = append(cluster.Bindings[i].Subjects, Subject{Kind: "User", Name: "mallory"})
		case 1:
			cluster.Bindings[i].RoleRef = &RoleRef{rbacGroup, "ClusterRole", "cluster-admin"}
		}
	}
	for i, o := range cluster.Namespaces {
		if o.project() == "p1" {
			stray := o
			stray.Metadata.Name = "stray"
			cluster.Namespaces[i].Metadata.Labels[labelPodSecurity] = "privileged"
			cluster.Namespaces = append(cluster.Namespaces, stray)
		}
		if o.project() == "p5" {
			cluster.Namespaces[i].Metadata.DeletionTimestamp = "2026-03-01T12:00:00Z"
		}
	}
	step("meddled with", config(nil), PlanOptions{})
	for i, o := range cluster.Namespaces {
		if o.project() == "p3" {
			cluster.Namespaces[i].Metadata.Labels[labelInstance] = "another"
		}
	}
	step("another TenantSync has a project", config(nil), PlanOptions{})
	cluster.NoClusterRoles = []string{"edit"}
	step("a ClusterRole that is none", config(nil), PlanOptions{})
	golden(t, "plan", out.String())
}

func TestPlanRefuses(t *testing.T) {
	first, err := NewPlan(config(nil), shop(), fresh(), noon, PlanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	full := applied(t, fresh(), first)
	other := shop()
	for id, p := range shop().Projects {
		delete(other.Projects, id)
		p.ID = "other-" + id
		other.Projects[p.ID] = p
	}
	empty := shop()
	clear(empty.Projects)
	for name, tc := range map[string]struct {
		s    *Snapshot
		conf *app.TenantSync
		want string
	}{
		"another cloud": {other, config(nil), "Keystone knows none of the 5 projects"},
		"empty":         {empty, config(nil), "chooses none of Keystone's 0 projects"},
		"no domain":     {shop(), config(func(s *app.TenantSyncSpec) { s.Projects.Domains = []string{"Default", "copr"} }), "spec.projects.domains[1]: no domain is called copr"},
		"no project":    {shop(), config(func(s *app.TenantSyncSpec) { s.Projects.Tags = []string{"K8s"} }), "chooses none of Keystone's 7 projects"},
		"misspelt role": {shop(), config(func(s *app.TenantSyncSpec) {
			s.Roles = append(s.Roles, app.RoleMapping{Role: "memebr", ClusterRole: "edit"})
		}), "spec.roles[4]: Keystone has no role memebr"},
		"default role": {shop(), config(func(s *app.TenantSyncSpec) { s.Roles = []app.RoleMapping{{Role: "admin", ClusterRole: "view"}} }), "spec.roles[0]: Keystone has no role admin"},
		"all excluded": {shop(), config(func(s *app.TenantSyncSpec) { s.Projects.Exclude = []string{"*"} }), "chooses none"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := NewPlan(tc.conf, tc.s, full, noon, PlanOptions{})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, plan %v", err, p)
			}
		})
	}
}

// TestPlanForged: whoever may write bindings in his own namespace holds up nothing
// elsewhere.
func TestPlanForged(t *testing.T) {
	first, err := NewPlan(config(nil), shop(), fresh(), noon, PlanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cluster := applied(t, fresh(), first)
	for i := range 200 {
		forged := cluster.Bindings[0]
		forged.Metadata.Name = fmt.Sprintf("ystack:view:forged-%d", i)
		cluster.Bindings = append(cluster.Bindings, forged)
	}
	hidden := &cluster.Bindings[1]
	hidden.Metadata.Labels = nil
	p, err := NewPlan(config(nil), shop(), cluster, noon, PlanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if p.Caps != "" || len(p.Changes) != 200 || len(p.Held) != 0 {
		t.Errorf("%d changes, %d held: %s", len(p.Changes), len(p.Held), p.Caps)
	}
	if len(p.Conflicts) != 1 || !strings.HasPrefix(p.Conflicts[0], hidden.String()+" is in the way") {
		t.Errorf("conflicts: %q", p.Conflicts)
	}
	// Nor does he keep what is taken from him.
	s := shop()
	s.Assignments = nil
	p, err = NewPlan(config(nil), s, cluster, noon, PlanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Conflicts) != 1 || !strings.HasPrefix(p.Conflicts[0], hidden.String()+" lacks our labels, and so goes on granting") {
		t.Errorf("conflicts: %q", p.Conflicts)
	}
}

// TestPlanRevokesInTwins: where two namespaces say that they are of one project nothing is
// made, but what is not granted any more goes from both.
func TestPlanRevokesInTwins(t *testing.T) {
	s := shop()
	first, err := NewPlan(config(nil), s, fresh(), noon, PlanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cluster := applied(t, fresh(), first)
	for _, o := range slices.Clone(cluster.Namespaces) {
		if o.project() == "p2" {
			o.Metadata.Name = "twin"
			cluster.Namespaces = append(cluster.Namespaces, o)
		}
	}
	for _, o := range slices.Clone(cluster.Bindings) {
		if o.project() == "p2" {
			o.Metadata.Namespace = "twin"
			cluster.Bindings = append(cluster.Bindings, o)
		}
	}
	s.Assignments = slices.DeleteFunc(s.Assignments, func(a Assignment) bool { return a.GroupID == "g1" })
	p, err := NewPlan(config(func(spec *app.TenantSyncSpec) { spec.Caps.Share = "100%" }), s, cluster, noon, PlanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	in := map[string]int{}
	for _, c := range p.Changes {
		if c.Action != Revoke {
			t.Errorf("%s", c)
		}
		in[c.Object.Metadata.Namespace]++
	}
	if in["twin"] == 0 || in["twin"] != in["web-3946ca64"] || len(p.Conflicts) == 0 {
		t.Errorf("revoked %v, conflicts %q", in, p.Conflicts)
	}
}

func TestChoose(t *testing.T) {
	for name, tc := range map[string]struct {
		selector app.ProjectSelector
		want     []string
	}{
		"all":            {app.ProjectSelector{}, []string{"p1", "p2", "p3", "p4", "p5", "p6", "p7"}},
		"domain by name": {app.ProjectSelector{Domains: []string{"corp"}}, []string{"p1", "p2"}},
		"domain by id":   {app.ProjectSelector{Domains: []string{"c1"}}, []string{"p1", "p2"}},
		"glob":           {app.ProjectSelector{Domains: []string{"D?fa*"}, Exclude: []string{"*チーム", "p6"}}, []string{"p3", "p4"}},
		"no regexp":      {app.ProjectSelector{Exclude: []string{".*", "we."}}, []string{"p1", "p2", "p3", "p4", "p5", "p6", "p7"}},
		"tags":           {app.ProjectSelector{Tags: []string{"kubernetes", "x"}}, []string{"p2"}},
	} {
		t.Run(name, func(t *testing.T) {
			chosen, err := choose(tc.selector, shop())
			var ids []string
			for _, p := range chosen {
				ids = append(ids, p.ID)
			}
			slices.Sort(ids)
			if err != nil || !slices.Equal(ids, tc.want) {
				t.Errorf("%v, %v", ids, err)
			}
		})
	}
}

func TestSavedPlan(t *testing.T) {
	plan := func() *Plan {
		p, err := NewPlan(config(nil), shop(), fresh(), noon, PlanOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	data, err := json.Marshal(plan())
	if err != nil {
		t.Fatal(err)
	}
	saved, err := ReadPlan(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if err := saved.CheckSame(plan()); err != nil {
		t.Error(err)
	}
	for name, edit := range map[string]func(*Plan){
		"less":    func(p *Plan) { p.Changes = p.Changes[1:] },
		"more":    func(p *Plan) { p.Changes = append(p.Changes, Change{Revoke, Object{Kind: "RoleBinding"}, ""}) },
		"version": func(p *Plan) { p.Changes[3].Object.Metadata.ResourceVersion = "9" },
		"held":    func(p *Plan) { p.Held = append(p.Held, p.Changes[0]) },
	} {
		now := plan()
		edit(now)
		if err := saved.CheckSame(now); !errors.Is(err, ErrMoved) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, text := range []string{"", "{}", "[]", `{"kind":"Site"}`, `{"apiVersion":"ystack.dev/v1alpha1","kind":"TenantSyncPlan","x":1}`} {
		if _, err := ReadPlan(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), "not a saved plan") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestPlanConverges: whatever has happened, after one plan nothing is left to do, and
// nothing that is not ours was touched.
func TestPlanConverges(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		cluster := fresh()
		var mine []Object
		for range 3 {
			s := world(rt)
			s.WithoutMembers = true
			conf := config(func(spec *app.TenantSyncSpec) {
				all := int32(1 << 30)
				spec.Caps = app.Caps{Removals: &all, Share: "100%"}
				spec.Roles = nil
				for _, r := range s.Roles {
					if r.DomainID == "" && rapid.Bool().Draw(rt, "mapped") {
						spec.Roles = append(spec.Roles, app.RoleMapping{Role: r.Name, ClusterRole: rapid.SampledFrom([]string{"view", "edit"}).Draw(rt, "to")})
					}
				}
			})
			p, err := NewPlan(conf, s, cluster, noon, PlanOptions{})
			if errors.Is(err, ErrRefused) {
				continue
			}
			if err != nil {
				rt.Fatal(err)
			}
			cluster = applied(t, cluster, p)
			again, err := NewPlan(conf, s, cluster, noon, PlanOptions{})
			if err != nil || len(again.Changes)+len(again.Held)+len(again.Conflicts) > 0 {
				rt.Fatalf("%v, and again: %v %v", err, again.Changes, again.Conflicts)
			}
			mine = foreign(cluster)
		}
		if want := foreign(fresh()); mine != nil && !slices.EqualFunc(mine, want, func(a, b Object) bool { return hashOf(a) == hashOf(b) }) {
			rt.Errorf("others' namespaces were %v and are %v", want, mine)
		}
	})
}

func foreign(c *Cluster) []Object {
	return slices.DeleteFunc(slices.Clone(c.Namespaces), func(o Object) bool { return o.isOurs("lab") })
}

// FuzzReadPlan: nothing panics, and what is read is the same when written and read again.
func FuzzReadPlan(f *testing.F) {
	p, err := NewPlan(config(nil), shop(), fresh(), noon, PlanOptions{})
	if err != nil {
		f.Fatal(err)
	}
	data, err := json.Marshal(p)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"apiVersion":"ystack.dev/v1alpha1","kind":"TenantSyncPlan","changes":[{"action":"create","object":{"kind":"RoleBinding","roleRef":null}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ReadPlan(bytes.NewReader(data))
		if err != nil {
			return
		}
		written, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ReadPlan(bytes.NewReader(written))
		if err != nil {
			t.Fatalf("%v: %s", err, written)
		}
		if err := p.CheckSame(again); err != nil {
			t.Error(err)
		}
	})
}
