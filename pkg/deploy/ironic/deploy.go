package ironic

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/ystackdev/ystack/pkg/baremetal"
)

// deploy brings the release to a slot, from wherever that is.
func (p *plan) deploy(ctx context.Context, k *task, r *reporter) error {
	if k.replace {
		if err := p.release(ctx, k, r); err != nil {
			return err
		}
	}
	if err := p.allocate(ctx, k, r); err != nil {
		return err
	}
	k.change.Object = "node/" + p.title(k.slot)
	if err := p.advance(ctx, k, r); err != nil {
		return fmt.Errorf("%s: %w", strings.Replace(k.change.Object, "/", " ", 1), err)
	}
	return p.healthy(ctx, k, r)
}

// allocate gets the slot a node, and finds the one that an earlier attempt has got.
func (p *plan) allocate(ctx context.Context, k *task, r *reporter) error {
	c, name := p.client, p.name(k.ordinal)
	for {
		var a *baremetal.Allocation
		err := c.Retry(ctx, func() (err error) {
			if a, err = c.Allocation(ctx, name); baremetal.Gone(err) {
				a, err = nil, c.Allocate(ctx, p.allocation(k.ordinal))
			}
			return err
		})
		switch {
		case err != nil:
			return fmt.Errorf("allocate a node to %s: %w", name, err)
		case a == nil, a.State == baremetal.Allocating:
			r.tell(k, baremetal.Allocating, "")
		default:
			return p.taken(ctx, k, a)
		}
		if err := c.Pause(ctx); err != nil {
			return err
		}
	}
}

func (p *plan) allocation(ordinal int) baremetal.Allocation {
	return baremetal.Allocation{
		Name: p.name(ordinal), ResourceClass: p.spec.ResourceClass, Traits: p.spec.Traits,
		Extra: map[string]any{keyApp: p.app, keyOrdinal: fmt.Sprint(ordinal)},
	}
}

// taken is an allocation that has come to its end, well or not.
func (p *plan) taken(ctx context.Context, k *task, a *baremetal.Allocation) error {
	if _, ours := p.ordinal(a); !ours {
		return fmt.Errorf("the allocation %s is there, and not of ystack's making; delete or rename it", a.Name)
	}
	if a.State == baremetal.AllocationError {
		// What could not be had is not kept, so that the next attempt asks anew.
		err := p.client.Retry(ctx, func() error { return p.client.Deallocate(ctx, a) })
		free, others, _ := p.candidates(ctx)
		return errors.Join(fmt.Errorf("no node was found for %s: %s; %w", a.Name, baremetal.Line(a.LastError), p.shortage(1, free, others)), err)
	}
	k.allocation = a
	if err := p.look(ctx, k.slot); err != nil {
		return err
	}
	if k.node == nil {
		return fmt.Errorf("the node of allocation %s is gone", a.Name)
	}
	return nil
}

// reasonLooks is how often a failed node is looked at for the reason, which Ironic writes
// down only after the state.
const reasonLooks = 5

// advance takes the node step by step to where the release runs on it. Each step begins
// with a look at the node, so that it can be repeated, by this run or by another.
func (p *plan) advance(ctx context.Context, k *task, r *reporter) error {
	c, tried, patience := p.client, false, reasonLooks
	for {
		var now step
		err := c.Retry(ctx, func() error {
			if err := p.lookOnce(ctx, k.slot); err != nil {
				return err
			}
			if k.node == nil {
				return errors.New("somebody has undeployed or deleted it meanwhile")
			}
			now = next(k.node, k.record, p.want, tried)
			return p.take(ctx, k, now)
		})
		switch {
		case err != nil:
			return err
		case now == done:
			return nil
		case now == failed && k.node.LastError == "" && patience > 0:
			patience--
		case now == failed:
			return p.failure(k)
		case now == wait:
			r.tell(k, k.node.State, "")
		}
		tried = true
		if now == begin || now == note {
			continue
		}
		if err := c.Pause(ctx); err != nil {
			return fmt.Errorf("is %s: %w", k.node.State, err)
		}
	}
}

// take does one step.
func (p *plan) take(ctx context.Context, k *task, s step) error {
	n, c := k.node, p.client
	switch s {
	case begin:
		return p.begin(ctx, k)
	case note:
		written := over(n, p.want, k.ordinal)
		written.begun, written.Deployed = "", k.record.Deployed
		_, err := p.write(ctx, n, written)
		return err
	case start:
		target := baremetal.Active
		if n.State == baremetal.Active {
			target = "rebuild"
		}
		return c.Provision(ctx, n, target, p.configDrive(k))
	case finish:
		finished := k.record
		finished.begun, finished.Deployed = "", when(n.Changed)
		_, err := p.patch(ctx, n, write(n, finished.texts()))
		return err
	}
	return nil
}

// begin writes down that the release is begun. Should another run's deployment have come
// to its end between the look at the node and that, it is no end of this one.
func (p *plan) begin(ctx context.Context, k *task) error {
	for n := k.node; ; {
		now, err := p.write(ctx, n, over(n, p.want, k.ordinal))
		if err != nil || now.Changed == n.Changed {
			return err
		}
		n = now
	}
}

// write brings a record, and the image that it is of, into a node.
func (p *plan) write(ctx context.Context, n *baremetal.Node, r record) (*baremetal.Node, error) {
	texts := p.image.texts(n)
	maps.Copy(texts, r.texts())
	return p.patch(ctx, n, write(n, texts))
}

func (p *plan) patch(ctx context.Context, n *baremetal.Node, changes []baremetal.Change) (*baremetal.Node, error) {
	if len(changes) == 0 {
		return n, nil
	}
	return p.client.Patch(ctx, n, changes)
}

// failure says why a node will not get there.
func (p *plan) failure(k *task) error {
	n := k.node
	text := baremetal.Line(n.LastError)
	switch {
	case n.State == baremetal.DeployFailed && text != "":
		return fmt.Errorf("deploy failed: %s", text)
	case !k.record.sameContent(p.want):
		return errors.New("somebody else has begun to deploy another release to it")
	case text != "":
		return fmt.Errorf("is in state %q: %s", n.State, text)
	}
	return fmt.Errorf("is in state %q, which it does not leave by itself; look at it with openstack baremetal node show %s", n.State, n)
}

// healthy waits until the application on the node is well.
func (p *plan) healthy(ctx context.Context, k *task, r *reporter) error {
	probe := p.probe()
	if probe == nil {
		r.tell(k, baremetal.Active, "")
		return nil
	}
	address := p.address(k.node)
	if address == "" {
		return fmt.Errorf("node %s: its extra has no %q, where its address for the health check is to be; set it (openstack baremetal node set %s --extra %s=ADDRESS)",
			k.node, p.spec.Address, k.node, p.spec.Address)
	}
	if err := probe.Wait(ctx, address, func(cause string) { r.tell(k, "not well yet", cause) }); err != nil {
		return fmt.Errorf("node %s: %w", k.node, err)
	}
	r.tell(k, "well", "")
	return nil
}

// configDrive is what the machine reads when it boots for the first time.
func (p *plan) configDrive(k *task) map[string]any {
	host := fmt.Sprintf("%s-%d", p.app, k.ordinal)
	drive := map[string]any{"meta_data": map[string]any{
		"uuid": k.allocation.UUID, "name": host, "hostname": host,
		"meta": map[string]string{keyApp: p.app, keyRevision: p.want.Revision, keyOrdinal: fmt.Sprint(k.ordinal)},
	}}
	if p.userData != "" {
		drive["user_data"] = p.userData
	}
	return drive
}
