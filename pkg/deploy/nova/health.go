package nova

import (
	"cmp"
	"context"

	"github.com/ystackdev/ystack/pkg/deploy"
)

// address is where a server is asked for health: its floating address once it has one,
// else its own in the first network.
func (p *plan) address(s server, floats map[string]string) string {
	return cmp.Or(floats[s.ID], s.fixed(p.recipe.networks[0].Name))
}

// question is what a server is asked; nil if it is well once it is ACTIVE.
func (t *Target) question() *deploy.Probe {
	if t.health == nil {
		return nil
	}
	port, path := t.health.Endpoint()
	return &deploy.Probe{Port: port, Path: path}
}

// Endpoints are the servers' addresses, floating ones where there are any.
func (p *plan) Endpoints(ctx context.Context) ([]string, error) {
	d, err := p.see(ctx)
	if err != nil {
		return nil, err
	}
	floats, err := p.addresses(ctx)
	if err != nil {
		return nil, err
	}
	q := p.t.question()
	var all []string
	for n := range p.t.count() {
		s, is := d.keep[n]
		address := p.address(s, floats)
		switch {
		case !is || address == "":
		case q == nil:
			all = append(all, address)
		default:
			all = append(all, q.URL(address))
		}
	}
	return all, nil
}
