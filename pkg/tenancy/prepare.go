package tenancy

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/keystone"
	"github.com/ystackdev/ystack/pkg/kube"
)

// Prepare reads Keystone and the cluster, both at once, and plans what makes the cluster
// follow Keystone. What only adds needs no more than one look at Keystone. Before anything
// is taken away or changed, what seems to be missing there is looked for again.
func Prepare(ctx context.Context, s *keystone.Session, c *kube.Client, config *app.TenantSync, o PlanOptions) (*Plan, error) {
	var file *PolicyFile
	if o.PolicyFile != "" {
		var err error
		if file, err = ReadPolicyFile(o.PolicyFile, o.PolicyInclude); err != nil {
			return nil, err
		}
	}
	var first *reader
	var cluster *Cluster
	g, reading := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		// Where bindings name groups of tokens, who is in which group of Keystone's does not matter.
		first, err = readOnce(reading, s, ReadOptions{WithoutMembers: !namesUsers(config)})
		return err
	})
	g.Go(func() (err error) {
		cluster, err = Observe(reading, c, config)
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	cluster.Policy = file
	now := time.Now()
	plan, err := NewPlan(config, first.snapshot, cluster, now, o)
	if err == nil && plan.onlyAdds() && first.checkOwn(first.token) == nil {
		plan.Server = c.Server
		return plan, nil
	}
	snapshot, err := first.confirm(ctx)
	if err != nil {
		return nil, err
	}
	plan, err = NewPlan(config, snapshot, cluster, now, o)
	if err != nil {
		return nil, err
	}
	plan.Server = c.Server
	return plan, nil
}

// onlyAdds tells whether a plan neither takes nor changes anything.
func (p *Plan) onlyAdds() bool {
	others := func(c Change) bool { return c.Action != Create }
	return len(p.Held) == 0 && !slices.ContainsFunc(p.Changes, others)
}
