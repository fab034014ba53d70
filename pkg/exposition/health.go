package exposition

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	// patience is how much later than expected a loop may get on.
	patience = time.Minute
	// badRounds in a row are no accident any more.
	badRounds = 3
)

// Health is that of a loop which makes one round after another, as probes ask for it.
type Health struct {
	mu    sync.Mutex
	until time.Time // when the loop must have got on
	good  bool      // a round was
	bad   int       // rounds in a row
	err   error
}

// Expect notes that the loop lives, and how long what it does now may take.
func (h *Health) Expect(now time.Time, atMost time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.until = now.Add(atMost + patience)
}

// Note counts a round that failed, or with nil one that did not.
func (h *Health) Note(failure error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if failure != nil {
		h.bad++
		h.err = failure
		return
	}
	h.good, h.bad, h.err = true, 0, nil
}

// Alive is an error when nothing moves any more: a new process might help.
func (h *Health) Alive() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Now().After(h.until) {
		return fmt.Errorf("the loop should have got on by %s", h.until.UTC().Format(time.RFC3339))
	}
	return nil
}

// Ready is an error until a round was good, and when several in a row were not.
func (h *Health) Ready() error {
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
