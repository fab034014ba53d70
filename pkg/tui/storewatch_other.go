//go:build !linux

package tui

import (
	"context"
	"time"
)

// watchStore looks whether something in the store of runs may have changed.
func (h *hub) watchStore(ctx context.Context) <-chan struct{} {
	changes := make(chan struct{}, 1)
	go func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				select {
				case changes <- struct{}{}:
				default:
				}
			}
		}
	}()
	return changes
}
