package ironic

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ystackdev/ystack/pkg/baremetal"
)

// capacity refuses tasks that there are not enough nodes for, and says of each node that
// could have served why it does not.
func (t *Target) capacity(ctx context.Context, tasks []*task) error {
	need := 0
	for _, k := range tasks {
		if k.allocation == nil || k.replace {
			need++
		}
	}
	if need == 0 {
		return nil
	}
	free, others, err := t.candidates(ctx)
	if err != nil || len(free) >= need {
		return err
	}
	return t.shortage(need, free, others)
}

// candidates are the nodes that Ironic can allocate, and the reasons against all others of
// the resource class. A node that is locked counts: Ironic locks each for a moment now and then.
func (t *Target) candidates(ctx context.Context) (free, others []string, err error) {
	nodes, err := t.client.Nodes(ctx, t.spec.ResourceClass)
	if err != nil {
		return nil, nil, err
	}
	for _, n := range nodes {
		switch why := t.against(n); {
		case why == "" && n.Reservation != "":
			free = append(free, fmt.Sprintf("%s (locked by %s)", n, n.Reservation))
		case why == "":
			free = append(free, n.String())
		default:
			others = append(others, n.String()+" "+why)
		}
	}
	return free, others, nil
}

func (t *Target) against(n *baremetal.Node) string {
	for _, trait := range t.spec.Traits {
		if !slices.Contains(n.Traits, trait) {
			return "lacks " + trait
		}
	}
	return n.Busy()
}

// shortage is the error that there are too few nodes.
func (t *Target) shortage(need int, free, others []string) error {
	kind := "resource class " + t.spec.ResourceClass
	if len(t.spec.Traits) > 0 {
		kind += " with " + strings.Join(t.spec.Traits, ", ")
	}
	text := fmt.Sprintf("%s needs %d more node(s) of %s; ", t.app, need, kind)
	if len(free) > 0 {
		text += "available: " + strings.Join(free, ", ")
	} else {
		text += "none is available"
	}
	const most = 20
	if len(others) > most {
		others = append(others[:most:most], fmt.Sprintf("and %d more", len(others)-most))
	}
	if len(others) > 0 {
		text += "; of the others, " + strings.Join(others, "; ")
	}
	return fmt.Errorf("%s", text)
}
