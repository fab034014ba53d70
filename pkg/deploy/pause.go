package deploy

import (
	"context"
	"time"
)

// Pause waits for d. It returns the cause if the context is over before that.
func Pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
