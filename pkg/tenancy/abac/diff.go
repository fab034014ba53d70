package abac

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"
)

// Change is something that only one of two policies grants.
type Change struct {
	Change string `json:"change"` // Added or Removed
	Verbs  string `json:"verbs"`  // read, write, or both
	Grant  Rule   `json:"grant"`
	Except []Rule `json:"except,omitempty"` // parts of Grant that both policies grant
	Line   int    `json:"line"`             // of the policy that grants it
}

const (
	Added   = "added"
	Removed = "removed"
)

// String is a line of a diff: "+ user alice may write pods in team-a".
func (c Change) String() string {
	sign, also := "+", "already before"
	if c.Change == Removed {
		sign, also = "-", "still"
	}
	text := fmt.Sprintf("%s %s may %s %s", sign, c.Grant.subject(), c.Verbs, c.Grant.target())
	if len(c.Except) == 0 {
		return text
	}
	const show = 5
	var parts []string
	for _, r := range c.Except[:min(show, len(c.Except))] {
		parts = append(parts, r.target())
	}
	if more := len(c.Except) - show; more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return text + " (" + also + ": " + strings.Join(parts, "; ") + ")"
}

// Diff compares by what is granted: the order of lines, several lines instead of one and lines
// without effect are no differences. It holds each subject by itself, a user by his name
// and a group's members by that group, beside those that everyone authenticated is in. Nothing
// that one policy allows and the other does not is missed, whatever groups a user has.
func Diff(a, b *Policy) []Change {
	from, to := parts(a.Rules), parts(b.Rules)
	changes := append(beyond(from, to, Removed), beyond(to, from, Added)...)
	slices.SortStableFunc(changes, func(x, y Change) int {
		return cmp.Or(cmp.Compare(x.Grant.subject(), y.Grant.subject()), cmp.Compare(x.Grant.Namespace, y.Grant.Namespace),
			cmp.Compare(x.Grant.target(), y.Grant.target()), -cmp.Compare(x.Change, y.Change))
	})
	return changes
}

// beyond is what p grants and other does not. Since a rule names one thing, or all, or all
// beyond a prefix, rules together never grant all of what another names unless one of
// them does.
func beyond(p, other *Policy, change string) []Change {
	var changes []Change
	bySubject := other.bySubject()
	for i, r := range p.Rules {
		if p.coverer(i) >= 0 {
			continue
		}
		reading := !other.Authorize(r.typical(false)).Allowed
		writing := !r.Readonly && !other.Authorize(r.typical(true)).Allowed
		add := func(verbs string, except []Rule) {
			r.Readonly = false // said by the verbs
			changes = append(changes, Change{Change: change, Verbs: verbs, Grant: r, Except: except, Line: r.Line})
		}
		var readToo, writeToo []Rule
		if reading {
			readToo = overlaps(r, bySubject, false)
		}
		if writing {
			writeToo = overlaps(r, bySubject, true)
		}
		if reading && writing && slices.Equal(readToo, writeToo) {
			add("read and write", readToo)
			continue
		}
		if reading {
			add("read", readToo)
		}
		if writing {
			add("write", writeToo)
		}
	}
	return changes
}

type names struct{ user, group string }

func (p *Policy) bySubject() map[names][]Rule {
	by := map[names][]Rule{}
	for _, r := range p.Rules {
		by[names{r.User, r.Group}] = append(by[names{r.User, r.Group}], r)
	}
	return by
}

// overlaps are the parts of r that other grants to the same subject.
func overlaps(r Rule, bySubject map[names][]Rule, write bool) []Rule {
	if !r.isOpen() {
		return nil // a single thing has no parts
	}
	q := r.typical(write)
	subjects := []names{{q.User, ""}}
	for _, g := range q.Groups {
		subjects = append(subjects, names{"", g}, names{q.User, g})
	}
	var common []Rule
	for _, s := range subjects {
		for _, b := range bySubject[s] {
			if write && b.Readonly {
				continue
			}
			if part, ok := r.and(b); ok {
				common = append(common, part)
			}
		}
	}
	return largest(common)
}

func (r Rule) isOpen() bool {
	_, open := pathPrefix(r.NonResourcePath)
	return open || r.Namespace == "*" || r.Resource == "*" || r.APIGroup == "*"
}

// and is the part of r that b is about too; both have one target.
func (r Rule) and(b Rule) (Rule, bool) {
	both := Rule{User: r.User, Group: r.Group}
	if (r.Resource == "") != (b.Resource == "") {
		return both, false
	}
	if r.Resource == "" {
		var ok bool
		both.NonResourcePath, ok = commonPath(r.NonResourcePath, b.NonResourcePath)
		return both, ok
	}
	var namespace, resource, apiGroup bool
	both.Namespace, namespace = common(r.Namespace, b.Namespace)
	both.Resource, resource = common(r.Resource, b.Resource)
	both.APIGroup, apiGroup = common(r.APIGroup, b.APIGroup)
	return both, namespace && resource && apiGroup
}

func common(a, b string) (string, bool) {
	if a == "*" {
		return b, true
	}
	return a, b == "*" || a == b
}

func commonPath(a, b string) (string, bool) {
	if prefix, open := pathPrefix(a); open && strings.HasPrefix(b, prefix) {
		return b, true
	}
	prefix, open := pathPrefix(b)
	return a, a == b || open && strings.HasPrefix(a, prefix)
}

// largest leaves out what is part of another.
func largest(rules []Rule) []Rule {
	p := New(rules)
	var kept []Rule
	for i, r := range p.Rules {
		if p.coverer(i) < 0 {
			kept = append(kept, r)
		}
	}
	sort.Slice(kept, func(i, j int) bool { return kept[i].String() < kept[j].String() })
	return kept
}
