package nova

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ystackdev/ystack/pkg/deploy"
)

// await waits until the servers of these ordinals are ACTIVE and answer. It ends at once
// when one of them will not.
func (p *plan) await(ctx context.Context, report deploy.Report, ordinals []int) error {
	slices.Sort(ordinals)
	w := p.watch(ordinals)
	if w.question == nil && p.t.health != nil {
		report("servers count as well once they are ACTIVE: their health is not asked for")
	}
	var reported []deploy.Item
	for {
		d, err := p.see(ctx)
		if err != nil {
			return err
		}
		items, err := w.states(ctx, d)
		if items != nil && !reflect.DeepEqual(items, reported) {
			reported = items
			report(summary(items), items...)
		}
		if err != nil || !slices.ContainsFunc(items, waiting) {
			return err
		}
		if cause := deploy.Pause(ctx, 2*time.Second); cause != nil {
			return fmt.Errorf("%w; %s", cause, unwell(items))
		}
	}
}

// watch is what waiting remembers of servers, by their ids.
type watch struct {
	*plan
	ordinals []int
	question *deploy.Probe

	mu     sync.Mutex
	active map[string]time.Time // since when
	well   map[string]bool      // it has answered
}

func (p *plan) watch(ordinals []int) *watch {
	return &watch{plan: p, ordinals: ordinals, question: p.t.question(), active: map[string]time.Time{}, well: map[string]bool{}}
}

// The states of a server that are not Nova's.
const (
	stateWell   = "well"
	stateSilent = "ACTIVE, not well"
)

// silence is for how long a server may be ACTIVE before it is well.
const silence = 10 * time.Minute

// transitional are states that a server comes out of by itself, or because it was woken.
var transitional = []string{"BUILD", "REBUILD", "REBOOT", "HARD_REBOOT", statusOff, "UNKNOWN"}

func waiting(i deploy.Item) bool { return i.State != stateWell }

// states are those of the servers; those that are ACTIVE are asked all at once.
func (w *watch) states(ctx context.Context, d decision) ([]deploy.Item, error) {
	addresses, err := w.addresses(ctx)
	if err != nil {
		return nil, err
	}
	items := make([]deploy.Item, len(w.ordinals))
	errs := make([]error, len(w.ordinals))
	var asking sync.WaitGroup
	for i, n := range w.ordinals {
		s, is := d.keep[n]
		if !is {
			items[i], errs[i] = w.lost(ctx, d, n)
			continue
		}
		asking.Go(func() { items[i], errs[i] = w.judge(ctx, s, w.address(s, addresses)) })
	}
	asking.Wait()
	for _, err := range errs {
		if err != nil {
			return items, err
		}
	}
	return items, nil
}

// judge is the state of a server. An error says that waiting is of no use.
func (w *watch) judge(ctx context.Context, s server, address string) (deploy.Item, error) {
	i := item(s)
	busy := s.Task != "" || slices.Contains(transitional, s.Status)
	w.mu.Lock()
	well, since := w.well[s.ID] && !busy, w.active[s.ID]
	if busy || since.IsZero() {
		since = time.Now()
	}
	w.well[s.ID], w.active[s.ID] = well, since
	w.mu.Unlock()
	switch {
	case busy:
		return i, nil
	case s.Status != statusActive:
		return i, fmt.Errorf("server %s (%s) is %s, which somebody has done to it; bring it back to ACTIVE, or delete it, and deploy again", s.Name, s.ID, s.Status)
	case w.question != nil && !well:
		if err := w.question.Ask(ctx, address); err != nil {
			i.State, i.Detail = stateSilent, err.Error()
			if time.Since(since) > silence {
				err = fmt.Errorf("server %s (%s) is ACTIVE for %s and not well: %w; see its console log, and whether its network and security groups let this machine in", s.Name, s.ID, silence, err)
				return i, err
			}
			return i, nil
		}
		w.mu.Lock()
		w.well[s.ID] = true
		w.mu.Unlock()
	}
	i.State = stateWell
	return i, nil
}

// lost is why there is no server of an ordinal.
func (p *plan) lost(ctx context.Context, d decision, ordinal int) (deploy.Item, error) {
	for _, s := range slices.Concat(d.first, d.rebuild) {
		if s.ordinal != ordinal || !s.broken() {
			continue
		}
		hint := "those that ran before still do; mend the cause and deploy again, or roll back"
		if p.inPlace() {
			hint = "mend the cause and deploy again, or roll back"
		}
		s.Fault.Message = p.t.cloud.cause(ctx, s)
		return item(s), fmt.Errorf("server %s (%s) went to %s; %s", s.Name, s.ID, s.trouble(), hint)
	}
	name := p.name(ordinal)
	return deploy.Item{Name: name, State: "DELETED"}, fmt.Errorf("server %s was deleted while it was waited for; deploy again", name)
}

// cause is a server's fault, which Nova may write down a moment after the state.
func (c cloud) cause(ctx context.Context, s server) string {
	for range 10 {
		if s.Fault.Message != "" || deploy.Pause(ctx, 500*time.Millisecond) != nil {
			break
		}
		var out struct{ Server server }
		if c.get(ctx, compute, serverPath(s.ID), &out) != nil {
			break
		}
		s.Fault = out.Server.Fault
	}
	return s.Fault.Message
}

func (s server) broken() bool { return s.Status == statusError }

func summary(items []deploy.Item) string {
	n := 0
	for _, i := range items {
		if !waiting(i) {
			n++
		}
	}
	return fmt.Sprintf("%d of %d servers are well", n, len(items))
}

// unwell names the servers that are waited for.
func unwell(items []deploy.Item) string {
	var all []string
	for _, i := range items {
		if waiting(i) {
			all = append(all, "server "+i.Name+" is "+told(i))
		}
	}
	return strings.Join(all, "; ")
}

func told(i deploy.Item) string {
	if i.Detail == "" {
		return i.State
	}
	return i.State + ": " + i.Detail
}
