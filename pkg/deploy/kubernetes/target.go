package kubernetes

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/ystackdev/ystack/pkg/deploy"
)

// Target is an application's place in a cluster. It is a deploy.Target.
type Target struct {
	*Deployer
	// Release says which application it is and how it is to run; the image and where
	// that comes from are each release's own.
	Release Release
	// Repository is that of the image, for rehearsals.
	Repository string
	// Boundary is called at "applied": all is written, and not yet waited for.
	Boundary func(point string)
}

// Kind is deploy.Container.
func (t *Target) Kind() string { return deploy.Container }

// Place is cluster and namespace.
func (t *Target) Place() string {
	return fmt.Sprintf("cluster %s, namespace %s", cmp.Or(t.Client.Context, t.Client.Server), t.namespace())
}

func (t *Target) namespace() string { return t.Namespace(t.Release) }

// With is how the application is to run with what is of a release.
func (t *Target) With(r deploy.Release) Release {
	full := t.Release
	full.Release = r
	if r.Image == "" {
		full.Image = cmp.Or(t.Repository, r.App) + "@" + unbuilt
	}
	return full
}

// Current is what the workload's record says.
func (t *Target) Current(ctx context.Context) (deploy.Release, error) {
	r, err := t.Deployer.Current(ctx, t.namespace(), t.Release.App)
	return r.Release, err
}

// Plan has the server try the release out. Who deploys it, and in which run, is no
// reason to change anything.
func (t *Target) Plan(ctx context.Context, r deploy.Release) (deploy.Plan, error) {
	if live, err := t.Current(ctx); err == nil && r.Image != "" && live.Image == r.Image && live.Revision == r.Revision {
		as := r
		as.Run, as.By = live.Run, live.By
		p, err := t.plan(ctx, as)
		if err != nil || len(p.changes) == 0 {
			return p, err
		}
	}
	return t.plan(ctx, r)
}

// settled is how long a look at a rollout that should be over may take.
const settled = 2 * time.Second

func (t *Target) plan(ctx context.Context, r deploy.Release) (*rollingOut, error) {
	objects, err := t.Deployer.Plan(ctx, t.With(r))
	if err != nil {
		return nil, err
	}
	changes, err := t.preview(ctx, objects, leftToApply)
	if err != nil {
		return nil, err
	}
	p := &rollingOut{Target: t, plan: objects}
	for _, c := range changes {
		if c.Action != deploy.Unchanged && c.Action != deploy.Kept {
			p.changes = append(p.changes, c)
		}
	}
	if len(p.changes) > 0 || r.Image == "" {
		return p, nil
	}
	ctx, cancel := context.WithTimeout(ctx, settled)
	defer cancel()
	var last Status
	if err := t.Wait(ctx, objects.workloads(), func(s Status) { last = s }); err != nil {
		p.changes = append(p.changes, deploy.Change{Object: last.Object, Action: deploy.Unchanged, Detail: statusLine(last)})
	}
	return p, nil
}

// workloads are those of the plan that are there and can be waited for.
func (p *Plan) workloads() []Workload {
	var list []Workload
	for _, o := range p.Objects {
		if o.rollsOut() && o.Live != nil {
			list = append(list, workloadOf(o, o.Live))
		}
	}
	return list
}

// History lists the revisions of the application's Deployments.
func (t *Target) History(ctx context.Context) ([]deploy.Entry, error) {
	list, err := t.Deployer.History(ctx, t.namespace(), t.Release.App)
	entries := make([]deploy.Entry, len(list))
	for i := range list {
		entries[i] = list[i].Entry
	}
	return entries, err
}

// Rollback plans going back, by the server's own check.
func (t *Target) Rollback(ctx context.Context, number int64) (deploy.Plan, error) {
	results, err := t.Deployer.Rollback(ctx, t.namespace(), t.Release.App, number, DryRunServer)
	if err != nil {
		return nil, err
	}
	return &goingBack{t, number, results}, nil
}

// Answer says where the application answers.
func (t *Target) Answer(ctx context.Context) (Answer, error) {
	return t.Deployer.Answer(ctx, t.Release)
}
