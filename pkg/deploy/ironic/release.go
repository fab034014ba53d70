package ironic

import (
	"context"
	"fmt"

	"github.com/ystackdev/ystack/pkg/baremetal"
)

// release gives a slot's node back: undeployed, without our record, and its allocation
// gone. The node is cleaned afterwards, which Ironic does by itself.
func (p *plan) release(ctx context.Context, k *task, r *reporter) error {
	c, tried := p.client, false
	for {
		over := false
		err := c.Retry(ctx, func() error {
			a, err := c.Allocation(ctx, p.name(k.ordinal))
			if baremetal.Gone(err) {
				over = true
				return nil
			}
			if err != nil {
				return err
			}
			k.allocation = a
			return p.releaseStep(ctx, k, &tried)
		})
		switch {
		case err != nil && k.node != nil:
			return fmt.Errorf("give node %s back: %w", k.node, err)
		case err != nil:
			return fmt.Errorf("give allocation %s back: %w", p.name(k.ordinal), err)
		case over:
			r.tell(k, "given back", "")
			k.allocation, k.node, k.record = nil, nil, record{}
			return nil
		case k.node != nil:
			r.tell(k, k.node.State, "is being given back")
		}
		if err := c.Pause(ctx); err != nil {
			return err
		}
	}
}

func (p *plan) releaseStep(ctx context.Context, k *task, tried *bool) error {
	c := p.client
	if k.allocation.Node == "" {
		return c.Deallocate(ctx, k.allocation)
	}
	n, err := c.Node(ctx, k.allocation.Node)
	switch {
	case baremetal.Gone(err):
		return c.Deallocate(ctx, k.allocation)
	case err != nil:
		return err
	case n.Instance == "":
		return nil // Ironic is about to end the allocation
	case n.Instance != k.allocation.UUID:
		return fmt.Errorf("it says that it is %s's: somebody has changed it by hand", n.Instance)
	}
	k.node = n
	switch n.State {
	case baremetal.Deploying, baremetal.Deleting, "deploy complete", "deleted":
		return nil // it cannot be told anything now
	case baremetal.Available:
		// Nothing was ever deployed, and nothing empties instance_info for us.
		if _, err := p.patch(ctx, n, erase(n)); err != nil {
			return err
		}
		return c.Deallocate(ctx, k.allocation)
	case baremetal.Failed:
		if *tried {
			return fmt.Errorf("it could not be undeployed: %s", baremetal.Line(n.LastError))
		}
	}
	*tried = true
	return c.Provision(ctx, n, "deleted", nil)
}
