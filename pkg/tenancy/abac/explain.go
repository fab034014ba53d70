package abac

import (
	"cmp"
	"slices"
	"strings"
)

// Explanation is a decision with its reason.
type Explanation struct {
	Request Request `json:"request"`
	Allowed bool    `json:"allowed"`
	Line    int     `json:"line,omitempty"` // that allows it, and its Rule
	Rule    *Rule   `json:"rule,omitempty"`
	Near    []Miss  `json:"near,omitempty"` // if none does: the lines that come closest
	More    int     `json:"more,omitempty"` // and how many more are as close
}

// Miss is a line that nearly allows a request.
type Miss struct {
	Line    int      `json:"line"`
	Rule    Rule     `json:"rule"`
	Because []string `json:"because"` // it does not allow it
	rank    int
}

const maxNear = 10

// Explain answers as [Policy.Authorize] does, and says why.
func (p *Policy) Explain(q Request) Explanation {
	e := Explanation{Request: q}
	if d := p.Authorize(q); d.Allowed {
		i := slices.IndexFunc(p.Rules, func(r Rule) bool { return r.Line == d.Line && r.allows(q) })
		e.Allowed, e.Line, e.Rule = true, d.Line, &p.Rules[i]
		return e
	}
	e.Near = p.misses(q)
	if len(e.Near) > maxNear {
		e.More = len(e.Near) - maxNear
		e.Near = e.Near[:maxNear]
	}
	return e
}

// misses are the lines that fail for one reason: first those for the user, then those
// for somebody else. If there are none, all other lines for the user.
func (p *Policy) misses(q Request) []Miss {
	var all []Miss
	for _, r := range p.Rules {
		if (r.User != "" || r.Group != "") && r.about(q) {
			all = append(all, r.miss(q))
		}
	}
	slices.SortStableFunc(all, func(a, b Miss) int { return cmp.Compare(a.rank, b.rank) })
	end := slices.IndexFunc(all, func(m Miss) bool { return m.rank > 1 })
	if end == 0 {
		end = slices.IndexFunc(all, func(m Miss) bool { return m.rank > 2 })
	}
	if end < 0 {
		end = len(all)
	}
	return all[:end]
}

// about tells whether the rule is of the request's kind.
func (r Rule) about(q Request) bool {
	if q.IsResource {
		return r.Resource != ""
	}
	return r.NonResourcePath != ""
}

func (r Rule) miss(q Request) Miss {
	m := Miss{Line: r.Line, Rule: r}
	because := func(failed bool, reason string) {
		if failed {
			m.Because = append(m.Because, reason)
		}
	}
	forSubject := r.forSubject(q)
	because(!forSubject, "is for "+r.subject())
	because(!r.forVerb(q), "is read-only, and "+q.Verb+" is not get, list or watch")
	if q.IsResource {
		because(!oneOrAll(r.Namespace, q.Namespace), "is for what is"+r.place())
		because(!oneOrAll(r.Resource, q.Resource), "is for "+r.Resource)
		because(!oneOrAll(r.APIGroup, q.APIGroup), "is for "+apiGroupName(r.APIGroup))
	} else {
		because(!r.forPath(q.Path), "is for "+r.pathTarget())
	}
	switch one := len(m.Because) == 1; {
	case one && forSubject:
		m.rank = 0
	case one:
		m.rank = 1
	case forSubject:
		m.rank = 2
	default:
		m.rank = 3
	}
	return m
}

func apiGroupName(name string) string {
	if name == "" {
		return "the core API"
	}
	return "API group " + name
}

// Reasons is why, as a sentence's end.
func (m Miss) Reasons() string { return strings.Join(m.Because, ", and ") }
