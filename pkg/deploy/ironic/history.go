package ironic

import (
	"context"
	"fmt"
	"sort"
	"strings"

	"github.com/ystackdev/ystack/pkg/baremetal"
	"github.com/ystackdev/ystack/pkg/deploy"
)

// Running is what a node says of the release on it, which any application may have put
// there; its App is "" if none has.
func Running(n *baremetal.Node) deploy.Entry {
	r := read(n)
	return deploy.Entry{Release: r.Release, Number: r.Number, Current: r.App != "", State: r.state(n)}
}

func (r record) state(n *baremetal.Node) string {
	switch {
	case n.State == baremetal.DeployFailed || n.State == baremetal.Failed:
		return deploy.StateFailed
	case r.begun == "" && n.State == baremetal.Active:
		return deploy.StateReady
	}
	return deploy.StateProgressing
}

// History lists what the nodes say was deployed, newest first. Each remembers what was on
// it, so that a release is known for as long as one of its nodes is.
func (t *Target) History(ctx context.Context) ([]deploy.Entry, error) {
	slots, err := t.observe(ctx)
	if err != nil {
		return nil, err
	}
	known := map[int64]deploy.Entry{}
	remember := func(e entry) {
		old, there := known[e.Number]
		if !there || e.Deployed.After(old.Deployed) {
			known[e.Number] = deploy.Entry{Release: e.Release, Number: e.Number, State: deploy.StateSuperseded}
		}
	}
	for _, s := range slots {
		if s.record.App == "" {
			continue
		}
		remember(s.record.entry)
		for _, e := range s.record.past {
			remember(e)
		}
	}
	if len(known) == 0 {
		return nil, fmt.Errorf("%w: no node of %s has anything of application %q on it", deploy.ErrNotDeployed, t.Place(), t.app)
	}
	entries := make([]deploy.Entry, 0, len(known))
	for _, e := range known {
		entries = append(entries, e)
	}
	sort.Slice(entries, func(i, j int) bool { return entries[i].Number > entries[j].Number })
	entries[0].Current, entries[0].State = true, t.state(slots, entries[0].Number)
	return entries, nil
}

// state is how far the newest release is, over all slots that there are to be.
func (t *Target) state(slots []*slot, number int64) string {
	count, there := t.count(), 0
	if t.spec.ResourceClass == "" {
		count = len(slots) // nobody has said how many there are to be
	}
	for _, s := range slots {
		switch {
		case s.ordinal >= count:
		case s.node == nil:
			return deploy.StateProgressing
		case s.record.state(s.node) == deploy.StateFailed:
			return deploy.StateFailed
		case s.record.Number == number && s.record.state(s.node) == deploy.StateReady:
			there++
		}
	}
	if there < count {
		return deploy.StateProgressing
	}
	return deploy.StateReady
}

// Rollback plans going back to an entry of the history, which becomes its newest one.
func (t *Target) Rollback(ctx context.Context, number int64) (deploy.Plan, error) {
	entries, err := t.History(ctx)
	if err != nil {
		return nil, err
	}
	var there []string
	for _, e := range entries {
		if number == 0 && !e.Current || number != 0 && e.Number == number {
			return t.Plan(ctx, e.Release)
		}
		there = append(there, fmt.Sprint(e.Number))
	}
	if number == 0 {
		return nil, fmt.Errorf("%w: %s has had only one release on nodes of %s", deploy.ErrNoRevision, t.app, t.Place())
	}
	return nil, fmt.Errorf("%w: %s has no revision %d on nodes of %s; it has %s", deploy.ErrNoRevision, t.app, number, t.Place(), strings.Join(there, ", "))
}
