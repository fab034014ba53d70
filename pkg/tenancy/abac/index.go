package abac

import "slices"

// Policy is the rules of a file and an index of them. It does not change, so any
// number of goroutines may ask it.
type Policy struct {
	Rules []Rule

	symbols  map[string]symbol   // every name in the rules
	names    []string            // the same by symbol; the rules share these strings
	subjects map[subject]shapes  // who has rules, and of which shapes
	grouped  map[symbol]struct{} // users who have rules for them as members of a group
	prefixes []int               // the lengths of paths that end in "*", shortest first
	first    map[key]lines
}

// Decision is what an authorizer answers: not allowed by this file is not denied,
// another authorizer may allow it.
type Decision struct {
	Allowed bool
	Line    int // of the first rule that allows it
}

// A symbol stands for a name, so that keys are small and are compared fast.
type symbol uint32

const (
	empty symbol = iota
	star
)

type subject struct{ user, group symbol }

// shape says in what form a rule names its target: which parts of a resource are
// wildcards, or one of the two forms of a path. shapes is a set of them, so that most
// look-ups need not be made.
type (
	shape  uint8
	shapes uint16
)

const (
	anyNamespace shape = 1 << iota
	anyResource
	anyAPIGroup
)

const (
	exactPath shape = 8 + iota // beyond all combinations of the above
	openPath
)

type target struct {
	shape   shape
	a, b, c symbol // namespace, resource and API group; or a path
}

type key struct {
	subject subject
	target  target
}

// lines are the first rules for a key, as 1 + their index: of all, and of those that
// allow writing.
type lines struct{ any, write int32 }

// New makes a policy of rules. Their "*" means what it means in a file.
func New(rules []Rule) *Policy {
	p := &Policy{
		Rules:    slices.Clone(rules),
		symbols:  map[string]symbol{"": empty, "*": star},
		names:    []string{"", "*"},
		subjects: map[subject]shapes{},
		grouped:  map[symbol]struct{}{},
		first:    make(map[key]lines, len(rules)),
	}
	for i := range p.Rules {
		r := &p.Rules[i]
		*r = r.everybody()
		for _, name := range []*string{&r.User, &r.Group, &r.Namespace, &r.APIGroup, &r.Resource, &r.NonResourcePath} {
			*name = p.names[p.intern(*name)]
		}
		p.add(*r, int32(i+1))
	}
	slices.Sort(p.prefixes)
	return p
}

func (p *Policy) add(r Rule, n int32) {
	if r.User == "" && r.Group == "" {
		return // such a rule is for nobody
	}
	s := subject{p.intern(r.User), p.intern(r.Group)}
	if s.user != empty && s.group != empty {
		p.grouped[s.user] = struct{}{}
	}
	// Both: a rule may have a resource and a path.
	p.put(key{s, p.resourceTarget(r)}, r.Readonly, n)
	p.put(key{s, p.pathTarget(r)}, r.Readonly, n)
}

func (p *Policy) put(k key, readonly bool, n int32) {
	l := p.first[k]
	if l.any == 0 {
		l.any = n
	}
	if l.write == 0 && !readonly {
		l.write = n
	}
	p.first[k] = l
	p.subjects[k.subject] |= 1 << k.target.shape
}

func (p *Policy) resourceTarget(r Rule) target {
	t := target{a: p.intern(r.Namespace), b: p.intern(r.Resource), c: p.intern(r.APIGroup)}
	if t.a == star {
		t.shape |= anyNamespace
	}
	if t.b == star {
		t.shape |= anyResource
	}
	if t.c == star {
		t.shape |= anyAPIGroup
	}
	return t
}

func (p *Policy) pathTarget(r Rule) target {
	prefix, open := pathPrefix(r.NonResourcePath)
	if !open {
		return target{shape: exactPath, a: p.intern(prefix)}
	}
	if !slices.Contains(p.prefixes, len(prefix)) {
		p.prefixes = append(p.prefixes, len(prefix))
	}
	return target{shape: openPath, a: p.intern(prefix)}
}

func (p *Policy) intern(name string) symbol {
	s, known := p.symbols[name]
	if !known {
		s = symbol(len(p.symbols))
		p.symbols[name] = s
		p.names = append(p.names, name)
	}
	return s
}
