package nova

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ystackdev/ystack/pkg/deploy"
)

// Apply makes the servers, waits for them, moves addresses, and only then lets go of
// those that ran before. Every step looks at what is there first: after a kill the same
// steps do what is left.
func (p *plan) Apply(ctx context.Context, report deploy.Report) error {
	if p.record.Image == "" {
		return errors.New("there is no image yet that could be deployed")
	}
	if report == nil {
		report = func(string, ...deploy.Item) {}
	}
	// Nova would say only that it finds no image, and after the first server perhaps.
	if _, err := p.t.image(ctx, p.release, p.recipe.flavor); err != nil {
		return err
	}
	if err := p.make(ctx, report); err != nil {
		return err
	}
	if err := p.rebuild(ctx, report); err != nil {
		return err
	}
	if err := p.await(ctx, report, p.all()); err != nil {
		return err
	}
	if err := p.refresh(ctx, report); err != nil {
		return err
	}
	if err := p.move(ctx, report); err != nil {
		return err
	}
	if err := p.join(ctx, report); err != nil {
		return err
	}
	return p.finish(ctx, report)
}

// all are the ordinals.
func (p *plan) all() []int {
	all := make([]int, p.t.count())
	for n := range all {
		all[n] = n
	}
	return all
}

// see is what there is to do now.
func (p *plan) see(ctx context.Context) (decision, error) {
	servers, err := p.t.servers(ctx)
	return p.decide(servers), err
}

// make creates the servers that are not there. When it is not known whether one was
// created, it looks before it tries again.
func (p *plan) make(ctx context.Context, report deploy.Report) error {
	for start := time.Now(); ; {
		d, err := p.see(ctx)
		if err != nil {
			return err
		}
		if err := p.remove(ctx, report, d.first); err != nil {
			return err
		}
		if err = p.create(ctx, report, d.create); err == nil {
			return p.wake(ctx, report, d)
		}
		if !passing(err) || time.Since(start) > patience {
			return err
		}
		report(fmt.Sprintf("%v; looking whether it was made", err))
		if cause := deploy.Pause(ctx, 3*time.Second); cause != nil {
			return fmt.Errorf("%w (%w)", cause, err)
		}
	}
}

func (p *plan) create(ctx context.Context, report deploy.Report, ordinals []int) error {
	for _, n := range ordinals {
		report("creating server " + p.name(n))
		if err := p.t.cloud.once(ctx, http.MethodPost, compute, "/servers", "", p.request(n), nil); err != nil {
			return fmt.Errorf("server %s: %w", p.name(n), err)
		}
	}
	return nil
}

// request asks for a server with all of its metadata, so that it is ours from the first
// moment.
func (p *plan) request(ordinal int) any {
	r := p.recipe
	networks := make([]map[string]string, len(r.networks))
	for i, n := range r.networks {
		networks[i] = map[string]string{"uuid": n.ID}
	}
	server := map[string]any{
		"name": p.name(ordinal), "imageRef": p.record.Image, "flavorRef": r.flavor.ID, "networks": networks,
		"metadata": p.record.metadata(p.t.app, r.shape(), ordinal, p.before),
	}
	if len(r.groups) > 0 {
		groups := make([]map[string]string, len(r.groups))
		for i, id := range r.groups {
			groups[i] = map[string]string{"name": id}
		}
		server["security_groups"] = groups
	}
	if r.key != "" {
		server["key_name"] = r.key
	}
	if len(r.userData) > 0 {
		server["user_data"] = base64.StdEncoding.EncodeToString(r.userData)
	}
	return map[string]any{"server": server}
}

// wake starts servers that are off.
func (p *plan) wake(ctx context.Context, report deploy.Report, d decision) error {
	for _, s := range d.keep {
		if s.Status != statusOff || s.Task != "" {
			continue
		}
		report("starting server "+s.Name, item(s))
		err := p.t.cloud.action(ctx, s.ID, "", map[string]any{"os-start": nil})
		if err != nil && !answered(err, http.StatusConflict) { // somebody else does
			return fmt.Errorf("server %s: %w", s.Name, err)
		}
	}
	return nil
}

// refresh writes the record to servers that carry another one.
func (p *plan) refresh(ctx context.Context, report deploy.Report) error {
	d, err := p.see(ctx)
	if err != nil {
		return err
	}
	for _, s := range d.keep {
		if !p.stale(s) {
			continue
		}
		report("noting the release on server "+s.Name, item(s))
		m := s.merged(p.record.metadata(p.t.app, p.recipe.shape(), s.ordinal, p.before))
		if err := p.t.cloud.do(ctx, http.MethodPut, compute, serverPath(s.ID)+"/metadata", map[string]any{"metadata": m}, nil); err != nil {
			return fmt.Errorf("server %s: %w", s.Name, err)
		}
	}
	return nil
}

// finish removes the servers that are no longer part of it: those of earlier releases,
// those beyond the count, and what is there twice. It does not if the others are not all
// there any more.
func (p *plan) finish(ctx context.Context, report deploy.Report) error {
	d, err := p.see(ctx)
	if err != nil {
		return err
	}
	for n := range p.t.count() {
		if _, is := d.keep[n]; !is {
			_, err := p.lost(ctx, d, n)
			return err
		}
	}
	return p.remove(ctx, report, d.last)
}

func (p *plan) remove(ctx context.Context, report deploy.Report, servers []server) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for _, s := range servers {
		report("deleting server "+s.Name, item(s))
		group.Go(func() error { return p.t.cloud.remove(ctx, s) })
	}
	return group.Wait()
}

func item(s server) deploy.Item {
	i := deploy.Item{Name: s.Name, State: s.Status, Detail: s.Task}
	if s.Fault.Message != "" {
		i.Detail = plain(s.Fault.Message)
	}
	return i
}
