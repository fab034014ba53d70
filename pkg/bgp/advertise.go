package bgp

import (
	"context"
	"maps"
	"slices"
)

// Plan is what a request comes to. Nothing has been changed yet.
type Plan struct {
	Peers    []PlannedPeer // that are not there yet
	Marks    []Mark        // annotations of Services
	Changes  []Change      // of the lists in the BGPConfiguration
	Findings []Finding     // what to know before
	Problems []error       // Services that cannot be followed

	version       string // of Calico's API
	services      []string
	config        config
	after         Record
	facts         *Facts
	add, withdraw Record // ranges
}

// Mark is a change of the annotation of a Service.
type Mark struct {
	Service string `json:"service"`
	Before  string `json:"before"`
	After   string `json:"after"`

	uid string
}

// Empty reports whether all is as it should be.
func (p *Plan) Empty() bool { return len(p.Peers) == 0 && len(p.Marks) == 0 && len(p.Changes) == 0 }

// Config is the name of the object whose lists change.
func (p *Plan) Config() string { return "bgpconfiguration." + p.version + "/" + configName }

// Advertise plans to advertise what the request says, on top of what is meant already.
func (c *Cluster) Advertise(ctx context.Context, r Request) (*Plan, error) {
	return c.plan(ctx, r, func(p *Plan, services []*Service) error {
		for _, s := range services {
			for _, l := range r.lists() {
				if err := s.advertisable(l); err != nil {
					return err
				}
			}
			if err := p.mark(s, func(i Intent) Intent { return union(i, r.lists()) }); err != nil {
				return err
			}
		}
		var err error
		p.add, err = r.ranges(p.facts)
		return err
	})
}

// Withdraw plans the opposite. A Service that is gone may still be announced.
func (c *Cluster) Withdraw(ctx context.Context, r Request) (*Plan, error) {
	f, err := c.gather(ctx)
	if err != nil {
		return nil, err
	}
	r.dropGone(f)
	return c.planFrom(ctx, f, r, func(p *Plan, services []*Service) error {
		if r.All {
			services = nil
			for i := range f.Services {
				if f.Services[i].Metadata.Annotations[Annotation] != "" {
					services = append(services, &f.Services[i])
				}
			}
		}
		for _, s := range services {
			if err := p.mark(s, func(i Intent) Intent { return without(i, r.Lists) }); err != nil {
				return err
			}
		}
		switch {
		case r.All:
			p.withdraw = f.Record.ranges()
			return nil
		case r.Known:
			p.withdraw = Record{ClusterIPs: f.Record.ranges()[ClusterIPs]}
			return nil
		}
		var err error
		p.withdraw, err = r.ranges(f)
		return err
	})
}

// dropGone takes the names of Services that no longer exist, and whose entries
// are still there, out of the request: these entries go by themselves, since
// nobody wants them.
func (r *Request) dropGone(f *Facts) {
	exists := map[string]bool{}
	for i := range f.Services {
		exists[f.Services[i].Ref()] = true
	}
	recorded := map[string]bool{}
	for _, entries := range f.Record {
		for _, origin := range entries {
			recorded[origin] = true
		}
	}
	r.Names = slices.DeleteFunc(slices.Clone(r.Names), func(name string) bool {
		ref := r.Namespace + "/" + name
		return !exists[ref] && recorded[ref]
	})
}

// Follow plans what brings the lists to what is meant, without a change of it.
func (c *Cluster) Follow(ctx context.Context) (*Plan, error) {
	return c.plan(ctx, Request{}, func(*Plan, []*Service) error { return nil })
}

func (c *Cluster) plan(ctx context.Context, r Request, change func(*Plan, []*Service) error) (*Plan, error) {
	f, err := c.gather(ctx)
	if err != nil {
		return nil, err
	}
	return c.planFrom(ctx, f, r, change)
}

func (c *Cluster) planFrom(ctx context.Context, f *Facts, r Request, change func(*Plan, []*Service) error) (*Plan, error) {
	selected, err := c.selected(ctx, &r)
	if err != nil {
		return nil, err
	}
	services, err := r.pick(f, selected)
	if err != nil {
		return nil, err
	}
	p := &Plan{facts: f, config: f.config, version: c.version.Group}
	for _, s := range services {
		p.services = append(p.services, s.Ref())
	}
	if err := change(p, services); err != nil {
		return nil, err
	}
	wanted, err := p.compute(f.Services)
	if err != nil {
		return nil, err
	}
	if p.Peers, err = c.planPeers(ctx, r.Peers, f); err != nil {
		return nil, err
	}
	for _, peer := range p.Peers {
		f.Peers = append(f.Peers, peer.peer())
	}
	if err := f.refuse(p.Changes); err != nil {
		return nil, err
	}
	if p.adds() {
		p.Findings = f.check(wanted)
	}
	for _, problem := range p.Problems {
		p.Findings = append(p.Findings, warn("%v", problem))
	}
	return p, nil
}

// adds reports whether more is announced than before, or meant to be.
func (p *Plan) adds() bool {
	return len(p.Peers) > 0 || slices.ContainsFunc(p.Marks, func(m Mark) bool { return m.After != "" }) ||
		slices.ContainsFunc(p.Changes, func(c Change) bool { return len(c.Added) > 0 })
}

// compute fills in the changes from the configuration that the plan holds and
// these Services, with the annotations that they are going to have.
func (p *Plan) compute(services []Service) (wanted Record, err error) {
	own, err := p.config.record()
	if err != nil {
		return nil, err
	}
	wanted, p.Problems = want(p.marked(services), own, p.rangesAfter(own), p.services)
	p.Changes, p.after = plan(p.config.all(), own, wanted)
	return wanted, nil
}

func (p *Plan) rangesAfter(own Record) Record {
	ranges := own.ranges()
	for l, entries := range p.add {
		for entry := range entries {
			ranges.add(l, entry, rangeOrigin)
		}
	}
	for l, entries := range p.withdraw {
		for entry := range entries {
			delete(ranges[l], entry)
		}
	}
	return ranges
}

// marked are the Services as they are going to be annotated.
func (p *Plan) marked(services []Service) []Service {
	if len(p.Marks) == 0 {
		return services
	}
	after := map[string]Mark{}
	for _, m := range p.Marks {
		after[m.uid] = m
	}
	out := slices.Clone(services)
	for i := range out {
		if m, ok := after[out[i].Metadata.UID]; ok {
			annotations := maps.Clone(out[i].Metadata.Annotations)
			if annotations == nil {
				annotations = map[string]string{}
			}
			annotations[Annotation] = m.After
			out[i].Metadata.Annotations = annotations
		}
	}
	return out
}

// mark notes a change of what is meant for a Service.
func (p *Plan) mark(s *Service, change func(Intent) Intent) error {
	intent, err := s.intent()
	after := change(intent)
	if err != nil && after != nil {
		return err
	}
	m := Mark{s.Ref(), s.Metadata.Annotations[Annotation], "", s.Metadata.UID}
	if len(after) > 0 {
		m.After = after.String()
	}
	if m.Before != m.After {
		p.Marks = append(p.Marks, m)
	}
	return nil
}

func union(a Intent, b []List) Intent {
	out := slices.Clone(a)
	for _, l := range b {
		if !slices.Contains(out, l) {
			out = append(out, l)
		}
	}
	return out
}

// without is what is left of a when b is withdrawn; no b is all of it.
func without(a Intent, b []List) Intent {
	if len(b) == 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(a), func(l List) bool { return slices.Contains(b, l) })
}

// EntryChange is a change of one entry of the lists.
type EntryChange struct {
	Action string // add or remove
	List   List
	Entry  string
	Origin string // NAMESPACE/NAME of the Service, or range
}

// Entries are the changes one by one.
func (p *Plan) Entries() []EntryChange {
	if len(p.Changes) == 0 {
		return nil
	}
	before, _ := p.config.record() // was read already
	var out []EntryChange
	for _, c := range p.Changes {
		for _, e := range c.Added {
			out = append(out, EntryChange{"add", c.List, e, p.after[c.List][normal(e)]})
		}
		for _, e := range c.Removed {
			out = append(out, EntryChange{"remove", c.List, e, before[c.List][normal(e)]})
		}
	}
	return out
}

// Advertised counts ystack's own entries of a list, as they are after the plan.
func (p *Plan) Advertised(l List) int { return len(p.after[l]) }

// Services are those that the plan is about.
func (p *Plan) Services() []string { return p.services }

// PlanPeers plans peers alone.
func (c *Cluster) PlanPeers(ctx context.Context, peers ...NewPeer) (*Plan, error) {
	f, err := c.gather(ctx)
	if err != nil {
		return nil, err
	}
	p := &Plan{facts: f, config: f.config, version: c.version.Group, after: f.Record}
	p.Peers, err = c.planPeers(ctx, peers, f)
	return p, err
}
