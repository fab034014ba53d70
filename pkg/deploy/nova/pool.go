package nova

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ystackdev/ystack/pkg/deploy"
)

const balancer = "load-balancer"

// pool is one of Octavia's.
type pool struct{ named }

func (p *pool) path() string { return "/v2/lbaas/pools/" + p.ID }

// member is a server in a pool. By its name it is known as ours.
type member struct {
	ID        string `json:"id,omitempty"`
	Name      string `json:"name"`
	Address   string `json:"address"`
	Port      int32  `json:"protocol_port"`
	Doing     string `json:"provisioning_status,omitempty"`
	Operating string `json:"operating_status,omitempty"`
}

// pool finds the one that the specification names; nil if it names none.
func (t *Target) pool(ctx context.Context) (*pool, error) {
	if t.spec.LoadBalancer == nil {
		return nil, nil
	}
	var out struct{ Pools []pool }
	if err := t.cloud.get(ctx, balancer, "/v2/lbaas/pools", &out); err != nil {
		return nil, err
	}
	all := make([]named, len(out.Pools))
	for i, p := range out.Pools {
		all[i] = p.named
	}
	found, err := choose("loadBalancer.pool", "pool", t.spec.LoadBalancer.Pool, all)
	if err != nil {
		return nil, err
	}
	return &out.Pools[slices.Index(all, found)], nil
}

// memberName holds the server's id, which is 36 characters long.
func (p *plan) memberName(server string) string { return "ystack-" + p.t.app + "-" + server }

func (p *plan) members(ctx context.Context) ([]member, error) {
	var out struct{ Members []member }
	if err := p.t.cloud.get(ctx, balancer, p.pool.path()+"/members", &out); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(out.Members, func(m member) bool {
		id, ours := strings.CutPrefix(m.Name, p.memberName(""))
		return !ours || len(id) != 36
	}), nil
}

// differing are the members that are still to be made, and those that are to go.
func (p *plan) differing(d decision, has []member) (missing, leaving []member) {
	there := map[string]bool{}
	wanted := map[string]bool{}
	for _, m := range has {
		there[m.Name] = true
	}
	for n := range p.t.count() {
		s, is := d.keep[n]
		m := member{Name: p.memberName(s.ID), Address: s.fixed(p.recipe.networks[0].Name), Port: p.t.spec.LoadBalancer.Port}
		if wanted[m.Name] = true; is && !there[m.Name] {
			missing = append(missing, m)
		}
	}
	for _, m := range has {
		if !wanted[m.Name] {
			leaving = append(leaving, m)
		}
	}
	return missing, leaving
}

func (p *plan) describeMembers(ctx context.Context, d decision) error {
	if p.pool == nil {
		return nil
	}
	has, err := p.members(ctx)
	if err != nil {
		return err
	}
	missing, leaving := p.differing(d, has)
	if len(d.create)+len(missing)+len(leaving) > 0 {
		p.change("pool/"+p.pool.Name, deploy.Moved, "to %d new members, from %d", len(d.create)+len(missing), len(leaving))
	}
	return nil
}

// join makes the servers members of the pool, waits until they are in service, and takes
// the others of the application out.
func (p *plan) join(ctx context.Context, report deploy.Report) error {
	if p.pool == nil {
		return nil
	}
	d, err := p.see(ctx)
	if err != nil {
		return err
	}
	for start := time.Now(); ; {
		has, err := p.members(ctx)
		if err != nil {
			return err
		}
		left, err := p.turn(ctx, report, d, has)
		if err == nil && !left {
			return nil
		}
		// While it changes anything, a load balancer refuses further changes with 409.
		if err != nil && !answered(err, http.StatusConflict) && !passing(err) || time.Since(start) > 5*patience {
			return fmt.Errorf("pool %s: %w", p.pool.Name, errors.Join(err, errSlow))
		}
		if cause := deploy.Pause(ctx, time.Second); cause != nil {
			return fmt.Errorf("pool %s: %w", p.pool.Name, cause)
		}
	}
}

var errSlow = errors.New("it does not take the change; see openstack loadbalancer status show")

// turn is one change of the pool, and whether there is more to come.
func (p *plan) turn(ctx context.Context, report deploy.Report, d decision, has []member) (bool, error) {
	missing, leaving := p.differing(d, has)
	for _, m := range has {
		switch {
		case slices.Contains(leaving, m):
		case m.Doing == statusError:
			return true, fmt.Errorf("the load balancer cannot take %s in: member %s is in ERROR", m.Address, m.ID)
		case m.Doing != statusActive, m.Operating == "OFFLINE", m.Operating == statusError:
			return true, nil // a health monitor has not found it well yet
		}
	}
	switch {
	case len(missing) > 0:
		report("adding " + missing[0].Address + " to pool " + p.pool.Name)
		return true, p.t.cloud.once(ctx, http.MethodPost, balancer, p.pool.path()+"/members", "", map[string]any{"member": missing[0]}, nil)
	case len(leaving) > 0:
		report("taking " + leaving[0].Address + " out of pool " + p.pool.Name)
		err := p.t.cloud.once(ctx, http.MethodDelete, balancer, p.pool.path()+"/members/"+leaving[0].ID, "", nil, nil)
		if gone(err) {
			err = nil
		}
		return true, err
	}
	return false, nil
}
