package abac

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func (c Change) has(q Request) bool {
	if q.readOnly() != strings.Contains(c.Verbs, "read") && q.readOnly() || !q.readOnly() && !strings.Contains(c.Verbs, "write") {
		return false
	}
	return c.Grant.allows(q) && !slices.ContainsFunc(c.Except, func(r Rule) bool { return r.forTarget(q) })
}

// Nothing that changes is missed, whatever groups a user has; and of a subject by itself every
// line of a diff is true.
func TestDiffIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := New(drawRules.Draw(t, "old")), New(drawRules.Draw(t, "new"))
		changes := Diff(a, b)
		for _, q := range rapid.SliceOfN(drawReal, 1, 60).Draw(t, "requests") {
			before, after := a.Authorize(q).Allowed, b.Authorize(q).Allowed
			for change, differs := range map[string]bool{Added: after && !before, Removed: before && !after} {
				told := slices.ContainsFunc(changes, func(c Change) bool { return c.Change == change && c.has(q) })
				if differs && !told {
					t.Fatalf("%+v is %s; the diff has\n%v", q, change, changes)
				}
			}
		}
		for _, c := range changes {
			checkChange(t, a, b, c)
		}
	})
}

// checkChange asks, as the change's subject, for all that the change is about.
func checkChange(t *rapid.T, a, b *Policy, c Change) {
	some := false
	for _, write := range []bool{false, true} {
		q := c.Grant.typical(write)
		for _, namespace := range []string{fresh, "", "a", "b"} {
			for _, resource := range []string{fresh, "pods", "secrets"} {
				for _, apiGroup := range []string{fresh, "", "apps"} {
					for _, path := range []string{fresh, "/api", "/api/v1", "/api" + fresh, "/api/" + fresh, "/a" + fresh, "a*b"} {
						q.Namespace, q.Resource, q.APIGroup, q.Path = namespace, resource, apiGroup, path
						before, after := a.Authorize(q).Allowed, b.Authorize(q).Allowed
						if has := c.has(q); has && (before == after || after != (c.Change == Added)) {
							t.Fatalf("%s: %+v was %v and is %v", c, q, before, after)
						} else if has {
							some = true
						}
					}
				}
			}
		}
	}
	if !some {
		t.Fatalf("%s tells of nothing", c)
	}
}

func TestDiffOfTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := drawRules.Draw(t, "rules")
		shuffled := rapid.Permutation(rules).Draw(t, "shuffled")
		if changes := Diff(New(rules), New(append(shuffled, shuffled...))); len(changes) > 0 {
			t.Fatal(changes)
		}
	})
}

func TestDiff(t *testing.T) {
	pods := Rule{User: "alice", Namespace: "team-a", Resource: "pods"}
	readPods := pods
	readPods.Readonly = true
	all := Rule{User: "alice", Namespace: "team-a", Resource: "*", APIGroup: "*"}
	everyone := Rule{User: "*", Namespace: "*", Resource: "*", APIGroup: "*", Readonly: true}
	for name, tc := range map[string]struct {
		from, to []Rule
		want     []string
	}{
		"added":           {nil, []Rule{pods}, []string{"+ user alice may read and write pods in team-a"}},
		"removed":         {[]Rule{pods}, nil, []string{"- user alice may read and write pods in team-a"}},
		"readonly":        {[]Rule{readPods}, []Rule{pods}, []string{"+ user alice may write pods in team-a"}},
		"more than lines": {[]Rule{all}, []Rule{pods, all}, nil},
		"all but what was": {[]Rule{pods}, []Rule{all}, []string{
			"+ user alice may read and write every resource in team-a (already before: pods in team-a)",
		}},
		"all but what was readable": {[]Rule{readPods}, []Rule{all}, []string{
			"+ user alice may read every resource in team-a (already before: pods in team-a)",
			"+ user alice may write every resource in team-a",
		}},
		"what everyone has": {[]Rule{everyone}, []Rule{everyone, readPods}, nil},
		"paths": {
			[]Rule{{Group: "g", NonResourcePath: "/api/*"}, {Group: "g", NonResourcePath: "/api/v1/*"}},
			[]Rule{{Group: "g", NonResourcePath: "/api/v1"}},
			[]string{"- group g may read and write every path that starts with /api/ (still: path /api/v1)"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, c := range Diff(New(tc.from), New(tc.to)) {
				got = append(got, c.String())
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	var many []Rule
	for i := range 7 {
		many = append(many, Rule{User: "alice", Namespace: "team-a", Resource: fmt.Sprint("r", i), APIGroup: "*"})
	}
	if got := fmt.Sprint(Diff(New([]Rule{all}), New(many))); !strings.Contains(got, "(still: r0 of every API group in team-a;") || !strings.HasSuffix(got, "; and 2 more)]") {
		t.Error(got)
	}
}
