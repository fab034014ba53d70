package hook

import (
	"io"
	"sync/atomic"

	"github.com/ystackdev/ystack/pkg/exposition"
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

// metrics are few and of fixed labels.
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
	m, e := &s.metrics, exposition.Writer{To: w, Prefix: metricPrefix}
	e.Head("deliveries_total", "Deliveries by how they were answered.", "counter")
	for i, name := range answerNames {
		e.Sample("deliveries_total", `answer="`+name+`"`, float64(m.deliveries[i].Load()))
	}
	e.Head("jobs_total", "Jobs that are over.", "counter")
	for i, state := range settledStates {
		e.Sample("jobs_total", `state="`+string(state)+`"`, float64(m.jobs[i].Load()))
	}
	waiting, oldest := s.queue.backlog()
	e.Single("jobs_waiting", "Jobs that have not been started.", "gauge", float64(waiting))
	e.Single("jobs_oldest_waiting_seconds", "How long the oldest of them waits.", "gauge", float64(oldest))
	e.Single("jobs_running", "Jobs under way.", "gauge", float64(m.running.Load()))
	e.Single("statuses_total", "Commit statuses that the code registry has taken.", "counter", float64(m.statuses.Load()))
	e.Single("status_failures_total", "Attempts to report a commit status that failed.", "counter", float64(m.statusFailures.Load()))
	e.Single("missed_deliveries_total", "Pushes that no delivery told of when they were made.", "counter", float64(m.found.Load()))
	e.Single("journal_bytes", "Size of the journal.", "gauge", float64(s.journal.size.Load()))
	e.Single("journal_syncs_total", "How often the journal was synced to disk.", "counter", float64(s.journal.syncs.Load()))
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
