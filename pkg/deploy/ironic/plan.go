package ironic

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ystackdev/ystack/pkg/baremetal"
	"github.com/ystackdev/ystack/pkg/deploy"
)

// plan is what a release comes to.
type plan struct {
	*Target
	want    entry
	image   *image // nil while the image is still to be made
	todo    []*task
	surplus []*task
	well    []*task // nothing is to be done but to see that they are well
}

// task is a slot and what is to be done there.
type task struct {
	*slot
	replace bool // the node that is there goes first
	first   string
	change  deploy.Change
}

// errNoSpec: what a name alone is enough for is History.
var errNoSpec = errors.New("how many nodes, and of which resource class, is in spec.deploy.baremetal of ystack.yaml; name that file")

// Plan says what carrying out the release comes to.
func (t *Target) Plan(ctx context.Context, r deploy.Release) (deploy.Plan, error) {
	if r.App != t.app {
		return nil, fmt.Errorf("the release is of %q, the target of %q", r.App, t.app)
	}
	if t.spec.ResourceClass == "" {
		return nil, errNoSpec
	}
	r.Deployed = time.Time{}
	p := &plan{Target: t, want: entry{Release: r, UserData: t.userDataSum()}}
	if r.Image != "" {
		image, err := t.resolve(ctx, r)
		if err != nil {
			return nil, err
		}
		p.image, p.want.SHA256 = image, image.sha256
	}
	slots, err := t.observe(ctx)
	if err != nil {
		return nil, err
	}
	p.number(slots)
	if err := p.sort(ctx, slots); err != nil {
		return nil, err
	}
	if err := t.capacity(ctx, p.todo); err != nil {
		return nil, err
	}
	return p, nil
}

// number gives the release the next number, or that of the last one if it is the same.
func (p *plan) number(slots []*slot) {
	var last entry
	for _, s := range slots {
		if s.record.Number > last.Number {
			last = s.record.entry
		}
		for _, e := range s.record.past {
			if e.Number > last.Number {
				last = e
			}
		}
	}
	p.want.Number = last.Number + 1
	if p.want.same(last) {
		p.want.Number = last.Number
	}
}

// sort says what is to be done with each slot. New nodes come first: they take nothing
// away from those that serve.
func (p *plan) sort(ctx context.Context, slots []*slot) error {
	there := map[int]*slot{}
	for _, s := range slots {
		if s.ordinal >= p.count() {
			p.surplus = append(p.surplus, &task{slot: s, change: p.removal(s)})
			continue
		}
		there[s.ordinal] = s
	}
	var fresh, rebuilt []*task
	for ordinal := range p.count() {
		s := there[ordinal]
		if s == nil {
			s = &slot{ordinal: ordinal}
		}
		k, err := p.decide(s)
		switch {
		case err != nil:
			return err
		case k.change.Action == deploy.Created:
			fresh = append(fresh, k)
		case k.change.Action == deploy.Unchanged:
			p.see(ctx, k)
			p.well = append(p.well, k)
		default:
			rebuilt = append(rebuilt, k)
		}
	}
	p.todo = append(fresh, rebuilt...)
	return nil
}

func (p *plan) removal(s *slot) deploy.Change {
	c := deploy.Change{Object: "node/" + p.title(s), Action: deploy.Deleted, Detail: "undeployed, and given back"}
	if s.node != nil && s.node.Maintenance {
		c.Action, c.Detail = deploy.Kept, s.node.Busy()+", and is left alone"
	}
	return c
}

// decide says what a slot needs.
func (p *plan) decide(s *slot) (*task, error) {
	k := &task{slot: s, change: deploy.Change{Object: "node/" + p.title(s), Action: deploy.Created}}
	class := "a node of resource class " + p.spec.ResourceClass
	switch {
	case s.allocation == nil:
		k.change.Detail = class
	case s.lost() || !p.fits(s):
		k.replace, k.first = true, p.title(s)
		k.change.Object, k.change.Detail = "node/"+p.name(s.ordinal), class
	case s.node == nil:
		k.change.Detail = class + ", which Ironic is looking for already"
	default:
		k.change.Action, k.change.Detail = p.difference(s)
	}
	if n := s.node; n != nil && k.change.Action != deploy.Unchanged {
		if err := p.refuse(n, k); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// difference is what a node that the application has needs.
func (p *plan) difference(s *slot) (deploy.Action, string) {
	now := s.record
	switch next(s.node, now, p.want, false) {
	case done:
		return deploy.Unchanged, ""
	case note:
		return deploy.Configured, "the same image, for " + short(p.want.Revision)
	case finish:
		return deploy.Configured, "deployed by a run that was interrupted"
	case wait:
		return deploy.Configured, "is " + s.node.State
	}
	switch {
	case s.node.State == baremetal.DeployFailed:
		return deploy.Rebuilt, "once more; it failed: " + baremetal.Line(s.node.LastError)
	case s.node.State == baremetal.Available:
		return deploy.Created, "allocated by a run that was interrupted"
	case now.App == "":
		return deploy.Rebuilt, "it has no record of what is on it"
	}
	return deploy.Rebuilt, fmt.Sprintf("%s → %s", short(now.Revision), short(p.want.Revision))
}

// refuse names a node that is ours and cannot be touched.
func (p *plan) refuse(n *baremetal.Node, k *task) error {
	switch {
	case n.Maintenance:
		return fmt.Errorf("node %s of %s %s, so that nothing can be deployed to it; end that first (openstack baremetal node maintenance unset %s)", n, p.app, n.Busy(), n)
	case n.Protected:
		return fmt.Errorf("node %s of %s is protected against being rebuilt; end that first (openstack baremetal node unset --protected %s)", n, p.app, n)
	case !k.replace && next(n, k.record, p.want, false) == failed:
		return fmt.Errorf("node %s of %s is in state %q, from which nothing can be deployed; bring it back to active first", n, p.app, n.State)
	}
	return nil
}

// see asks a node once whether it is well.
func (p *plan) see(ctx context.Context, k *task) {
	probe := p.probe()
	if probe == nil {
		return
	}
	if err := probe.Ask(ctx, p.address(k.node)); err != nil {
		k.change.Detail = "is not well, and is waited for: " + err.Error()
	}
}

// Changes are what would be done, in order.
func (p *plan) Changes() []deploy.Change {
	var all []deploy.Change
	for _, list := range [][]*task{p.todo, p.surplus} {
		for _, k := range list {
			if k.replace {
				all = append(all, deploy.Change{Object: "node/" + k.first, Action: deploy.Deleted, Detail: "it is of no use any more"})
			}
			all = append(all, k.change)
		}
	}
	for _, k := range p.well {
		if k.change.Detail != "" {
			all = append(all, k.change)
		}
	}
	return all
}

// Endpoints are where the application answers.
func (p *plan) Endpoints(context.Context) ([]string, error) {
	var all []string
	probe := p.probe()
	for _, list := range [][]*task{p.todo, p.well} {
		for _, k := range list {
			if k.node != nil && probe != nil && p.address(k.node) != "" {
				all = append(all, probe.URL(p.address(k.node)))
			}
		}
	}
	return all, nil
}

func short(revision string) string {
	if revision == "" {
		return "what is there"
	}
	return fmt.Sprintf("%.12s", revision)
}
