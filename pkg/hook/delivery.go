package hook

import (
	"maps"
	"slices"
	"time"
)

// State is where a [Job] stands.
type State string

// Superseded jobs were not run, since a newer push to the branch was; skipped ones, since nothing
// that they are about had changed.
const (
	Queued     State = "queued"
	Running    State = "running"
	Succeeded  State = "succeeded"
	Failed     State = "failed"
	Superseded State = "superseded"
	Skipped    State = "skipped"
)

// Over reports whether nothing more comes of it.
func (s State) Over() bool { return s != Queued && s != Running }

// Delivery is a push as it was delivered, and what it started.
type Delivery struct {
	ID       string    `json:"id"`
	Received time.Time `json:"received"`
	// Source is how it came to be known: SourceHook or SourceHead.
	Source string `json:"source"`
	Push
	Jobs []Job `json:"jobs"`
}

// How a delivery came to be known.
const (
	SourceHook = "hook"
	SourceHead = "head" // the branch was found to be elsewhere than the last push said
)

// Job is one application that a push is to bring to one environment.
type Job struct {
	Directory string   `json:"directory"`
	Site      string   `json:"site,omitempty"`
	Context   string   `json:"context"`
	Paths     []string `json:"paths,omitempty"`

	State   State     `json:"state"`
	Queued  time.Time `json:"queued"`
	Started time.Time `json:"started,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`
	// Attempts counts the starts, Replays how often somebody asked for another run.
	Attempts int      `json:"attempts,omitempty"`
	Replays  int      `json:"replays,omitempty"`
	Message  string   `json:"message,omitempty"`
	By       string   `json:"by,omitempty"` // the delivery that superseded it
	Targets  []Target `json:"targets,omitempty"`
	// Reported is what the code registry was told, by the name of the status.
	Reported map[string]string `json:"reported,omitempty"`
	// Unreported is why it will not be told any more.
	Unreported string `json:"unreported,omitempty"`
}

// Target is one platform that a job brings its application to.
type Target struct {
	Name    string `json:"name"`
	State   State  `json:"state"`
	Run     string `json:"run,omitempty"`
	Message string `json:"message,omitempty"`
}

// State is that of the job that is least far, or worst off.
func (d *Delivery) State() State {
	for _, s := range []State{Running, Queued, Failed, Succeeded, Superseded, Skipped} {
		if slices.ContainsFunc(d.Jobs, func(j Job) bool { return j.State == s }) {
			return s
		}
	}
	return Skipped
}

// Over reports whether all jobs are.
func (d *Delivery) Over() bool { return d.State().Over() }

// copy shares nothing with the original that an event could change.
func (d *Delivery) copy() Delivery {
	out := *d
	out.Jobs = slices.Clone(d.Jobs)
	for i := range out.Jobs {
		out.Jobs[i].Targets = slices.Clone(d.Jobs[i].Targets)
		out.Jobs[i].Reported = maps.Clone(d.Jobs[i].Reported)
	}
	return out
}

// key names what a job changes: two jobs with the same key do not run at the same time.
func (d *Delivery) key(job int) string {
	return d.Repository + "\x00" + d.Jobs[job].Directory + "\x00" + d.Jobs[job].Site
}

// line names the pushes that replace each other: those to one branch, as far as they go to the
// same place.
func (d *Delivery) line(job int) string { return d.key(job) + "\x00" + d.Branch }
