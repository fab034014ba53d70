package hook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Work is a job that is to be done.
type Work struct {
	Delivery string
	Push
	Job
	// Last is the commit that the last run for the same branch and environment was about, LastBy
	// its delivery; Base is the commit that was brought there last. Empty if there is none.
	Last, LastBy, Base string
}

// Result is what came of work. Queued wants another attempt later.
type Result struct {
	State   State
	Message string
	By      string // with Superseded: the delivery that did it
}

// Runner does the work.
type Runner interface {
	// Run does it, and reports its targets as they go. It must stop when the context ends, and
	// may be called again for the same work after it was stopped or killed.
	Run(ctx context.Context, w Work, report func(Target)) Result
	// Choose tells which of several pushes to a branch is the newest. They are in the order in
	// which they came.
	Choose(ctx context.Context, waiting []Work) (int, error)
}

// Options of a [Server].
type Options struct {
	// Dir holds the journal.
	Dir    string
	Routes Routes
	Secret Secret

	// Supersede runs, of several pushes to a branch that wait, the newest only.
	Supersede bool
	// Workers is how many jobs run at a time.
	Workers int
	// Registry is told how jobs go; nil tells nobody.
	Registry *Registry
	// URL is where the code registry delivers to, as its hooks have it: to find deliveries that were missed.
	URL string

	MaxBody int64 // of a delivery, in bytes
	Keep    int   // how many deliveries that are over are remembered at least
	// Grace is how long jobs may take after the end was asked for.
	Grace time.Duration

	Now func() time.Time
	Log *slog.Logger
}

const (
	// journalLimit is the size from which on the journal is written anew.
	journalLimit = 16 << 20
	maxAttempts  = 10
)

// Server accepts deliveries and works them off.
type Server struct {
	o        Options
	runner   Runner
	log      *slog.Logger
	journal  *Journal
	queue    *queue
	pings    pings
	metrics  metrics
	inFlight chan struct{}
	draining atomic.Bool
}

// NewServer reads the journal. The server must be closed if it is not served.
func NewServer(o Options) (*Server, error) {
	if len(o.Secret.value) == 0 {
		return nil, ErrEmptySecret
	}
	if o.Workers < 1 || o.MaxBody < 1 || o.Keep < 1 {
		return nil, errors.New("the number of workers, the longest payload and the number of deliveries kept must be 1 or more")
	}
	book := newBook()
	journal, err := openJournal(o.Dir, book, o.Log)
	if err != nil {
		return nil, err
	}
	s := &Server{o: o, log: o.Log, journal: journal, inFlight: make(chan struct{}, maxInFlight)}
	s.queue = newQueue(journal, book, o.Now, o.Registry == nil)
	journal.start(journalLimit, func() []Event { return s.queue.compact(o.Keep) })
	if n := len(s.queue.waiting); n > 0 {
		s.log.Info("deliveries that were not over go on", "jobs", n)
	}
	return s, nil
}

// Handle says who does the work. It must be called before Serve.
func (s *Server) Handle(r Runner) { s.runner = r }

// Close ends what Serve did not.
func (s *Server) Close() error { return s.journal.close() }

// work does jobs until the context ends; run is the context of what has been started.
func (s *Server) work(ctx, run context.Context) {
	var workers sync.WaitGroup
	for range s.o.Workers {
		workers.Go(func() {
			for {
				r, ok := s.queue.next(ctx)
				if !ok {
					return
				}
				s.process(run, r)
				s.queue.release(r)
			}
		})
	}
	workers.Wait()
}

// process does the job, or, of all that wait for the same branch, the newest.
func (s *Server) process(ctx context.Context, r ref) {
	if rivals := s.queue.rivals(r); s.o.Supersede && len(rivals) > 1 {
		works := make([]Work, len(rivals))
		for i, rival := range rivals {
			works[i] = s.assemble(rival)
		}
		i, err := s.runner.Choose(ctx, works)
		if err != nil {
			s.log.Warn("which push is the newest cannot be told; the first goes first", "error", err.Error())
		} else if !s.supersede(rivals, i) {
			return
		} else {
			r = rivals[i]
		}
	}
	s.run(ctx, r)
}

// supersede settles all but the chosen one.
func (s *Server) supersede(rivals []ref, chosen int) bool {
	by := rivals[chosen].id
	for i, r := range rivals {
		if i == chosen {
			continue
		}
		if err := s.queue.move(r, Superseded, "a newer push to the branch waited too", by); err != nil {
			return false
		}
		s.metrics.settled(Superseded)
		s.log.Info("superseded", "delivery", r.id, "by", by)
	}
	return true
}

// assemble is the job with what it has to know of others.
func (s *Server) assemble(r ref) Work {
	q := s.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	d := q.book.byID[r.id].copy()
	w := Work{Delivery: d.ID, Push: d.Push, Job: d.Jobs[r.job]}
	last := q.lastRun[d.line(r.job)]
	w.Last, w.LastBy, w.Base = last.commit, last.id, q.lastGood[d.key(r.job)].commit
	return w
}

func (s *Server) run(ctx context.Context, r ref) {
	if ctx.Err() != nil || s.queue.move(r, Running, "", "") != nil {
		return
	}
	w := s.assemble(r)
	log := s.log.With("delivery", w.Delivery, "repository", w.Repository, "branch", w.Branch, "commit", w.After, "directory", w.Directory)
	log.Info("started", "attempt", w.Attempts)
	s.metrics.running.Add(1)
	result := s.runner.Run(ctx, w, func(t Target) { s.queue.setTarget(r, t) })
	s.metrics.running.Add(-1)
	switch {
	case ctx.Err() != nil && result.State != Succeeded:
		log.Info("interrupted; the next start takes it up")
		return
	case result.State == Queued && w.Attempts < maxAttempts:
		delay := backoff(w.Attempts)
		log.Warn("will be tried again", "in", delay.String(), "error", result.Message)
		_ = s.queue.again(r, result.Message, delay)
		return
	case result.State == Queued:
		result = Result{State: Failed, Message: fmt.Sprintf("%s (the last of %d attempts)", result.Message, w.Attempts)}
	}
	if s.queue.move(r, result.State, result.Message, result.By) == nil {
		s.metrics.settled(result.State)
		log.Info("over", "state", string(result.State), "message", result.Message)
	}
}

// backoff is how long to wait after so many attempts.
func backoff(attempts int) time.Duration {
	return min(2*time.Second<<min(attempts-1, 10), 5*time.Minute)
}
