package hook

import (
	"fmt"
	"io"
	"sync/atomic"
)

// answers that metrics tell apart.
const (
	answerAccepted = iota
	answerDuplicate
	answerIgnored
	answerRefused
	answerUnavailable
	answers
)

var answerNames = [answers]string{"accepted", "duplicate", "ignored", "refused", "unavailable"}

var settledStates = [...]State{Succeeded, Failed, Superseded, Skipped}

// metrics are few and of fixed labels, so they are written by hand: the Prometheus client library
// would make the binary a tenth bigger.
type metrics struct {
	deliveries     [answers]atomic.Uint64
	jobs           [len(settledStates)]atomic.Uint64
	running        atomic.Int64
	statuses       atomic.Uint64
	statusFailures atomic.Uint64
	found          atomic.Uint64
}

func (m *metrics) settled(state State) {
	for i, s := range settledStates {
		if s == state {
			m.jobs[i].Add(1)
		}
	}
}

const metricPrefix = "ystack_hook_"

// WriteMetrics writes the metrics in Prometheus' text format.
func (s *Server) WriteMetrics(w io.Writer) {
	m := &s.metrics
	head(w, "deliveries_total", "Deliveries by how they were answered.", "counter")
	for i, name := range answerNames {
		fmt.Fprintf(w, "%sdeliveries_total{answer=%q} %d\n", metricPrefix, name, m.deliveries[i].Load())
	}
	head(w, "jobs_total", "Jobs that are over.", "counter")
	for i, state := range settledStates {
		fmt.Fprintf(w, "%sjobs_total{state=%q} %d\n", metricPrefix, state, m.jobs[i].Load())
	}
	waiting, oldest := s.queue.backlog()
	single(w, "jobs_waiting", "Jobs that have not been started.", "gauge", waiting)
	single(w, "jobs_oldest_waiting_seconds", "How long the oldest of them waits.", "gauge", oldest)
	single(w, "jobs_running", "Jobs under way.", "gauge", m.running.Load())
	single(w, "statuses_total", "Commit statuses that the code registry has taken.", "counter", m.statuses.Load())
	single(w, "status_failures_total", "Attempts to report a commit status that failed.", "counter", m.statusFailures.Load())
	single(w, "missed_deliveries_total", "Pushes that no delivery told of when they were made.", "counter", m.found.Load())
	single(w, "journal_bytes", "Size of the journal.", "gauge", s.journal.size.Load())
	single(w, "journal_syncs_total", "How often the journal was synced to disk.", "counter", s.journal.syncs.Load())
}

func head(w io.Writer, name, help, kind string) {
	fmt.Fprintf(w, "# HELP %[1]s%[2]s %[3]s\n# TYPE %[1]s%[2]s %[4]s\n", metricPrefix, name, help, kind)
}

func single(w io.Writer, name, help, kind string, value any) {
	head(w, name, help, kind)
	fmt.Fprintf(w, "%s%s %v\n", metricPrefix, name, value)
}

// backlog tells how many jobs wait, and how long the oldest has, in seconds.
func (q *queue) backlog() (waiting int, oldest float64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.now()
	for _, r := range q.waiting {
		if j := q.book.byID[r.id].Jobs[r.job]; j.State == Queued {
			waiting++
			oldest = max(oldest, now.Sub(j.Queued).Seconds())
		}
	}
	return waiting, oldest
}
