package hook

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	reportTimeout = 15 * time.Second
	// reportAge is how long a status that cannot be reported is tried.
	reportAge = 24 * time.Hour
	// maxDescription is what GitHub takes, in characters.
	maxDescription = 140
)

// statuses is what the code registry is to show of a job: one status for each target, one overall.
func statuses(j *Job) []status {
	var all []status
	for _, t := range j.Targets {
		all = append(all, newStatus(j.Context+"/"+t.Name, t.State, t.describe()))
	}
	return append(all, newStatus(j.Context, j.State, cmp.Or(j.Message, string(j.State))))
}

// describe names the run, and what came of it.
func (t Target) describe() string {
	switch {
	case t.Run == "":
		return cmp.Or(t.Message, string(t.State))
	case t.Message == "":
		return "run " + t.Run
	}
	return "run " + t.Run + ": " + t.Message
}

func newStatus(context string, state State, description string) status {
	s := status{Context: context, Description: shorten(description)}
	switch state {
	case Queued, Running:
		s.State = "pending"
	case Succeeded, Skipped:
		s.State = "success"
	case Superseded:
		s.State = "error" // neither good nor bad: it was not tried
	default:
		s.State = "failure"
	}
	return s
}

func shorten(text string) string {
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) > maxDescription {
		return string(runes[:maxDescription-1]) + "…"
	}
	return string(runes)
}

// told is how a status is noted once the registry has it.
func (s status) told() string { return s.State + " " + s.Description }

// untold are the statuses of a job that the registry has not been told.
func untold(j *Job) []status {
	if j.Unreported != "" {
		return nil
	}
	var all []status
	for _, s := range statuses(j) {
		if j.Reported[s.Context] != s.told() {
			all = append(all, s)
		}
	}
	return all
}

// report tells the code registry how jobs are until the context ends, each job in order, and what
// could not be told again later. It is never in the way of a job.
func (s *Server) report(ctx context.Context) {
	r := reporter{s: s, due: map[ref]time.Time{}, failures: map[ref]int{}}
	for {
		wait := r.round(ctx)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-s.queue.dirtied:
		case <-timer.C:
		}
		timer.Stop()
	}
}

type reporter struct {
	s        *Server
	due      map[ref]time.Time // when a job is to be looked at again
	failures map[ref]int
	pause    time.Time // the registry does not answer at all
}

// round tells what is due, and returns how long there is nothing to do.
func (r *reporter) round(ctx context.Context) time.Duration {
	q := r.s.queue
	q.mu.Lock()
	now := q.now()
	var refs []ref
	wait := time.Minute
	for x := range q.dirty {
		if at := laterOf(r.due[x], r.pause); at.After(now) {
			wait = min(wait, at.Sub(now))
		} else {
			refs = append(refs, x)
		}
	}
	q.mu.Unlock()
	slices.SortFunc(refs, func(a, b ref) int { return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.job, b.job)) })
	for _, x := range refs {
		if ctx.Err() != nil || r.pause.After(q.now()) {
			return 0
		}
		r.tell(ctx, x)
	}
	if len(refs) > 0 {
		return 0 // what failed has another time now
	}
	return wait
}

func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// tell reports one job.
func (r *reporter) tell(ctx context.Context, x ref) {
	q := r.s.queue
	q.mu.Lock()
	delete(q.dirty, x) // what happens from now on marks it again
	d := q.book.byID[x.id]
	if d == nil {
		q.mu.Unlock()
		return
	}
	if by := q.book.byID[d.Jobs[x.job].By]; by != nil && by.After == d.After {
		q.mu.Unlock() // the other delivery tells of the commit
		return
	}
	c := d.copy()
	q.telling = true
	q.mu.Unlock()
	defer func() {
		q.mu.Lock()
		q.telling = false
		q.mu.Unlock()
	}()
	for _, status := range untold(&c.Jobs[x.job]) {
		limited, cancel := context.WithTimeout(ctx, reportTimeout)
		err := r.s.o.Registry.setStatus(limited, c.Repository, c.After, status)
		cancel()
		if err != nil {
			r.failed(ctx, x, &c.Jobs[x.job], err)
			return
		}
		r.s.metrics.statuses.Add(1)
		delete(r.failures, x)
		delete(r.due, x)
		q.mu.Lock()
		q.note(Event{Kind: kindReported, ID: x.id, Job: x.job, Context: status.Context, Status: status.told()})
		q.mu.Unlock()
	}
}

// failed decides when to try again, or gives up what has been tried for a day.
func (r *reporter) failed(ctx context.Context, x ref, j *Job, err error) {
	if ctx.Err() != nil {
		return
	}
	q := r.s.queue
	r.s.metrics.statusFailures.Add(1)
	r.failures[x]++
	delay := min(time.Second<<min(r.failures[x]-1, 12), 15*time.Minute)
	r.s.log.Warn("a commit status was not reported", "delivery", x.id, "again_in", delay.String(), "error", err.Error())
	q.mu.Lock()
	defer q.mu.Unlock()
	if j.State.Over() && q.now().Sub(j.Ended) > reportAge {
		q.note(Event{Kind: kindReported, ID: x.id, Job: x.job, Message: fmt.Sprintf("given up: %v", err)})
		return
	}
	q.dirty[x] = true
	r.due[x] = q.now().Add(delay)
	var answer *RegistryError
	if !errors.As(err, &answer) || answer.Code >= 500 || answer.Code == http.StatusTooManyRequests {
		r.pause = q.now().Add(min(delay, time.Minute))
	}
}

// note is record for what a crash may take back. The lock must be held.
func (q *queue) note(e Event) {
	e.Time = q.now().UTC()
	q.book.apply(e)
	q.journal.note(e)
}
