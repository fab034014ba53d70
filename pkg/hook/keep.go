package hook

import "time"

// compact drops what is over and told, but for the newest keep deliveries and what is needed to
// know where each line and each environment is. It returns what is left as events.
func (q *queue) compact(keep int) []Event {
	q.mu.Lock()
	defer q.mu.Unlock()
	needed := q.book.lastOfEach()
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
// each line, and those that succeeded last for each key.
func (b *Book) lastOfEach() map[string]bool {
	last := map[string]*Delivery{}
	started := map[string]time.Time{}
	later := func(what string, d *Delivery, at time.Time) {
		if last[what] == nil || !at.Before(started[what]) {
			last[what], started[what] = d, at
		}
	}
	for _, d := range b.order {
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

// before is the delivery that was started last among those whose job fits.
func (b *Book) before(fits func(d *Delivery, job int) bool) *Delivery {
	var last *Delivery
	var at time.Time
	for _, d := range b.order {
		for k := range d.Jobs {
			if fits(d, k) && !d.Jobs[k].Started.Before(at) {
				last, at = d, d.Jobs[k].Started
			}
		}
	}
	return last
}

func ran(s State) bool { return s == Succeeded || s == Failed }
