//go:build linux

package process

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"time"
)

// Stop asks the process to end, and ends it by force when it has not done so
// within grace. A process that is gone already is no error.
func Stop(ctx context.Context, r Record, grace time.Duration) error {
	p, err := os.FindProcess(r.PID) // holds the process itself, not its number, where the kernel can
	if err != nil || !r.Alive() {
		return nil
	}
	defer func() { _ = p.Release() }()
	_ = p.Signal(syscall.SIGTERM)
	if gone(ctx, r, grace) {
		return nil
	}
	_ = p.Signal(syscall.SIGKILL)
	if gone(ctx, r, 10*time.Second) {
		return nil
	}
	return fmt.Errorf("pid %d (%s) does not end, not even by SIGKILL", r.PID, r.Command[0])
}

// gone waits until the process has ended. It goes on waiting when ctx has
// ended, but no longer than limit: what was asked to end should be seen to.
func gone(ctx context.Context, r Record, limit time.Duration) bool {
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if !r.Alive() {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
	}
	return !r.Alive()
}
