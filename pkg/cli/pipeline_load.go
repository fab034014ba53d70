package cli

import (
	"cmp"
	"context"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/build"
	"github.com/ystackdev/ystack/pkg/build/machine"
	"github.com/ystackdev/ystack/pkg/deploy"
	"github.com/ystackdev/ystack/pkg/image"
	"github.com/ystackdev/ystack/pkg/pipeline"
	"github.com/ystackdev/ystack/pkg/source"
)

// running is an application on its way to its targets.
type running struct {
	app     *app.Application
	site    *app.Site
	rev     source.Revision
	kinds   []string
	targets []pipeline.Target
}

// load gathers what the run is about. Nothing is asked over the network yet.
func (o *pipelineRunOptions) load(ctx context.Context, env Env) (*running, error) {
	a, err := app.LoadApplication(o.Dir)
	if err != nil {
		return nil, err
	}
	r := &running{app: a}
	if r.kinds, err = pipeline.Targets(a, o.Targets); err != nil {
		return nil, err
	}
	site, err := loadSite(env, o.Site)
	if err != nil {
		return nil, err
	}
	r.site = site
	p, err := newPlatforms(env, a, site, o.kube)
	if err != nil {
		return nil, err
	}
	p.force = o.ForceConflicts
	if err := p.readRevision(ctx); err != nil {
		return nil, err
	}
	r.rev = p.rev
	goal := pipeline.Goal{App: a, Dir: p.dir, Revision: r.rev, By: userName()}
	for _, kind := range r.kinds {
		load := o.machine
		if kind == deploy.Container {
			load = o.container
		}
		t, err := load(ctx, p, goal, kind)
		if err != nil {
			return nil, err
		}
		r.targets = append(r.targets, t)
	}
	return r, nil
}

func (o *pipelineRunOptions) container(ctx context.Context, p *platforms, g pipeline.Goal, _ string) (pipeline.Target, error) {
	site := p.stores.site
	builder, err := build.Find(ctx, cmp.Or(o.Builder, site.Spec.Builder.Name), nil)
	if err != nil {
		return nil, err
	}
	cluster, err := p.cluster("")
	if err != nil {
		return nil, err
	}
	return &pipeline.Container{
		Goal: g, Site: site, Registry: &image.Client{Insecure: site.Spec.Registries.Insecure}, Builder: builder, Cluster: cluster,
	}, nil
}

func (o *pipelineRunOptions) machine(_ context.Context, p *platforms, g pipeline.Goal, kind string) (pipeline.Target, error) {
	builder, err := p.stores.builder("")
	if err != nil {
		return nil, err
	}
	to, err := p.machines(kind, "")
	if err != nil {
		return nil, err
	}
	return &pipeline.Machine{Goal: g, Job: machine.Jobs(g.App, g.Dir, g.Revision)[kind], Builder: builder, To: to}, nil
}
