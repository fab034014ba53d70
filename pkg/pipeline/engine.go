package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/ystackdev/ystack/pkg/deploy"
)

// step is one stage of one target's way. It must be safe to do again: a run that
// was killed does the step that was under way once more.
type step struct {
	name string
	do   func(ctx context.Context, w work) (result, error)
}

// work is what a step is given to say how it goes.
type work struct {
	log      io.Writer
	progress deploy.Report
}

// result is what a step leaves for the record and for later steps.
type result struct {
	message string
	output  map[string]string
}

// StepError is a step that failed.
type StepError struct {
	Run  string // "" if the run had not begun
	Step string // with its target, where there are several
	Err  error
}

// Error names the step; the run is in the record.
func (e *StepError) Error() string { return e.Step + ": " + e.Err.Error() }

// Unwrap gives the step's own error.
func (e *StepError) Unwrap() error { return e.Err }

// track is where the steps of one target are recorded.
type track struct {
	*journal
	target, at string
	several    bool // there are other targets
	boundary   func(point string)
}

func (t track) event(e Event) error {
	e.Target, e.Place = t.target, t.at
	return t.write(e)
}

// label names a step in errors and to the tests that end the process.
func (t track) label(step string) string {
	if !t.several {
		return step
	}
	return Event{Target: t.target, Place: t.at}.Name() + "/" + step
}

// do runs one step and records it. The boundary is called before it, between its
// effect and the record of it, and after.
func (t track) do(ctx context.Context, s step) (map[string]string, error) {
	label := t.label(s.name)
	t.boundary(label + ":before")
	if err := t.event(Event{Type: StepStarted, Step: s.name}); err != nil {
		return nil, err
	}
	log, err := t.stepLog(t.target, s.name)
	if err != nil {
		return nil, fmt.Errorf("open the step's log: %w", err)
	}
	defer log.Close()
	w := work{log: log, progress: func(message string, items ...deploy.Item) {
		// A progress line that cannot be written is no reason to stop the
		// step; the next event that matters will fail loudly.
		_ = t.event(Event{Type: StepProgress, Step: s.name, Message: message, Items: items})
	}}
	r, err := s.do(ctx, w)
	if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(err, cause) {
		err = cause // the step failed because it was told to stop
	}
	if err != nil {
		_ = t.event(Event{Type: StepFailed, Step: s.name, Message: err.Error()})
		return nil, &StepError{t.id, label, err}
	}
	t.boundary(label + ":acted")
	if err := t.event(Event{Type: StepDone, Step: s.name, Message: r.message, Output: r.output}); err != nil {
		return nil, err
	}
	t.boundary(label + ":recorded")
	return r.output, nil
}
