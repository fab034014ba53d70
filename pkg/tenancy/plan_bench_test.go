package tenancy

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkPlan is a plan for 10,000 projects with 100,000 assignments: of an empty
// cluster, and of one where nothing is left to do.
func BenchmarkPlan(b *testing.B) {
	s := &Snapshot{
		WithoutMembers: true,
		Domains:        map[string]Domain{"d": {"d", "corp", true}},
		Projects:       map[string]Project{},
		Roles:          map[string]Role{"r0": {ID: "r0", Name: "manager"}, "r1": {ID: "r1", Name: "member"}, "r2": {ID: "r2", Name: "reader"}},
		Implied:        map[string][]string{"r0": {"r1"}, "r1": {"r2"}},
	}
	for i := range 10_000 {
		id := fmt.Sprintf("%032x", i)
		s.Projects[id] = Project{ID: id, Name: fmt.Sprint("project ", i), DomainID: "d", ParentID: "d", Enabled: true}
		for j := range 10 {
			s.Assignments = append(s.Assignments, Assignment{UserID: fmt.Sprintf("%032x", i*7+j), RoleID: fmt.Sprint("r", j%3), Scope: Scope{ProjectID: id}})
		}
	}
	s.Assignments = sorted(s.Assignments)
	plan := func(b *testing.B, c *Cluster) *Plan {
		b.Helper()
		p, err := NewPlan(config(nil), s, c, time.Now(), PlanOptions{})
		if err != nil {
			b.Fatal(err)
		}
		return p
	}
	full := &Cluster{}
	for _, c := range plan(b, fresh()).Changes {
		if c.Object.Kind == "Namespace" {
			full.Namespaces = append(full.Namespaces, c.Object)
		} else {
			full.Bindings = append(full.Bindings, c.Object)
		}
	}
	for name, cluster := range map[string]*Cluster{"cold": fresh(), "no-op": full} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.ReportMetric(float64(len(plan(b, cluster).Changes)), "changes")
			}
		})
	}
}
