package bgp

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	awaitInterval = 2 * time.Second  // between two rounds of questions to the nodes
	answerLimit   = 15 * time.Second // for the nodes to answer one, even on a busy cluster
)

// addPeer makes the peer, and waits until a node speaks with it. If none does
// within wait, it is taken away again: nothing has changed. Where nobody can
// tell, it stays.
func (c *Cluster) addPeer(ctx context.Context, n PlannedPeer, p *Plan, wait time.Duration) error {
	if err := c.createPeer(ctx, n.object, p.after, false); err != nil {
		return err
	}
	if wait <= 0 {
		return nil
	}
	err := c.awaitSession(ctx, n.NewPeer, p.facts, wait)
	if err != nil {
		undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		if failed := c.deletePeer(undo, n.Name(), "", false); failed != nil {
			return fmt.Errorf("%w; and BGPPeer %s, made for it, could not be removed: %w", err, n.Name(), failed)
		}
	}
	return err
}

// awaitSession asks the nodes until one speaks with the peer.
func (c *Cluster) awaitSession(ctx context.Context, n NewPeer, f *Facts, wait time.Duration) error {
	over := time.Now().Add(wait)
	for {
		reports, err := c.AskNodes(ctx, f.nodeNames(), NoRoutes, answerLimit)
		if err != nil {
			if _, expected := explainSilence(err); expected {
				return nil
			}
			return err
		}
		nodes, states := sessions(reports, n.IP.String())
		switch {
		case len(nodes) > 0 || len(reports) == 0:
			return nil
		case time.Now().After(over):
			return &failure{ErrNoSession, fmt.Sprintf("no session with peer %s within %v (%s), so it was removed again; "+
				"check address, AS number, %s and node selector, that TCP port 179 is open, and that the router expects the nodes",
				n, wait, few(states), n.password())}
		}
		if err := pause(ctx, awaitInterval); err != nil {
			return err
		}
	}
}

// sessions are the nodes that speak with a peer, and how it is with the others.
func sessions(reports map[string]NodeReport, peerIP string) (nodes, states []string) {
	for name, r := range reports {
		i := slices.IndexFunc(r.Sessions, func(s Session) bool { return s.PeerIP == peerIP })
		switch {
		case i < 0:
			states = append(states, name+" has no such peer")
		case r.Sessions[i].State == "Established":
			nodes = append(nodes, name)
		default:
			states = append(states, name+": "+r.Sessions[i].State)
		}
	}
	slices.Sort(nodes)
	slices.Sort(states)
	return nodes, states
}

// Await waits until every address of these Services, or of all that are meant,
// is announced, and returns how they are. What nobody can tell is not waited for.
func (c *Cluster) Await(ctx context.Context, services []string, wait time.Duration) ([]ServiceStatus, error) {
	over := time.Now().Add(wait)
	for {
		status, err := c.Status(ctx, false, SomeRoutes, answerLimit)
		if err != nil {
			return nil, err
		}
		rows := slices.DeleteFunc(status.Services, func(s ServiceStatus) bool { return !s.Meant || !slices.Contains(services, s.Service) })
		var late []string
		for _, r := range rows {
			if r.Advertised == No {
				late = append(late, fmt.Sprintf("%s of %s: %s", r.Address, r.Service, r.Why))
			}
		}
		if len(late) == 0 {
			return rows, nil
		}
		if time.Now().After(over) {
			return rows, &failure{ErrNotAdvertised, fmt.Sprintf("configured, but not announced after %v: %s", wait, strings.Join(late, "; "))}
		}
		if err := pause(ctx, awaitInterval); err != nil {
			return nil, err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
