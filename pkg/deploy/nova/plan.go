package nova

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/ystackdev/ystack/pkg/deploy"
)

// plan is what a release comes to.
type plan struct {
	t       *Target
	release deploy.Release
	recipe  recipe
	record  record   // of the release
	before  []record // earlier releases, newest first
	floats  []floating
	pool    *pool
	changes []deploy.Change
}

// Plan refuses what cannot succeed: something that is not there, an image of other
// content, a quota that does not suffice.
func (t *Target) Plan(ctx context.Context, r deploy.Release) (deploy.Plan, error) {
	p := &plan{t: t, release: r}
	var err error
	if p.recipe, err = t.recipe(ctx); err != nil {
		return nil, err
	}
	image, err := t.image(ctx, r, p.recipe.flavor)
	if err != nil {
		return nil, err
	}
	if p.floats, err = t.floating(ctx); err != nil {
		return nil, err
	}
	if p.pool, err = t.pool(ctx); err != nil {
		return nil, err
	}
	servers, err := t.servers(ctx)
	if err != nil {
		return nil, err
	}
	// An earlier release does not remember where its source is; its image does.
	p.release.Source = cmp.Or(r.Source, image.Properties[keySource])
	p.number(image.ID, servers)
	d := p.decide(servers)
	if err := p.checkRebuild(ctx, d); err != nil {
		return nil, err
	}
	if err := t.checkQuota(ctx, p.recipe.flavor, len(d.create)-len(d.first)); err != nil {
		return nil, err
	}
	return p, p.describe(ctx, d)
}

// number gives the release its place in history: servers of this very generation that
// are the newest are of this release already.
func (p *plan) number(image string, servers []server) {
	r := p.release
	p.record = record{
		Number: 1, Image: image, SHA256: r.SHA256, Revision: r.Revision, Run: r.Run, By: r.By, Source: r.Source,
		Deployed: time.Now(), Generation: p.recipe.generation(image),
	}
	for i, was := range past(servers) {
		switch {
		case i > 0:
		case was.Generation == p.record.Generation:
			p.record.Number = was.Number
			if was.Revision == r.Revision {
				p.record.Deployed = was.Deployed
			}
		default:
			p.record.Number = was.Number + 1
		}
		if was.Number != p.record.Number {
			p.before = append(p.before, was)
		}
	}
}

func (p *plan) decide(servers []server) decision {
	return decide(p.record.Generation, p.t.count(), p.inPlace(), servers)
}

func (p *plan) inPlace() bool { return p.t.spec.Strategy == "rebuild" }

// name is a server's; of two applications or releases no two are alike.
func (p *plan) name(ordinal int) string {
	of := cmp.Or(p.record.Revision, p.record.Image, "new")
	return fmt.Sprintf("%s-%d-%s", p.t.app, ordinal, of[:min(12, len(of))])
}

// Changes are in the order in which they are made.
func (p *plan) Changes() []deploy.Change { return p.changes }

func (p *plan) change(object string, action deploy.Action, format string, args ...any) {
	p.changes = append(p.changes, deploy.Change{Object: object, Action: action, Detail: fmt.Sprintf(format, args...)})
}

// describe tells a decision.
func (p *plan) describe(ctx context.Context, d decision) error {
	for _, s := range d.first {
		p.change("server/"+s.Name, deploy.Deleted, "is broken: %s", s.trouble())
	}
	for _, n := range d.create {
		p.change("server/"+p.name(n), deploy.Created, "of flavor %s in network %s", p.recipe.flavor.Name, p.recipe.networks[0].Name)
	}
	for _, s := range d.rebuild {
		p.change("server/"+s.Name, deploy.Rebuilt, "in place, as %s", p.name(s.ordinal))
	}
	for n := range p.t.count() {
		s, is := d.keep[n]
		if !is {
			continue
		}
		if p.stale(s) {
			p.change("server/"+s.Name, deploy.Configured, "is of revision %s from now on", cmp.Or(p.record.Revision, "unknown"))
		}
	}
	if err := p.describeMoves(ctx, d); err != nil {
		return err
	}
	if err := p.describeMembers(ctx, d); err != nil {
		return err
	}
	for _, s := range d.last {
		p.change("server/"+s.Name, deploy.Deleted, "%s", p.why(s))
	}
	if len(p.changes) > 0 || p.release.Image == "" {
		return nil
	}
	return p.describeUnwell(ctx, d)
}

// describeUnwell names the servers that need no change and are not well: there is
// something to wait for, and perhaps in vain.
func (p *plan) describeUnwell(ctx context.Context, d decision) error {
	items, err := p.watch(p.all()).states(ctx, d)
	if items == nil {
		return err
	}
	for _, i := range items {
		if waiting(i) {
			p.change("server/"+i.Name, deploy.Unchanged, "is %s", told(i))
		}
	}
	return nil
}

// stale tells that a server runs the right thing under another record.
func (p *plan) stale(s server) bool {
	return s.record.Number != p.record.Number || s.record.Revision != p.record.Revision
}

func (p *plan) why(s server) string {
	switch {
	case s.going():
		return "Nova deletes it already"
	case s.record.Generation != p.record.Generation:
		return "is of " + cmp.Or(s.record.Revision, s.record.Image)
	case s.ordinal >= p.t.count():
		return fmt.Sprintf("count is %d", p.t.count())
	}
	return "is there twice"
}

// trouble is the state of a server, and its fault if Nova tells one.
func (s server) trouble() string {
	text := s.Status
	if s.Task != "" {
		text += " (" + s.Task + ")"
	}
	if s.Fault.Message != "" {
		text += ": " + plain(s.Fault.Message)
	}
	return text
}
