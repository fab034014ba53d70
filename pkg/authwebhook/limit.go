package authwebhook

import (
	"context"
	"sync/atomic"
)

// limit lets a few through at a time and a bounded number wait.
type limit struct {
	slots   chan struct{}
	queue   int64
	waiting atomic.Int64
}

func newLimit(slots, queue int) *limit {
	return &limit{slots: make(chan struct{}, slots), queue: int64(queue)}
}

// acquire returns errBusy at once when too many wait already.
func (l *limit) acquire(ctx context.Context) error {
	select {
	case l.slots <- struct{}{}:
		return nil
	default:
	}
	defer l.waiting.Add(-1)
	if l.waiting.Add(1) > l.queue {
		return errBusy
	}
	select {
	case l.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return errBusy
	}
}

func (l *limit) release() { <-l.slots }

func (l *limit) inFlight() int { return len(l.slots) }
