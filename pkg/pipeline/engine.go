package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// step is one stage of a run. It must be safe to do again: a run that was
// killed does the step that was under way once more.
type step struct {
	name string
	do   func(ctx context.Context, w work) (result, error)
}

// work is what a step is given to say how it goes.
type work struct {
	log      io.Writer
	progress func(message string, items ...Item)
}

// result is what a step leaves for the record and for later steps.
type result struct {
	message string
	output  map[string]string
}

// StepError is a step that failed.
type StepError struct {
	Run  string // "" if the run had not begun
	Step string
	Err  error
}

// Error names the step; the run is in the record.
func (e *StepError) Error() string { return e.Step + ": " + e.Err.Error() }

// Unwrap gives the step's own error.
func (e *StepError) Unwrap() error { return e.Err }

// do runs one step and records it. boundary is called before it, between its
// effect and the record of it, and after.
func (j *journal) do(ctx context.Context, s step, boundary func(string)) (map[string]string, error) {
	boundary(s.name + ":before")
	if err := j.write(Event{Type: StepStarted, Step: s.name}); err != nil {
		return nil, err
	}
	log, err := j.stepLog(s.name)
	if err != nil {
		return nil, fmt.Errorf("open the step's log: %w", err)
	}
	defer log.Close()
	w := work{log: log, progress: func(message string, items ...Item) {
		// A progress line that cannot be written is no reason to stop the
		// step; the next event that matters will fail loudly.
		_ = j.write(Event{Type: StepProgress, Step: s.name, Message: message, Items: items})
	}}
	r, err := s.do(ctx, w)
	if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(err, cause) {
		err = cause // the step failed because it was told to stop
	}
	if err != nil {
		_ = j.write(Event{Type: StepFailed, Step: s.name, Message: err.Error()})
		return nil, &StepError{j.id, s.name, err}
	}
	boundary(s.name + ":acted")
	if err := j.write(Event{Type: StepDone, Step: s.name, Message: r.message, Output: r.output}); err != nil {
		return nil, err
	}
	boundary(s.name + ":recorded")
	return r.output, nil
}
