package hook

import (
	"context"
	"slices"
	"sync"
	"time"
)

// ref is a job of a delivery.
type ref struct {
	id  string
	job int
}

// queue is what is known of deliveries, and which jobs wait. What happens is applied here and
// sent to the journal under one lock, so that both have it in the same order.
type queue struct {
	journal *Journal
	now     func() time.Time

	mu       sync.Mutex
	changed  sync.Cond
	book     *Book
	arriving map[string]chan struct{} // deliveries that are not on disk yet
	tail     map[string]ref           // the last job of each line
	lastRun  map[string]mark          // by line
	lastGood map[string]mark          // by key
	waiting  []ref
	busy     map[string]bool // keys of jobs under way
	later    map[ref]time.Time
	silent   bool // nobody is told
	// dirty are the jobs of which the code registry may not know the latest.
	dirty   map[ref]bool
	dirtied chan struct{}
	telling bool // about one that is not dirty any more
}

func newQueue(journal *Journal, book *Book, now func() time.Time, silent bool) *queue {
	q := &queue{
		silent: silent, tail: map[string]ref{}, lastRun: map[string]mark{}, lastGood: map[string]mark{},
		journal: journal, now: now, book: book, arriving: map[string]chan struct{}{},
		busy: map[string]bool{}, later: map[ref]time.Time{}, dirty: map[ref]bool{}, dirtied: make(chan struct{}, 1),
	}
	q.changed.L = &q.mu
	var started []ref // these go on first: nothing may overtake what was under way
	for _, d := range book.order {
		for i := range d.Jobs {
			r := ref{d.ID, i}
			switch d.Jobs[i].State {
			case Queued:
				q.waiting = append(q.waiting, r)
			case Running:
				started = append(started, r)
			}
			if d.Jobs[i].State != Superseded {
				q.tail[d.line(i)] = r
			}
			q.remember(d, i)
			q.touch(r)
		}
	}
	q.waiting = append(started, q.waiting...)
	return q
}

// record applies an event and sends it to the journal. The lock must be held.
func (q *queue) record(e Event) <-chan error {
	e.Time = q.now().UTC()
	if e.Kind == kindAccepted {
		c := e.Delivery.copy() // the journal encodes it later
		e.Delivery = &c
	}
	q.book.apply(e)
	return q.journal.append(e)
}

// add takes a delivery and returns when it is on disk. fresh is false if it was known.
func (q *queue) add(ctx context.Context, d Delivery) (fresh bool, err error) {
	q.mu.Lock()
	if q.book.byID[d.ID] != nil {
		arriving := q.arriving[d.ID]
		q.mu.Unlock()
		return false, q.arrived(ctx, arriving)
	}
	d.Received = q.now().UTC()
	for i := range d.Jobs {
		d.Jobs[i].Queued = d.Received
		q.settleRepeated(&d, i)
		if d.Jobs[i].State == Queued {
			q.waiting = append(q.waiting, ref{d.ID, i})
		}
	}
	here := make(chan struct{})
	q.arriving[d.ID] = here
	done := q.record(Event{Kind: kindAccepted, Delivery: &d})
	q.mu.Unlock()
	// Not interrupted by ctx: somebody else may wait for the same delivery.
	err = <-done
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.arriving, d.ID)
	close(here)
	if err != nil {
		return true, err
	}
	for i := range d.Jobs {
		if !q.busy[d.key(i)] { // or else release wakes who can take it
			q.changed.Broadcast()
		}
		q.touch(ref{d.ID, i})
	}
	return true, nil
}

func (q *queue) arrived(ctx context.Context, arriving chan struct{}) error {
	if arriving == nil { // on disk, unless the disk took no more
		return q.journal.broken()
	}
	select {
	case <-arriving:
		return q.journal.broken()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// settleRepeated does not run a commit again that the last push of the line is about and that
// has not been run yet: the code registry may tell of one push under two ids.
func (q *queue) settleRepeated(d *Delivery, job int) {
	line := d.line(job)
	last := q.tail[line]
	if other := q.book.byID[last.id]; other != nil && !other.Jobs[last.job].State.Over() && other.After == d.After {
		j := &d.Jobs[job]
		j.State, j.By, j.Ended, j.Message = Superseded, other.ID, d.Received, "the same commit waits or runs already"
		return
	}
	q.tail[line] = ref{d.ID, job}
}

// next waits for a job whose application and environment no other job is at, and reserves these.
func (q *queue) next(ctx context.Context) (ref, bool) {
	stop := context.AfterFunc(ctx, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.changed.Broadcast()
	})
	defer stop()
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		if ctx.Err() != nil {
			return ref{}, false
		}
		for _, r := range q.waiting {
			if key := q.book.byID[r.id].key(r.job); !q.busy[key] && q.arriving[r.id] == nil && !q.now().Before(q.later[r]) {
				q.busy[key] = true
				return r, true
			}
		}
		q.changed.Wait()
	}
}

// release gives the key of a job free again.
func (q *queue) release(r ref) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.busy, q.book.byID[r.id].key(r.job))
	q.changed.Broadcast()
}

// rivals are the waiting jobs of the same line, in the order in which they came. A job that a
// process that was killed had begun has none: what was begun is finished.
func (q *queue) rivals(r ref) []ref {
	q.mu.Lock()
	defer q.mu.Unlock()
	queued := func(w ref) bool { return q.book.byID[w.id].Jobs[w.job].State == Queued && q.arriving[w.id] == nil }
	if !queued(r) {
		return nil
	}
	line := q.book.byID[r.id].line(r.job)
	var all []ref
	for _, w := range q.waiting {
		if q.book.byID[w.id].line(w.job) == line && queued(w) {
			all = append(all, w)
		}
	}
	return all
}

// move brings a job into a state, and returns when that is on disk.
func (q *queue) move(r ref, state State, message, by string) error {
	q.mu.Lock()
	done := q.moved(r, state, message, by)
	q.mu.Unlock()
	return <-done
}

// moved is move without waiting. The lock must be held.
func (q *queue) moved(r ref, state State, message, by string) <-chan error {
	j := q.book.byID[r.id].Jobs[r.job]
	e := Event{Kind: kindMoved, ID: r.id, Job: r.job, State: state, Message: message, By: by, Attempts: j.Attempts}
	if state == Running {
		e.Attempts++
	}
	q.waiting = slices.DeleteFunc(q.waiting, func(w ref) bool { return w == r })
	delete(q.later, r)
	q.touch(r)
	done := q.record(e)
	q.remember(q.book.byID[r.id], r.job)
	return done
}

// again puts a job back, before all others, not to be started before the delay is over.
func (q *queue) again(r ref, message string, delay time.Duration) error {
	q.mu.Lock()
	done := q.moved(r, Queued, message, "")
	q.waiting = append([]ref{r}, q.waiting...)
	q.later[r] = q.now().Add(delay)
	q.mu.Unlock()
	time.AfterFunc(delay, q.broadcast)
	return <-done
}

func (q *queue) broadcast() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.changed.Broadcast()
}

// setTarget notes how a target of a job is.
func (q *queue) setTarget(r ref, t Target) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.record(Event{Kind: kindTarget, ID: r.id, Job: r.job, Target: &t})
	q.touch(r)
}

// replay queues all jobs of a delivery again that are over, and tells how many.
func (q *queue) replay(id string) (int, error) {
	q.mu.Lock()
	d := q.book.byID[id]
	if d == nil {
		q.mu.Unlock()
		return 0, ErrNoDelivery
	}
	var waits []<-chan error
	for i := range d.Jobs {
		if d.Jobs[i].State.Over() {
			waits = append(waits, q.record(Event{Kind: kindReplayed, ID: id, Job: i}))
			q.waiting = append(q.waiting, ref{id, i})
			q.touch(ref{id, i})
		}
	}
	q.changed.Broadcast()
	q.mu.Unlock()
	for _, done := range waits {
		if err := <-done; err != nil {
			return 0, err
		}
	}
	return len(waits), nil
}

// touch marks a job for the reporter. The lock must be held.
func (q *queue) touch(r ref) {
	if q.silent {
		return
	}
	q.dirty[r] = true
	select {
	case q.dirtied <- struct{}{}:
	default:
	}
}

// get is a copy of a delivery, nil if there is none.
func (q *queue) get(id string) *Delivery {
	q.mu.Lock()
	defer q.mu.Unlock()
	d := q.book.byID[id]
	if d == nil {
		return nil
	}
	c := d.copy()
	return &c
}
