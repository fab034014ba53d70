package nova

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/ystackdev/ystack/pkg/deploy"
)

// floating is an address that is the application's, whichever server has it.
type floating struct {
	ID      string
	Address string `json:"floating_ip_address"`
	Port    string `json:"port_id"`

	device string // the server that has it, if any
}

// port is a server's in a network.
type port struct {
	ID     string
	Device string `json:"device_id"`
}

// floating finds the addresses that the specification names, in its order.
func (t *Target) floating(ctx context.Context) ([]floating, error) {
	if len(t.spec.FloatingIPs) > t.count() {
		return nil, fmt.Errorf("spec.deploy.vm.floatingIPs: there are %d addresses for %d servers", len(t.spec.FloatingIPs), t.count())
	}
	if len(t.spec.FloatingIPs) == 0 {
		return nil, nil
	}
	project, err := t.cloud.project(ctx)
	if err != nil {
		return nil, err
	}
	var out struct{ FloatingIPs []floating }
	if err := t.cloud.get(ctx, network, "/v2.0/floatingips?project_id="+project, &out); err != nil {
		return nil, err
	}
	var found []floating
	var known []named
	for _, f := range out.FloatingIPs {
		known = append(known, named{f.Address, f.Address})
	}
	for _, address := range t.spec.FloatingIPs {
		if _, err := choose("floatingIPs", "floating address", address, known); err != nil {
			return nil, err
		}
		for _, f := range out.FloatingIPs {
			if f.Address == address {
				found = append(found, f)
			}
		}
	}
	for i := range found {
		if found[i].device, err = t.cloud.device(ctx, found[i].Port); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// device is the server that a port is of.
func (c cloud) device(ctx context.Context, id string) (string, error) {
	if id == "" {
		return "", nil
	}
	var out struct{ Port port }
	err := c.get(ctx, network, "/v2.0/ports/"+url.PathEscape(id), &out)
	if gone(err) {
		return "", nil
	}
	return out.Port.Device, err
}

// describeMoves tells which addresses will move, and refuses to take one from others.
func (p *plan) describeMoves(ctx context.Context, d decision) error {
	ours := map[string]string{}
	servers, err := p.t.servers(ctx)
	if err != nil {
		return err
	}
	for _, s := range servers {
		ours[s.ID] = s.Name
	}
	for n, f := range p.floats {
		if f.Port != "" && ours[f.device] == "" {
			return fmt.Errorf("spec.deploy.vm.floatingIPs: %s is in use by something else (%s); detach it there, or name another address", f.Address, f.device)
		}
		to, is := d.keep[n]
		if is && to.ID == f.device {
			continue
		}
		for _, s := range d.rebuild {
			is = is || s.ordinal == n && s.ID == f.device
		}
		if is && to.ID == "" {
			continue // rebuilt, it keeps the address
		}
		from := "unused until now"
		if f.Port != "" {
			from = "from " + ours[f.device]
		}
		p.change("floatingip/"+f.Address, deploy.Moved, "%s, to %s", from, p.name(n))
	}
	return nil
}

// move gives each address to its server, and waits until that answers there.
func (p *plan) move(ctx context.Context, report deploy.Report) error {
	floats, err := p.t.floating(ctx)
	if err != nil || len(floats) == 0 {
		return err
	}
	d, err := p.see(ctx)
	if err != nil {
		return err
	}
	moved := false
	for n, f := range floats {
		s, is := d.keep[n]
		if !is {
			_, err := p.lost(ctx, d, n)
			return err
		}
		if s.ID == f.device {
			continue
		}
		report("moving "+f.Address+" to server "+s.Name, item(s))
		if err := p.t.cloud.attach(ctx, f, s, p.recipe.networks[0]); err != nil {
			return fmt.Errorf("floating address %s: %w", f.Address, err)
		}
		moved = true
	}
	if !moved {
		return nil
	}
	return p.await(ctx, report, p.all())
}

func (c cloud) attach(ctx context.Context, f floating, s server, n named) error {
	var out struct{ Ports []port }
	if err := c.get(ctx, network, "/v2.0/ports?device_id="+s.ID+"&network_id="+n.ID, &out); err != nil {
		return err
	}
	if len(out.Ports) == 0 {
		return errors.New("server " + s.Name + " has no port in network " + n.Name)
	}
	body := map[string]any{"floatingip": map[string]any{"port_id": out.Ports[0].ID}}
	return c.do(ctx, http.MethodPut, network, "/v2.0/floatingips/"+f.ID, body, nil)
}

// addresses are the floating ones by server.
func (p *plan) addresses(ctx context.Context) (map[string]string, error) {
	floats, err := p.t.floating(ctx)
	all := map[string]string{}
	for _, f := range floats {
		all[f.device] = f.Address
	}
	return all, err
}
