package abac

// Authorize answers as the API server's authorizer does with the same file. It takes
// as long for a long file as for a short one: a few look-ups for each of the user's groups.
func (p *Policy) Authorize(q Request) Decision {
	var best int32
	readOnly := q.readOnly()
	p.visit(q, func(l lines) {
		n := l.write
		if readOnly {
			n = l.any
		}
		if n != 0 && (best == 0 || n < best) {
			best = n
		}
	})
	if best == 0 {
		return Decision{}
	}
	return Decision{Allowed: true, Line: p.Rules[best-1].Line}
}

// visit calls do with the first rules of every key that fits the request but for its verb.
func (p *Policy) visit(q Request, do func(lines)) {
	var buf [16]target
	var targets []target
	if q.IsResource {
		targets = p.resourceTargets(q, buf[:0])
	} else {
		targets = p.pathTargets(q, buf[:0])
	}
	user, known := p.symbols[q.User]
	if known {
		p.visitSubject(subject{user: user}, targets, do)
	}
	_, grouped := p.grouped[user]
	for _, name := range q.Groups {
		group, isNamed := p.symbols[name]
		if !isNamed {
			continue
		}
		p.visitSubject(subject{group: group}, targets, do)
		if known && grouped {
			p.visitSubject(subject{user, group}, targets, do)
		}
	}
}

func (p *Policy) visitSubject(s subject, targets []target, do func(lines)) {
	shapes := p.subjects[s]
	if shapes == 0 {
		return
	}
	for _, t := range targets {
		if shapes&(1<<t.shape) == 0 {
			continue
		}
		if l, ok := p.first[key{s, t}]; ok {
			do(l)
		}
	}
}

// resourceTargets are the targets that rules may name the request's resource by: as it
// is, or with wildcards. What no rule names can only be meant by a wildcard.
func (p *Policy) resourceTargets(q Request, to []target) []target {
	namespace, namespaceKnown := p.symbols[q.Namespace]
	resource, resourceKnown := p.symbols[q.Resource]
	apiGroup, apiGroupKnown := p.symbols[q.APIGroup]
	for s := shape(0); s < exactPath; s++ {
		t := target{shape: s, a: namespace, b: resource, c: apiGroup}
		known := true
		if s&anyNamespace != 0 {
			t.a = star
		} else {
			known = namespaceKnown
		}
		if s&anyResource != 0 {
			t.b = star
		} else {
			known = known && resourceKnown
		}
		if s&anyAPIGroup != 0 {
			t.c = star
		} else {
			known = known && apiGroupKnown
		}
		if known {
			to = append(to, t)
		}
	}
	return to
}

func (p *Policy) pathTargets(q Request, to []target) []target {
	if path, known := p.symbols[q.Path]; known {
		to = append(to, target{shape: exactPath, a: path})
	}
	for _, n := range p.prefixes {
		if n > len(q.Path) {
			break
		}
		if prefix, known := p.symbols[q.Path[:n]]; known {
			to = append(to, target{shape: openPath, a: prefix})
		}
	}
	return to
}
