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
	system := map[string]binding{}
	if !p.options.WithoutRBAC {
		system = systemBindings(p.config, p.snapshot, p.access)
	}
	p.grantIn("", system)
	p.revokeIn(tenant{}, "", system)
	delete(rest, "")
	for _, id := range slices.Sorted(maps.Keys(p.places)) {
		place := p.places[id]
		wanted := p.wantedIn(id, place)
		p.grantIn(place, wanted)
		p.revokeIn(p.tenants[id], place, wanted)
		delete(rest, place)
	}
	for place, some := range rest {
		if id, skipped := p.skipped[place]; skipped {
			p.revokeIn(p.tenants[id], place, p.wantedIn(id, place))
			continue
		}
		for _, o := range some {
			p.change(Revoke, o.bare(), cmp.Or(p.left[place], "the namespace is not ours"))
		}
	}
}

func (p *planner) wantedIn(id, place string) map[string]binding {
	if p.options.WithoutRBAC {
		return nil
	}
	return p.tenants[id].bindings(p.config, place)
}

func (p *planner) grantIn(place string, wanted map[string]binding) {
	for name, b := range wanted {
		is, there := p.live[place][name]
		stray, inTheWay := p.strays[place][name]
		switch {
		case inTheWay:
			p.conflict("%s is in the way, for it lacks our labels: delete it if nobody needs it", stray)
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
	for name, stray := range p.strays[place] {
		if wanted[name].Kind == "" {
			p.conflict("%s lacks our labels, and so goes on granting: delete it if nobody needs it", stray)
		}
	}
}

func (p *planner) revokeIn(t tenant, place string, wanted map[string]binding) {
	roles := map[string]bool{} // that stay
	for name := range wanted {
		roles[roleIn(name)] = true
	}
	for name, is := range p.live[place] {
		switch {
		case wanted[name].Kind != "":
		case roles[roleIn(name)]:
			p.change(Replace, is.bare(), "the role grants another ClusterRole now")
		default:
			why := t.whyNot(p.snapshot, is)
			if p.options.WithoutRBAC {
				why = "RoleBindings are not asked for"
			}
			p.change(Revoke, is.bare(), why)
		}
	}
}

// whyNot says why a binding goes.
func (t tenant) whyNot(s *Snapshot, is Object) string {
	role := quoted(roleIn(is.Metadata.Name))
	if is.Kind == "ClusterRoleBinding" {
		return "nobody has role " + role + " on the system any more, or it grants nothing"
	}
	if t.project.ID == "" {
		return "its project is gone from Keystone, or not chosen"
	}
	if off := s.off(t.project); off != "" {
		return off
	}
	return "nobody has role " + role + " on " + quoted(t.project.Name) + " any more, or it grants nothing"
}

// roleIn is the part of a binding's name that says the role; see bindingName.
func roleIn(name string) string { return name[strings.LastIndex(name, ":")+1:] }
