package baremetal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/keystone"
)

// Wanted is a node as it is to be, with its controller's password.
type Wanted struct {
	app.BaremetalNode
	Password keystone.Secret // "" for none
}

// Result is what became of a node.
type Result string

// What can become of a node. Without a dry run it is done.
const (
	Enrolled  Result = "enrolled"
	Updated   Result = "updated"
	Unchanged Result = "unchanged"
	Refused   Result = "failed"
)

// Outcome is a node's result, and the state that it is in.
type Outcome struct {
	Node   string
	Result Result
	State  string
	Detail string // for people
	Err    error
}

// Enroller brings nodes to where they can be deployed to. What an earlier attempt has
// done is found by the nodes' names, and gone on with.
type Enroller struct {
	Client   *Client
	DryRun   bool
	Parallel int                      // how many at a time; 0 stands for 16
	Report   func(node, state string) // whenever a node has come to another state
}

// Enroll returns an outcome for each node, in their order.
func (e *Enroller) Enroll(ctx context.Context, nodes []Wanted) []Outcome {
	parallel := e.Parallel
	if parallel == 0 {
		parallel = 16
	}
	outcomes := make([]Outcome, len(nodes))
	free := make(chan struct{}, parallel)
	var all sync.WaitGroup
	for i, w := range nodes {
		free <- struct{}{}
		all.Add(1)
		go func() {
			defer func() { <-free; all.Done() }()
			o := Outcome{Node: w.Name, Result: Unchanged}
			if err := e.one(ctx, w, &o); err != nil {
				o.Result, o.Err = Refused, fmt.Errorf("node %s: %w", w.Name, err)
			}
			outcomes[i] = o
		}()
	}
	all.Wait()
	return outcomes
}

func (e *Enroller) one(ctx context.Context, w Wanted, o *Outcome) error {
	n, err := e.find(ctx, w.Name)
	if err != nil {
		return err
	}
	if n == nil {
		o.Result = Enrolled
		if e.DryRun {
			return nil
		}
		if n, err = e.create(ctx, w); err != nil {
			return err
		}
		e.tell(n)
	}
	o.State = n.State
	if !changeable(n.State) {
		o.Detail = "is " + n.State + ", and left as it is"
		return nil
	}
	changed, err := e.update(ctx, w, n)
	if err != nil {
		return err
	}
	if len(changed) > 0 && o.Result == Unchanged {
		o.Result, o.Detail = Updated, strings.Join(changed, ", ")
	}
	if e.DryRun {
		return nil
	}
	err = e.advance(ctx, n)
	o.State = n.State
	return err
}

// changeable are the states in which nobody uses a node.
func changeable(state string) bool {
	switch state {
	case Enroll, Verifying, Manageable, Cleaning, CleanWait, CleanFailed, Available:
		return true
	}
	return false
}

// find is nil if there is no node of the name.
func (e *Enroller) find(ctx context.Context, name string) (n *Node, err error) {
	err = e.Client.Retry(ctx, func() error {
		n, err = e.Client.Node(ctx, name)
		return err
	})
	if Gone(err) {
		return nil, nil
	}
	return n, err
}

// create makes the node, unless it turns out to be there.
func (e *Enroller) create(ctx context.Context, w Wanted) (n *Node, err error) {
	err = e.Client.Retry(ctx, func() error {
		if n, err = e.Client.Node(ctx, w.Name); !Gone(err) {
			return err
		}
		n = &Node{}
		err = e.Client.do(ctx, http.MethodPost, "/v1/nodes", w.fields(), n)
		if status(err) != http.StatusConflict {
			return err
		}
		there, lookErr := e.Client.Node(ctx, w.Name)
		if lookErr != nil {
			return err
		}
		n = there // by a request of an earlier run
		return nil
	})
	return n, err
}

// advance takes a node to available. An error of Ironic's from before is tried once more;
// one of now is the end.
func (e *Enroller) advance(ctx context.Context, n *Node) error {
	tried := map[string]bool{}
	for {
		err := e.Client.Retry(ctx, func() error {
			fresh, err := e.Client.Node(ctx, n.UUID)
			if err != nil {
				return err
			}
			moved := fresh.State != n.State
			*n = *fresh
			if moved {
				e.tell(n)
			}
			return e.push(ctx, n, tried)
		})
		if err != nil || n.State == Available {
			return err
		}
		if err := e.Client.Pause(ctx); err != nil {
			return fmt.Errorf("is %s: %w", n.State, err)
		}
	}
}

// push tells Ironic to take the node one state further.
func (e *Enroller) push(ctx context.Context, n *Node, tried map[string]bool) error {
	target := ""
	switch n.State {
	case Available, Verifying, Cleaning, CleanWait:
		return nil
	case Enroll, CleanFailed:
		target = "manage"
	case Manageable:
		target = "provide"
	default:
		return fmt.Errorf("is %s, from which it does not become available", n.State)
	}
	switch {
	case tried[n.State]:
		return fmt.Errorf("%s: %s", map[string]string{
			Enroll: "Ironic cannot verify it", Manageable: "Ironic does not take it further", CleanFailed: "Ironic cannot clean it",
		}[n.State], cmp.Or(Line(n.LastError), "it gives no reason"))
	case n.Maintenance:
		return fmt.Errorf("is %s and %s; end that first (openstack baremetal node maintenance unset %s)", n.State, maintenance(n), n)
	}
	if n.State == Manageable && n.Power == "" {
		// Drivers that cannot tell take what they are told; a node without is never allocated.
		return e.Client.do(ctx, http.MethodPut, "/v1/nodes/"+n.UUID+"/states/power", map[string]string{"target": "power off"}, nil)
	}
	if err := e.Client.Provision(ctx, n, target, nil); err != nil {
		return err
	}
	tried[n.State] = true
	return nil
}

func (e *Enroller) tell(n *Node) {
	if e.Report != nil {
		e.Report(n.String(), n.State)
	}
}

// ports are the MAC addresses that a node has, in lower case.
func (c *Client) ports(ctx context.Context, n *Node) ([]string, error) {
	var out struct{ Ports []struct{ Address string } }
	err := c.Retry(ctx, func() error {
		return c.do(ctx, http.MethodGet, "/v1/ports?fields=address&node="+url.QueryEscape(n.UUID), nil, &out)
	})
	var all []string
	for _, p := range out.Ports {
		all = append(all, strings.ToLower(p.Address))
	}
	return all, err
}

var errTaken = errors.New("another node has the network card")

// addPort gives a node a network card. Ironic knows each card once.
func (c *Client) addPort(ctx context.Context, n *Node, address string) error {
	err := c.Retry(ctx, func() error {
		return c.do(ctx, http.MethodPost, "/v1/ports", map[string]any{"node_uuid": n.UUID, "address": address}, nil)
	})
	if status(err) != http.StatusConflict {
		return err
	}
	if have, listErr := c.ports(ctx, n); listErr != nil || contains(have, address) {
		return listErr // the answer to an earlier attempt was lost
	}
	return fmt.Errorf("%w %s: %w", errTaken, address, err)
}
