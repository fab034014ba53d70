package tenancy

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// bindings plans those of the tenants' places, and the end of all others.
func (p *planner) bindings() {
	rest := maps.Clone(p.live)
	for _, id := range slices.Sorted(maps.Keys(p.places)) {
		place := p.places[id]
		p.bindingsIn(p.tenants[id], place, rest[place])
		delete(rest, place)
	}
	for place, some := range rest {
		if p.skipped[place] {
			continue
		}
		for _, o := range some {
			p.change(Revoke, o.bare(), cmp.Or(p.left[place], "the namespace is not ours"))
		}
	}
}

func (p *planner) bindingsIn(t tenant, place string, live map[string]Object) {
	wanted := t.bindings(p.config, place)
	roles := map[string]bool{} // that stay
	for name, b := range wanted {
		roles[b.Subjects[0].Name] = true
		is, there := live[name]
		switch {
		case there && (is.RoleRef == nil || *is.RoleRef != *b.RoleRef): // which cannot be changed
			p.change(Revoke, is.bare(), "it gives another role than its name says")
			p.change(Create, b.Object, b.reason)
		case !there:
			p.change(Create, b.Object, b.reason)
		default:
			if different := is.differences(b.Object); len(different) > 0 {
				p.change(Update, guarded(b.Object, is), strings.Join(different, ", "))
			}
		}
	}
	for name, is := range live {
		switch {
		case wanted[name].Kind != "":
		case len(is.Subjects) == 1 && roles[is.Subjects[0].Name]:
			p.change(Replace, is.bare(), "the role grants another ClusterRole now")
		default:
			p.change(Revoke, is.bare(), t.whyNot(p.snapshot, is))
		}
	}
}

// whyNot says why a binding goes.
func (t tenant) whyNot(s *Snapshot, is Object) string {
	if off := s.off(t.project); off != "" {
		return off
	}
	role := is.Metadata.Name[strings.LastIndex(is.Metadata.Name, ":")+1:]
	return "nobody has role " + quoted(role) + " on " + quoted(t.project.Name) + " any more, or it grants nothing"
}
