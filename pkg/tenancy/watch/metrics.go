package watch

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ystackdev/ystack/pkg/exposition"

	"github.com/ystackdev/ystack/pkg/tenancy"
)

// buckets are seconds, from a small cloud's round to a large one's first.
var buckets = [...]float64{.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 180, 600}

// metrics are those of the rounds.
type metrics struct {
	mu       sync.Mutex
	outcomes [interrupted]uint64
	changes  map[string]uint64        // by labels
	took     [len(buckets) + 1]uint64 // the last is all that is longer
	seconds  float64
	round    time.Time // the end of the last that was counted
	good     time.Time // and of the last that did what can be done
	config   bool      // can be read

	namespaces, held, conflicts, unmade int // of the last plan
}

func newMetrics() *metrics {
	m := &metrics{config: true, changes: map[string]uint64{}}
	for _, c := range []struct {
		kind    string
		actions []tenancy.Action
	}{
		{"namespace", []tenancy.Action{tenancy.Create, tenancy.Update, tenancy.Quarantine, tenancy.Delete}},
		{"rolebinding", []tenancy.Action{tenancy.Create, tenancy.Update, tenancy.Revoke, tenancy.Replace}},
		{"secret", []tenancy.Action{tenancy.Create, tenancy.Update, tenancy.Revoke}},
		{"clusterrolebinding", []tenancy.Action{tenancy.Create, tenancy.Update, tenancy.Revoke, tenancy.Replace}},
	} {
		for _, a := range c.actions {
			m.changes[changeLabels(a, c.kind)] = 0
		}
	}
	return m
}

func changeLabels(a tenancy.Action, kind string) string {
	return fmt.Sprintf("action=%q,kind=%q", string(a), kind)
}

func (m *metrics) setConfig(good bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.config = good
}

func (m *metrics) change(c tenancy.Change) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.changes[changeLabels(c.Action, kindOf(c))]++
}

// rounds is how many were counted.
func (m *metrics) rounds() (n uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, some := range m.outcomes {
		n += some
	}
	return n
}

// note counts a round.
func (m *metrics) note(r result, began, ended time.Time) {
	if r.outcome == interrupted {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.outcomes[r.outcome]++
	seconds := ended.Sub(began).Seconds()
	i, _ := slices.BinarySearch(buckets[:], seconds)
	m.took[i]++
	m.seconds += seconds
	m.round = ended
	if r.outcome == done || r.outcome == left {
		m.good = ended
	}
	if r.plan != nil {
		m.namespaces, m.held, m.conflicts = r.plan.Namespaces, len(r.plan.Held), len(r.plan.Conflicts)
		m.unmade = len(r.plan.Changes) - r.made
	}
}

// write writes Prometheus' text format.
func (m *metrics) write(w io.Writer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := exposition.Writer{To: w, Prefix: prefix}
	e.Head("rounds_total", "Rounds by what came of them: all done; something left undone; changes failed; nothing known or possible.", "counter")
	for o, n := range m.outcomes {
		e.Sample("rounds_total", fmt.Sprintf("outcome=%q", outcome(o)), float64(n))
	}
	e.Head("changes_total", "Objects changed.", "counter")
	for _, labels := range slices.Sorted(maps.Keys(m.changes)) {
		e.Sample("changes_total", labels, float64(m.changes[labels]))
	}
	e.Histogram("round_duration_seconds", "Time that a round takes.", buckets[:], m.took[:], m.seconds)
	e.Single("last_round_timestamp_seconds", "When the last round ended, 0 for never.", "gauge", exposition.Unix(m.round))
	e.Single("last_success_timestamp_seconds", "When the last round ended that did all it may, 0 for never.", "gauge", exposition.Unix(m.good))
	e.Single("namespaces", "Projects that have a namespace.", "gauge", float64(m.namespaces))
	e.Single("held_changes", "Removals that the last plan holds back, since they are more than the caps allow.", "gauge", float64(m.held))
	e.Single("conflicts", "Projects and objects that the last plan leaves alone, since they need a person.", "gauge", float64(m.conflicts))
	e.Single("unmade_changes", "Changes of the last plan that failed, or were not tried.", "gauge", float64(m.unmade))
	config := 0.0
	if m.config {
		config = 1
	}
	e.Single("config_last_reload_successful", "Whether the TenantSync could be read the last time.", "gauge", config)
}

const prefix = "ystack_tenant_sync_"
