package watch

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/ystackdev/ystack/pkg/tenancy"
)

// buckets are seconds, from a small cloud's round to a large one's first.
var buckets = [...]float64{.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 180, 600}

// metrics are few, so they are written by hand: the Prometheus client library would make
// the binary a tenth bigger.
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
	e := exposition{w}
	e.head("rounds_total", "Rounds by what came of them: all done; something left undone; changes failed; nothing known or possible.", "counter")
	for o, n := range m.outcomes {
		e.sample("rounds_total", fmt.Sprintf("{outcome=%q}", outcome(o)), float64(n))
	}
	e.head("changes_total", "Objects changed.", "counter")
	for _, labels := range slices.Sorted(maps.Keys(m.changes)) {
		e.sample("changes_total", "{"+labels+"}", float64(m.changes[labels]))
	}
	e.head("round_duration_seconds", "Time that a round takes.", "histogram")
	var sum uint64
	for i, n := range m.took {
		sum += n
		le := "+Inf"
		if i < len(buckets) {
			le = number(buckets[i])
		}
		e.sample("round_duration_seconds_bucket", fmt.Sprintf("{le=%q}", le), float64(sum))
	}
	e.sample("round_duration_seconds_sum", "", m.seconds)
	e.sample("round_duration_seconds_count", "", float64(sum))
	e.gauge("last_round_timestamp_seconds", "When the last round ended, 0 for never.", unix(m.round))
	e.gauge("last_success_timestamp_seconds", "When the last round ended that did all it may, 0 for never.", unix(m.good))
	e.gauge("namespaces", "Projects that have a namespace.", float64(m.namespaces))
	e.gauge("held_changes", "Removals that the last plan holds back, since they are more than the caps allow.", float64(m.held))
	e.gauge("conflicts", "Projects and objects that the last plan leaves alone, since they need a person.", float64(m.conflicts))
	e.gauge("unmade_changes", "Changes of the last plan that failed, or were not tried.", float64(m.unmade))
	config := 0.0
	if m.config {
		config = 1
	}
	e.gauge("config_last_reload_successful", "Whether the TenantSync could be read the last time.", config)
}

func unix(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}

// exposition writes Prometheus' text format.
type exposition struct{ io.Writer }

const prefix = "ystack_tenant_sync_"

func (e exposition) head(name, help, kind string) {
	fmt.Fprintf(e, "# HELP %[1]s%[2]s %[3]s\n# TYPE %[1]s%[2]s %[4]s\n", prefix, name, help, kind)
}

func (e exposition) sample(name, labels string, value float64) {
	fmt.Fprintf(e, "%s%s%s %s\n", prefix, name, labels, number(value))
}

func (e exposition) gauge(name, help string, value float64) {
	e.head(name, help, "gauge")
	e.sample(name, "", value)
}

func number(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }
