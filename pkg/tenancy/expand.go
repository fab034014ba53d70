package tenancy

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strings"
)

// Grant is one role that a user has in effect somewhere, with the shortest reason.
type Grant struct {
	UserID  string
	Scope   Scope
	RoleID  string
	Because Reason
}

// Reason is how a grant comes about.
type Reason struct {
	// Assignment names the group, if through one, and where it is inherited from.
	Assignment Assignment
	// Implied are the roles from the assignment's to the grant's, both included, each of
	// which implies the next. It is empty when they are the same.
	Implied []string
}

// Access says who has which role where. It holds an index of the assignments and works
// out grants when asked: there may be many millions.
//
// What it says is what Keystone lists as effective, of the system too, which Keystone's
// list leaves out. Whether a user gets a token for it is another question: see
// [Snapshot.NoToken].
type Access struct {
	s         *Snapshot
	here      map[Scope][]int32 // indices into s.Assignments
	below     map[Scope][]int32 // those that projects below inherit
	reachable map[string][]path
}

// path leads from one role to another that it implies, over those between.
type path []string

// Expand makes the index. The snapshot must not change any more.
func (s *Snapshot) Expand() *Access {
	a := &Access{s: s, here: map[Scope][]int32{}, below: map[Scope][]int32{}, reachable: map[string][]path{}}
	for i, given := range s.Assignments {
		at := a.here
		if given.Inherited {
			at = a.below
		}
		at[given.Scope] = append(at[given.Scope], int32(i)) //nolint:gosec // far fewer
		if _, known := a.reachable[given.RoleID]; !known {
			a.reachable[given.RoleID] = s.reach(given.RoleID)
		}
	}
	return a
}

// reach has the shortest path from a role to each global one that it implies, itself
// included: breadth first, in the order of names.
func (s *Snapshot) reach(role string) []path {
	var found []path
	seen := map[string]bool{role: true}
	for queue := []path{{role}}; len(queue) > 0; queue = queue[1:] {
		last := queue[0][len(queue[0])-1]
		if s.Roles[last].DomainID == "" {
			found = append(found, queue[0])
		}
		byName := func(a, b string) int {
			return cmp.Or(strings.Compare(s.Roles[a].Name, s.Roles[b].Name), strings.Compare(a, b))
		}
		for _, next := range slices.SortedFunc(slices.Values(s.Implied[last]), byName) {
			if !seen[next] {
				seen[next] = true
				queue = append(queue, append(slices.Clone(queue[0]), next))
			}
		}
	}
	return found
}

// Scopes are those in which a role may hold: all projects, and where else there are
// assignments. They are sorted.
func (a *Access) Scopes() []Scope {
	all := map[Scope]bool{}
	for id := range a.s.Projects {
		all[Scope{ProjectID: id}] = true
	}
	for scope := range a.here {
		all[scope] = true
	}
	return slices.SortedFunc(maps.Keys(all), compareScopes)
}

// All are the grants everywhere, in the order of scope, user and role.
func (a *Access) All() iter.Seq[Grant] {
	return func(yield func(Grant) bool) {
		for _, scope := range a.Scopes() {
			for _, g := range a.On(scope) {
				if !yield(g) {
					return
				}
			}
		}
	}
}

// On are the grants in one scope, each user and role once, sorted by them. It needs to
// know who is in which group.
func (a *Access) On(scope Scope) []Grant {
	if a.s.WithoutMembers {
		panic("tenancy: who has which role is asked of a snapshot without members")
	}
	var grants []Grant
	for _, i := range a.applying(scope) {
		given := a.s.Assignments[i]
		users := []string{given.UserID}
		if given.GroupID != "" {
			users = a.s.Groups[given.GroupID].Members
		}
		for _, way := range a.reachable[given.RoleID] {
			reason := because(given, way)
			for _, user := range users {
				grants = append(grants, Grant{user, scope, way[len(way)-1], reason})
			}
		}
	}
	slices.SortStableFunc(grants, compareGrants)
	return slices.CompactFunc(grants, func(a, b Grant) bool { return a.UserID == b.UserID && a.RoleID == b.RoleID })
}

// RolesOn are the roles that somebody has in effect in a scope, sorted. A group counts
// even when Keystone lists no member: those of a federation come and go with tokens.
func (a *Access) RolesOn(scope Scope) []string {
	all := map[string]bool{}
	for _, i := range a.applying(scope) {
		for _, way := range a.reachable[a.s.Assignments[i].RoleID] {
			all[way[len(way)-1]] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// applying are the assignments that hold in a scope: its own, then those of its parents
// from near to far, the domain last.
func (a *Access) applying(scope Scope) []int32 {
	all := slices.Clone(a.here[scope])
	project, known := a.s.Projects[scope.ProjectID]
	if !known {
		return all
	}
	for parent := range a.s.parents(project) {
		all = append(all, a.below[Scope{ProjectID: parent}]...)
	}
	return append(all, a.below[Scope{DomainID: project.DomainID}]...)
}

// parents are the ids above a project, up to the domain's own, which Keystone takes for
// a project too.
func (s *Snapshot) parents(p Project) iter.Seq[string] {
	return func(yield func(string) bool) {
		for range len(s.Projects) + 1 { // a circle would have no end
			if p.ParentID == "" || !yield(p.ParentID) {
				return
			}
			p = s.Projects[p.ParentID]
		}
	}
}

func because(given Assignment, way path) Reason {
	if len(way) == 1 {
		return Reason{Assignment: given}
	}
	return Reason{given, way}
}

// compareGrants puts the shortest of the reasons for the same user and role first. Equal
// ones stay in the order of applying, from near to far.
func compareGrants(a, b Grant) int {
	return cmp.Or(
		strings.Compare(a.UserID, b.UserID),
		strings.Compare(a.RoleID, b.RoleID),
		cmp.Compare(a.Because.steps(), b.Because.steps()),
	)
}

// steps counts what leads to a grant: inheritance, a group, each implied role.
func (r Reason) steps() int {
	n := max(0, len(r.Implied)-1)
	if r.Assignment.GroupID != "" {
		n++
	}
	if r.Assignment.Inherited {
		n++
	}
	return n
}
