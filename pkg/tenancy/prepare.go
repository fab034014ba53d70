package tenancy

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/keystone"
	"github.com/ystackdev/ystack/pkg/kube"
)

// Prepare reads Keystone and the cluster, both at once, and plans what makes the cluster
// follow Keystone.
func Prepare(ctx context.Context, s *keystone.Session, c *kube.Client, config *app.TenantSync, o PlanOptions) (*Plan, error) {
	var file *PolicyFile
	if o.PolicyFile != "" {
		var err error
		if file, err = ReadPolicyFile(o.PolicyFile, o.PolicyInclude); err != nil {
			return nil, err
		}
	}
	var snapshot *Snapshot
	var cluster *Cluster
	g, reading := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		// Where bindings name groups of tokens, who is in which group of Keystone's does not matter.
		snapshot, err = Read(reading, s, ReadOptions{WithoutMembers: !namesUsers(config)})
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
	plan, err := NewPlan(config, snapshot, cluster, time.Now(), o)
	if err != nil {
		return nil, err
	}
	plan.Server = c.Server
	return plan, nil
}
