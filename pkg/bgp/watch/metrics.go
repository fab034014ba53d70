package watch

import (
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/ystackdev/ystack/pkg/bgp"
	"github.com/ystackdev/ystack/pkg/exposition"
)

const prefix = "ystack_advertise_clusterip_"

// buckets are seconds, from a small cluster's round to one that waits for its turn.
var buckets = [...]float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}

// metrics are those of the rounds.
type metrics struct {
	mu       sync.Mutex
	outcomes [failed + 1]uint64
	changes  map[string]uint64        // by action
	took     [len(buckets) + 1]uint64 // the last is all that is longer
	seconds  float64
	round    time.Time // the end of the last
	good     time.Time // and of the last that did not fail
	entries  map[bgp.List]int
	left     int
}

func newMetrics() *metrics {
	return &metrics{changes: map[string]uint64{}, entries: map[bgp.List]int{}}
}

// note counts a round, and reports whether it is the first.
func (m *metrics) note(r bgp.Round, o outcome, ended time.Time) (first bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	first = m.round.IsZero()
	m.outcomes[o]++
	i, _ := slices.BinarySearch(buckets[:], r.Took.Seconds())
	m.took[i]++
	m.seconds += r.Took.Seconds()
	m.round = ended
	if o == failed {
		return first
	}
	m.good, m.left = ended, len(r.Plan.Problems)
	for _, c := range r.Plan.Entries() {
		m.changes[c.Action]++
	}
	for _, l := range bgp.Lists() {
		m.entries[l] = r.Plan.Advertised(l)
	}
	return first
}

// write writes Prometheus' text format.
func (m *metrics) write(w io.Writer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := exposition.Writer{To: w, Prefix: prefix}
	e.Head("rounds_total", "Rounds by what came of them: all done; some Services left alone; nothing known or possible.", "counter")
	for o, n := range m.outcomes {
		e.Sample("rounds_total", fmt.Sprintf("outcome=%q", outcome(o)), float64(n))
	}
	e.Head("changes_total", "Entries of the BGPConfiguration that were added or removed.", "counter")
	for _, action := range []string{"add", "remove"} {
		e.Sample("changes_total", fmt.Sprintf("action=%q", action), float64(m.changes[action]))
	}
	e.Histogram("round_duration_seconds", "Time that a round takes.", buckets[:], m.took[:], m.seconds)
	e.Single("last_round_timestamp_seconds", "When the last round ended, 0 for never.", "gauge", exposition.Unix(m.round))
	e.Single("last_success_timestamp_seconds", "When the last round ended that did not fail, 0 for never.", "gauge", exposition.Unix(m.good))
	e.Head("entries", "Entries of the BGPConfiguration that are ystack's.", "gauge")
	for _, l := range bgp.Lists() {
		e.Sample("entries", fmt.Sprintf("list=%q", string(l)), float64(m.entries[l]))
	}
	e.Single("left_services", "Addresses of Services that are meant and cannot be advertised.", "gauge", float64(m.left))
}
