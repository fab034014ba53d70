package hook

import "time"

// lineAge is how long a branch that nobody pushes to is known.
const lineAge = 90 * 24 * time.Hour

// compact drops what is over and told, but for the newest keep deliveries and what is needed to
// know where each line and each environment is. It returns what is left as events.
func (q *queue) compact(keep int) []Event {
	q.mu.Lock()
	defer q.mu.Unlock()
	needed := q.book.lastOfEach(q.now().Add(-lineAge))
	var left []*Delivery
	var events []Event
	for i, d := range q.book.order {
		if d.Over() && i < len(q.book.order)-keep && !needed[d.ID] && !q.untold(d) {
			delete(q.book.byID, d.ID)
			continue
		}
		left = append(left, d)
		c := d.copy()
		events = append(events, Event{Time: d.Received, Kind: kindAccepted, Delivery: &c})
	}
	q.book.order = left
	return events
}

// untold reports whether the reporter has something of the delivery to tell.
func (q *queue) untold(d *Delivery) bool {
	for i := range d.Jobs {
		if q.dirty[ref{d.ID, i}] {
			return true
		}
	}
	return false
}

// lastOfEach are the deliveries that were accepted last for each line, those that ran last for
// each line, and those that succeeded last for each key, as far as they came since.
func (b *Book) lastOfEach(since time.Time) map[string]bool {
	last := map[string]*Delivery{}
	started := map[string]time.Time{}
	later := func(what string, d *Delivery, at time.Time) {
		if last[what] == nil || !at.Before(started[what]) {
			last[what], started[what] = d, at
		}
	}
	for _, d := range b.order {
		if d.Received.Before(since) {
			continue
		}
		for k := range d.Jobs {
			later("accepted\x00"+d.line(k), d, d.Received)
			if ran(d.Jobs[k].State) {
				later("ran\x00"+d.line(k), d, d.Jobs[k].Started)
			}
			if d.Jobs[k].State == Succeeded {
				later("succeeded\x00"+d.key(k), d, d.Jobs[k].Started)
			}
		}
	}
	needed := map[string]bool{}
	for _, d := range last {
		needed[d.ID] = true
	}
	return needed
}

// mark is a run that was the last of its kind.
type mark struct {
	id, commit string
	started    time.Time
}

// remember notes a run: the last of its line, and if it succeeded, of its key. The lock must be
// held.
func (q *queue) remember(d *Delivery, job int) {
	j := &d.Jobs[job]
	m := mark{d.ID, d.After, j.Started}
	if line := d.line(job); ran(j.State) && !m.started.Before(q.lastRun[line].started) {
		q.lastRun[line] = m
	}
	if key := d.key(job); j.State == Succeeded && !m.started.Before(q.lastGood[key].started) {
		q.lastGood[key] = m
	}
}

func ran(s State) bool { return s == Succeeded || s == Failed }
