package pipeline

import (
	"cmp"
	"time"

	"github.com/ystackdev/ystack/pkg/deploy"
)

// State is where a run or a step stands.
type State string

// Interrupted is a run that ended without saying so: it was killed, or the
// machine went down. The same command resumes it.
const (
	Pending     State = "pending"
	Running     State = "running"
	Succeeded   State = "succeeded"
	Failed      State = "failed"
	Interrupted State = "interrupted"
)

// Run is what the events of one run add up to.
type Run struct {
	ID string `json:"id"`
	Subject
	State   State     `json:"state"`
	Started time.Time `json:"started"`
	// Ended is the time of the last event.
	Ended   time.Time `json:"ended"`
	Resumed int       `json:"resumed,omitempty"`
	Message string    `json:"message,omitempty"`
	Steps   []Step    `json:"steps"`
	// Images are what the targets run once the run succeeded, by target ("image" if there
	// is one only); of targets that were up to date as well.
	Images map[string]string `json:"images,omitempty"`
}

// Step is what the events of one step add up to.
type Step struct {
	Target  string            `json:"target"`
	Name    string            `json:"name"`
	State   State             `json:"state"`
	Started time.Time         `json:"started,omitzero"`
	Ended   time.Time         `json:"ended,omitzero"`
	Message string            `json:"message,omitempty"`
	Output  map[string]string `json:"output,omitempty"`
	Items   []deploy.Item     `json:"items,omitempty"`
}

// Label names a step: alone where there is one target only. Of a target that was up to
// date there are steps as well.
func (r *Run) Label(target, step string) string {
	for _, s := range r.Steps {
		if s.Target != target || len(r.Targets) > 1 {
			return target + "/" + step
		}
	}
	return step
}

// Step returns a target's step of that name, or nil.
func (r *Run) Step(target, name string) *Step {
	for i := range r.Steps {
		if r.Steps[i].Name == name && r.Steps[i].Target == target {
			return &r.Steps[i]
		}
	}
	return nil
}

// Output returns a finished step's output value, or "".
func (r *Run) Output(target, step, key string) string {
	if s := r.Step(target, step); s != nil && s.State == Succeeded {
		return s.Output[key]
	}
	return ""
}

// Finished reports whether the run said how it ended.
func (r *Run) Finished() bool { return r.State == Succeeded || r.State == Failed }

// TargetState is where the run stands with one target.
func (r *Run) TargetState(target string) State {
	state := Pending
	for _, s := range r.Steps {
		switch {
		case s.Target != target:
		case s.State == Failed:
			return Failed
		case s.State == Succeeded && s.Name == verifyStep:
			return Succeeded
		default:
			state = r.State
		}
	}
	return state
}

// apply folds one event into the run.
func (r *Run) apply(e Event) {
	r.Ended = e.Time
	switch e.Type {
	case RunStarted:
		r.ID, r.Started, r.State = e.Run, e.Time, Running
		if e.Subject != nil {
			r.Subject = *e.Subject
		}
	case RunResumed:
		r.State, r.Message = Running, ""
		r.Resumed++
	case RunSucceeded:
		r.State, r.Message, r.Images = Succeeded, e.Message, e.Output
	case RunFailed:
		r.State, r.Message = Failed, e.Message
	default:
		r.applyStep(e)
	}
}

func (r *Run) applyStep(e Event) {
	e.Target = cmp.Or(e.Target, deploy.Container)
	s := r.Step(e.Target, e.Step)
	if s == nil {
		r.Steps = append(r.Steps, Step{Target: e.Target, Name: e.Step})
		s = &r.Steps[len(r.Steps)-1]
	}
	if e.Message != "" {
		s.Message = e.Message
	}
	switch e.Type {
	case StepStarted:
		*s = Step{Target: e.Target, Name: e.Step, State: Running, Started: e.Time}
	case StepProgress:
		s.Items = e.Items
	case StepDone:
		s.State, s.Ended, s.Output = Succeeded, e.Time, e.Output
	case StepFailed:
		s.State, s.Ended = Failed, e.Time
	}
}
