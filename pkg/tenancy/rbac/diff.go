package rbac

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ystackdev/ystack/pkg/tenancy/abac"
)

// Resource is one that an API server has, with its subresource behind a slash, and the
// verbs that it knows.
type Resource struct {
	APIGroup, Resource string
	Namespaced         bool
	Verbs              []string
}

// Change is something that one side grants to a subject and the other does not.
type Change struct {
	Change    string   `json:"change"` // [abac.Added]: only the file grants it; [abac.Removed]: only RBAC does
	User      string   `json:"user,omitempty"`
	Group     string   `json:"group,omitempty"`
	Namespace string   `json:"namespace"` // empty: outside of namespaces, or in all at once; "*": in every one
	APIGroup  string   `json:"apiGroup"`
	Resource  string   `json:"resource,omitempty"`
	Path      string   `json:"path,omitempty"`
	Verbs     []string `json:"verbs"`
}

// String is a line of a diff: "+ group x may create, delete pods/exec in web".
func (c Change) String() string {
	sign := "+"
	if c.Change == abac.Removed {
		sign = "-"
	}
	target := c.Path
	if target == "" {
		target = c.Resource
		if c.APIGroup != "" {
			base, sub, has := strings.Cut(c.Resource, "/")
			target = base + "." + c.APIGroup
			if has {
				target += "/" + sub
			}
		}
		switch c.Namespace {
		case "":
		case Everywhere:
			target += " in every namespace"
		default:
			target += " in " + c.Namespace
		}
	}
	return fmt.Sprintf("%s %s may %s %s", sign, Subject{c.User, c.Group}, strings.Join(c.Verbs, ", "), target)
}

// elsewhere is a namespace that nothing names. What is granted there is granted in all.
const elsewhere = "\xff"

// special are verbs that no list of an API server has.
func special(apiGroup, resource string) []string {
	switch {
	case apiGroup == "rbac.authorization.k8s.io" && strings.HasSuffix(resource, "roles"):
		return []string{"bind", "escalate"}
	case apiGroup == "" && resource == "serviceaccounts":
		return []string{"impersonate"}
	}
	return nil
}

// Diff asks both sides about every verb of every resource, for each subject by itself, in
// each namespace that either side names for it. A name that only some objects have is not
// asked for: what RBAC grants for those alone counts as not granted.
func Diff(from *Policy, to *abac.Policy, all []Resource, subjects []Subject) []Change {
	d := differ{from, to, all, places(from, to), paths(from, to)}
	var changes []Change
	for _, s := range subjects {
		changes = append(changes, d.of(s)...)
	}
	return changes
}

type differ struct {
	from   *Policy
	to     *abac.Policy
	all    []Resource
	places map[Subject][]string
	paths  map[Subject][]string
}

// places are where a subject may have anything.
func places(from *Policy, to *abac.Policy) map[Subject][]string {
	all := map[Subject][]string{}
	add := func(s Subject, place string) {
		if !slices.Contains(all[s], place) {
			all[s] = append(all[s], place)
		}
	}
	for s, grants := range from.grants {
		for _, g := range grants {
			if g.Namespace == "" {
				add(s, elsewhere)
			}
			add(s, g.Namespace)
		}
	}
	for _, r := range to.Rules {
		s, place := Subject{r.User, r.Group}, r.Namespace
		if place == Everywhere || r.Resource == "" {
			add(s, "")
			place = elsewhere
		}
		add(s, place)
	}
	return all
}

func (d *differ) of(s Subject) []Change {
	var changes []Change
	sides := d.sides(s)
	for _, place := range slices.Sorted(slices.Values(d.places[s])) {
		for _, r := range d.all {
			if r.Namespaced || place == "" {
				changes = append(changes, d.ask(s, sides, place, r)...)
			}
		}
	}
	for _, path := range slices.Compact(slices.Sorted(slices.Values(d.paths[s]))) {
		changes = append(changes, d.compare(s, sides, []string{"get", "post"}, Request{Path: path})...)
	}
	slices.SortStableFunc(changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.APIGroup, b.APIGroup), cmp.Compare(a.Resource, b.Resource), -cmp.Compare(a.Change, b.Change))
	})
	return changes
}

// sides are the subjects that a request of this one has: everyone authenticated, too.
func (d *differ) sides(s Subject) []Subject {
	if s.User == "system:anonymous" || s.Group == abac.Unauthenticated {
		return []Subject{s}
	}
	return []Subject{s, {Group: abac.Authenticated}}
}

func (d *differ) ask(s Subject, sides []Subject, place string, r Resource) []Change {
	verbs := append(slices.Clone(r.Verbs), special(r.APIGroup, r.Resource)...)
	return d.compare(s, sides, verbs, Request{Namespace: place, APIGroup: r.APIGroup, Resource: r.Resource})
}

func (d *differ) compare(s Subject, sides []Subject, verbs []string, q Request) []Change {
	found := map[string][]string{}
	for _, verb := range verbs {
		q.Verb = verb
		was, is := d.from.Allows(sides, q), d.to.Authorize(asABAC(s, sides, q)).Allowed
		switch {
		case is && !was:
			found[abac.Added] = append(found[abac.Added], verb)
		case was && !is:
			found[abac.Removed] = append(found[abac.Removed], verb)
		}
	}
	var changes []Change
	for _, what := range []string{abac.Removed, abac.Added} {
		if len(found[what]) > 0 {
			c := Change{what, s.User, s.Group, q.Namespace, q.APIGroup, q.Resource, q.Path, found[what]}
			if c.Namespace == elsewhere {
				c.Namespace = Everywhere
			}
			changes = append(changes, c)
		}
	}
	return changes
}

func asABAC(s Subject, sides []Subject, q Request) abac.Request {
	resource, _, _ := strings.Cut(q.Resource, "/")
	out := abac.Request{
		User: s.User, Verb: q.Verb, IsResource: q.Path == "", Namespace: q.Namespace,
		APIGroup: q.APIGroup, Resource: resource, Path: q.Path,
	}
	if out.User == "" {
		out.User = elsewhere // somebody whom nothing names
	}
	for _, side := range sides {
		if side.Group != "" {
			out.Groups = append(out.Groups, side.Group)
		}
	}
	return out
}

// paths are those that either side names for a subject, each with a thing below it.
func paths(from *Policy, to *abac.Policy) map[Subject][]string {
	all := map[Subject][]string{}
	add := func(s Subject, path string) {
		if prefix, open := strings.CutSuffix(path, "*"); open {
			path = prefix + elsewhere
		}
		if path != "" {
			all[s] = append(all[s], path)
		}
	}
	for s, grants := range from.grants {
		for _, g := range grants {
			if g.Namespace != "" {
				continue
			}
			for _, r := range g.Rules {
				for _, url := range r.NonResourceURLs {
					add(s, url)
				}
			}
		}
	}
	for _, r := range to.Rules {
		add(Subject{r.User, r.Group}, r.NonResourcePath)
	}
	return all
}
