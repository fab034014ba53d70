package abac

import "fmt"

// fresh is a name that no rule has, since it cannot be written in JSON. A rule that allows a request
// with it allows the request with any name.
const fresh = "\xff"

// typical is the request that stands for all that a grant allows: whatever allows it
// allows them all, for in each part rules name one thing, or all, or all beyond a prefix.
// The user has no groups but the grant's, and those that the API server gives him.
func (r Rule) typical(write bool) Request {
	q := Request{User: r.User, Verb: "get", IsResource: r.Resource != ""}
	if write {
		q.Verb = "update"
	}
	if r.User == "" {
		q.User = fresh
	}
	if r.Group != "" {
		q.Groups = append(q.Groups, r.Group)
	}
	if r.User != anonymous && r.Group != Unauthenticated {
		q.Groups = append(q.Groups, Authenticated)
	}
	if q.IsResource {
		q.Namespace, q.Resource, q.APIGroup = anyName(r.Namespace), anyName(r.Resource), anyName(r.APIGroup)
	} else if prefix, open := pathPrefix(r.NonResourcePath); open {
		q.Path = prefix + fresh
	} else {
		q.Path = prefix
	}
	return q
}

func anyName(name string) string {
	if name == "*" {
		return fresh
	}
	return name
}

// parts is a policy of the rules' grants, one target each; a grant has the line of its rule.
func parts(rules []Rule) *Policy {
	var all []Rule
	for _, r := range rules {
		if r = r.everybody(); r.User != "" || r.Group != "" {
			all = append(all, r.grants()...)
		}
	}
	return New(all)
}

// coverer is the first other rule that grants all that rule i does, or -1. Of rules that
// grant the same the first covers the others.
func (p *Policy) coverer(i int) int {
	r, found := p.Rules[i], -1
	q := r.typical(!r.Readonly)
	consider := func(n int32, fits bool) {
		j := int(n) - 1
		if !fits || j < 0 || j == i || found >= 0 && found < j {
			return
		}
		if j < i || !r.allows(p.Rules[j].typical(!p.Rules[j].Readonly)) {
			found = j
		}
	}
	p.visit(q, func(l lines) {
		consider(l.any, r.Readonly)
		consider(l.write, true)
	})
	return found
}

// redundant finds the lines without which the file grants the same.
func (l *linter) redundant(rules []Rule) {
	p := parts(rules)
	for i := 0; i < len(p.Rules); {
		line, by := p.Rules[i].Line, -1
		for all := true; i < len(p.Rules) && p.Rules[i].Line == line; i++ {
			if j := p.coverer(i); j < 0 || !all {
				all, by = false, -1
			} else if by < 0 {
				by = j
			}
		}
		if by >= 0 {
			other := p.Rules[by]
			l.found = append(l.found, Finding{
				File: l.file, Line: line, Column: 1, Severity: Warning,
				Text: fmt.Sprintf("grants nothing more than line %d: %s", other.Line, other),
			})
		}
	}
}
