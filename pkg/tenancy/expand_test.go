package tenancy

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// world draws a snapshot: trees of projects in two domains, groups, roles that imply one
// another in chains, diamonds and circles, and any kind of assignment.
func world(t *rapid.T) *Snapshot {
	s := &Snapshot{
		Domains: map[string]Domain{}, Projects: map[string]Project{}, Users: map[string]User{}, Groups: map[string]Group{},
		Roles: map[string]Role{}, Implied: map[string][]string{},
	}
	ids := func(kind string, most int) []string {
		n := rapid.IntRange(1, most).Draw(t, kind+"s")
		list := make([]string, n)
		for i := range list {
			list[i] = fmt.Sprint(kind, i)
		}
		return list
	}
	one := func(of []string) string { return rapid.SampledFrom(of).Draw(t, "which") }
	domains, users, groups, roles := ids("d", 2), ids("u", 4), ids("g", 3), ids("r", 6)
	for _, id := range domains {
		s.Domains[id] = Domain{id, id, true}
	}
	var projects []string
	for _, id := range ids("p", 9) {
		p := Project{ID: id, Name: id, DomainID: one(domains), Enabled: true}
		p.ParentID = p.DomainID
		if parent := one(append(projects, id)); parent != id {
			p.ParentID, p.DomainID = parent, s.Projects[parent].DomainID
		}
		s.Projects[id], projects = p, append(projects, id)
	}
	for _, id := range users {
		s.Users[id] = User{id, id, one(domains), true}
	}
	for _, id := range groups {
		s.Groups[id] = Group{id, id, one(domains), sortedSample(t, users)}
	}
	for _, id := range roles {
		r := Role{ID: id, Name: id}
		if rapid.IntRange(0, 3).Draw(t, "of a domain") == 0 {
			r.DomainID = one(domains)
		}
		s.Roles[id], s.Implied[id] = r, sortedSample(t, roles)
	}
	for range rapid.IntRange(0, 15).Draw(t, "assignments") {
		a := Assignment{RoleID: one(roles)}
		if rapid.Bool().Draw(t, "user") {
			a.UserID = one(users)
		} else {
			a.GroupID = one(append(groups, "no such group"))
		}
		switch rapid.IntRange(0, 9).Draw(t, "scope") {
		case 0:
			a.Scope.System = true
		case 1, 2:
			a.Scope.DomainID, a.Inherited = one(domains), rapid.Bool().Draw(t, "inherited")
		case 3:
			a.Scope.ProjectID, a.Inherited = one(domains), rapid.Bool().Draw(t, "inherited")
		default:
			a.Scope.ProjectID, a.Inherited = one(projects), rapid.Bool().Draw(t, "inherited")
		}
		s.Assignments = append(s.Assignments, a)
	}
	s.Assignments = sorted(s.Assignments)
	return s
}

func sortedSample(t *rapid.T, of []string) []string {
	some := rapid.SliceOfNDistinct(rapid.SampledFrom(of), 0, min(2, len(of)), rapid.ID[string]).Draw(t, "some")
	slices.Sort(some)
	return some
}

// fixpoint is what Expand must come to, by rules that are applied until nothing new
// comes of them. An inherited assignment goes down one step at a time.
func fixpoint(s *Snapshot) []Assignment {
	facts := map[Assignment]bool{}
	for _, a := range s.Assignments {
		facts[a] = true
	}
	for before := -1; before != len(facts); {
		before = len(facts)
		for a := range facts {
			for _, implied := range s.Implied[a.RoleID] {
				b := a
				b.RoleID = implied
				facts[b] = true
			}
			for _, member := range s.Groups[a.GroupID].Members {
				b := a
				b.GroupID, b.UserID = "", member
				facts[b] = true
			}
			for _, p := range s.Projects {
				above := Scope{ProjectID: p.ParentID}
				if a.Inherited && (a.Scope == above || a.Scope == Scope{DomainID: p.DomainID}) {
					b := a
					b.Scope = Scope{ProjectID: p.ID}
					facts[b] = true
					b.Inherited = false
					facts[b] = true
				}
			}
		}
	}
	var grants []Assignment
	for a := range facts {
		if a.UserID != "" && !a.Inherited && s.Roles[a.RoleID].DomainID == "" {
			grants = append(grants, a)
		}
	}
	return sorted(grants)
}

func TestExpand(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := world(t)
		access := s.Expand()
		var got []Assignment
		for g := range access.All() {
			got = append(got, Assignment{UserID: g.UserID, RoleID: g.RoleID, Scope: g.Scope})
			checkReason(t, s, g)
		}
		if !slices.IsSortedFunc(got, compareAssignments) {
			t.Error("the grants are not in order, or one comes twice")
		}
		if diff := cmp.Diff(fixpoint(s), got); diff != "" {
			t.Errorf("the rules (-) and Expand (+):\n%s", diff)
		}
	})
}

// checkReason makes sure that a reason leads to its grant, and is no detour.
func checkReason(t *rapid.T, s *Snapshot, g Grant) {
	given := g.Because.Assignment
	if !slices.Contains(s.Assignments, given) {
		t.Errorf("%+v: no such assignment", g)
	}
	if given.UserID != g.UserID && !slices.Contains(s.Groups[given.GroupID].Members, g.UserID) {
		t.Errorf("%+v: he is not in the group", g)
	}
	if !given.Inherited && given.Scope != g.Scope {
		t.Errorf("%+v: elsewhere", g)
	}
	if p := s.Projects[g.Scope.ProjectID]; given.Inherited && given.Scope.DomainID != p.DomainID &&
		!slices.Contains(slices.Collect(s.parents(p)), given.Scope.ProjectID) {
		t.Errorf("%+v: not above", g)
	}
	role := given.RoleID
	for i, next := range g.Because.Implied {
		if i > 0 && !slices.Contains(s.Implied[role], next) {
			t.Errorf("%+v: %s does not imply %s", g, role, next)
		}
		role = next
	}
	if role != g.RoleID {
		t.Errorf("%+v: it leads to role %s", g, role)
	}
	direct := Assignment{UserID: g.UserID, RoleID: g.RoleID, Scope: g.Scope}
	if slices.Contains(s.Assignments, direct) && given != direct {
		t.Errorf("%+v: the role is assigned directly", g)
	}
	if s.Explain(g) == "" {
		t.Errorf("%+v: nothing to say", g)
	}
}

// TestRolesOn: the roles in effect are those of the users, and of groups without any.
func TestRolesOn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := world(t)
		ghost := User{ID: "ghost", Enabled: true}
		for _, a := range s.Assignments { // somebody is in every group
			g := s.Groups[a.GroupID]
			g.Members = append(slices.Clone(g.Members), ghost.ID)
			s.Groups[a.GroupID] = g
		}
		access := s.Expand()
		for _, scope := range access.Scopes() {
			var want []string
			for _, g := range access.On(scope) {
				want = append(want, g.RoleID)
			}
			slices.Sort(want)
			if diff := cmp.Diff(slices.Compact(want), access.RolesOn(scope)); diff != "" {
				t.Errorf("%+v: users' roles (-) and RolesOn (+):\n%s", scope, diff)
			}
		}
	})
}
