package watch

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	// patience is how much later than expected the loop may get on.
	patience = time.Minute
	// badRounds in a row are no accident any more.
	badRounds = 3
)

// health is what probes ask for.
type health struct {
	mu    sync.Mutex
	until time.Time // when the loop must have got on
	good  bool      // a round was
	bad   int       // rounds in a row
	err   error
}

// expect notes that the loop lives, and how long what it does now may take.
func (h *health) expect(now time.Time, atMost time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.until = now.Add(atMost + patience)
}

func (h *health) note(r result) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch r.outcome {
	case failed:
		h.bad++
		h.err = r.err
	case interrupted:
	default:
		h.good, h.bad, h.err = true, 0, nil
	}
}

// alive is an error when nothing moves any more: a new process might help.
func (h *health) alive(now time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now.After(h.until) {
		return fmt.Errorf("the loop should have got on by %s", h.until.UTC().Format(time.RFC3339))
	}
	return nil
}

// ready is an error until a round was good, and when several in a row were not.
func (h *health) ready() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.good && h.bad < badRounds:
		return nil
	case h.bad > 0:
		return fmt.Errorf("the last %d rounds failed: %w", h.bad, h.err)
	}
	return errors.New("the first round is under way")
}
