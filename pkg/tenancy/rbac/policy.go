package rbac

import (
	"slices"
	"strings"
)

// Subject is a user or a group; one of the two. A service account is a user.
type Subject struct{ User, Group string }

func (s Subject) String() string {
	if s.Group != "" {
		return "group " + s.Group
	}
	return "user " + s.User
}

// Grant is a role in a namespace, or everywhere if that is empty.
type Grant struct {
	Namespace string
	Rules     []Rule
}

// Policy is who has which roles.
type Policy struct{ grants map[Subject][]Grant }

// Add gives a role to a subject.
func (p *Policy) Add(s Subject, g Grant) {
	if p.grants == nil {
		p.grants = map[Subject][]Grant{}
	}
	p.grants[s] = append(p.grants[s], g)
}

// Subjects are those that have a role, sorted.
func (p *Policy) Subjects() []Subject {
	all := make([]Subject, 0, len(p.grants))
	for s := range p.grants {
		all = append(all, s)
	}
	slices.SortFunc(all, compareSubjects)
	return all
}

func compareSubjects(a, b Subject) int { return strings.Compare(a.String(), b.String()) }

// Allows tells whether any of a request's subjects may do something: the user, and each
// of his groups.
func (p *Policy) Allows(subjects []Subject, q Request) bool {
	for _, s := range subjects {
		for _, g := range p.grants[s] {
			if g.Namespace != "" && g.Namespace != q.Namespace {
				continue
			}
			if slices.ContainsFunc(g.Rules, func(r Rule) bool { return r.allows(q) }) {
				return true
			}
		}
	}
	return false
}
