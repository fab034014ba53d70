package hook

import "time"

// kind says what an Event tells.
type kind string

const (
	kindAccepted kind = "accepted" // with Delivery: all that is known of it
	kindMoved    kind = "moved"    // a job has another state
	kindTarget   kind = "target"   // a target has another state
	kindReported kind = "reported" // the code registry knows
	kindReplayed kind = "replayed" // somebody wants another run
)

// Event is one line of the journal. It can be applied twice.
type Event struct {
	Time     time.Time `json:"time"`
	Kind     kind      `json:"kind"`
	Delivery *Delivery `json:"delivery,omitempty"`

	ID       string  `json:"id,omitempty"` // of the delivery, if it is not there itself
	Job      int     `json:"job,omitempty"`
	State    State   `json:"state,omitempty"`
	Attempts int     `json:"attempts,omitempty"`
	Message  string  `json:"message,omitempty"`
	By       string  `json:"by,omitempty"`
	Target   *Target `json:"target,omitempty"`
	Context  string  `json:"context,omitempty"`
	Status   string  `json:"status,omitempty"`
}

// Book is what the events of a journal add up to.
type Book struct {
	byID  map[string]*Delivery
	order []*Delivery
}

func newBook() *Book { return &Book{byID: map[string]*Delivery{}} }

// apply folds one event in. What it is about may have been dropped; then it says nothing.
func (b *Book) apply(e Event) {
	if e.Kind == kindAccepted && e.Delivery != nil {
		b.add(e.Delivery)
		return
	}
	d := b.byID[e.ID]
	if d == nil || e.Job < 0 || e.Job >= len(d.Jobs) {
		return
	}
	j := &d.Jobs[e.Job]
	switch e.Kind {
	case kindMoved:
		j.move(e)
	case kindTarget:
		j.setTarget(e.Target)
	case kindReported:
		j.report(e)
	case kindReplayed:
		*j = Job{Directory: j.Directory, Site: j.Site, Context: j.Context, Paths: j.Paths, State: Queued, Queued: e.Time, Replays: j.Replays + 1, Reported: j.Reported}
	}
}

func (b *Book) add(d *Delivery) {
	c := d.copy()
	if old := b.byID[d.ID]; old != nil {
		*old = c
		return
	}
	b.byID[d.ID] = &c
	b.order = append(b.order, &c)
}

func (j *Job) move(e Event) {
	j.State, j.Message, j.By = e.State, e.Message, e.By
	switch {
	case e.State == Running:
		j.Started, j.Attempts = e.Time, e.Attempts
	case e.State.Over():
		j.Ended = e.Time
	}
}

func (j *Job) setTarget(t *Target) {
	if t == nil {
		return
	}
	for i := range j.Targets {
		if j.Targets[i].Name == t.Name {
			j.Targets[i] = *t
			return
		}
	}
	j.Targets = append(j.Targets, *t)
}

func (j *Job) report(e Event) {
	if e.Status == "" {
		j.Unreported = e.Message
		return
	}
	if j.Reported == nil {
		j.Reported = map[string]string{}
	}
	j.Reported[e.Context] = e.Status
}
