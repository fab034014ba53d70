package hook

import (
	"context"
	"errors"
	"fmt"
)

// Settle decides, of the repository as it is now, whether the work is still to be done. The mirror
// is up to date afterwards. What somebody asked for again is done whatever has happened since.
func (c *Checkouts) Settle(ctx context.Context, w Work) (r Result, settled bool) {
	err := c.Fetch(ctx, w.Repository, w.After)
	switch {
	case errors.Is(err, ErrGone):
		return Result{State: Superseded, By: w.LastBy, Message: err.Error()}, true
	case err != nil:
		return Result{State: Queued, Message: err.Error()}, true
	case w.Replays > 0:
		return Result{}, false
	}
	head := c.Head(ctx, w.Repository, w.Branch)
	switch {
	case head == "":
		return Result{State: Superseded, Message: "the branch was deleted"}, true
	case w.Last != "" && w.Last != w.After && head != w.After && c.Contains(ctx, w.Repository, w.Last, w.After):
		// Deliveries can overtake each other; an older state must not replace a newer one.
		return Result{State: Superseded, By: w.LastBy, Message: fmt.Sprintf("older than %.12s, which has run", w.Last)}, true
	case len(w.Paths) > 0 && w.Base != "" && !c.Differ(ctx, w.Repository, w.Base, w.After, w.Paths):
		return Result{State: Skipped, Message: fmt.Sprintf("nothing that the route is about has changed since %.12s", w.Base)}, true
	}
	return Result{}, false
}

// Choose tells which push is the newest: the one that the branch is at; or else one whose history
// has all others, the later delivery if there are several.
func (c *Checkouts) Choose(ctx context.Context, waiting []Work) (int, error) {
	if err := c.Fetch(ctx, waiting[0].Repository); err != nil {
		return 0, err
	}
	head := c.Head(ctx, waiting[0].Repository, waiting[0].Branch)
	newest := len(waiting) - 1
	for i := len(waiting) - 1; i >= 0; i-- {
		w := waiting[i]
		if w.After == head {
			return i, nil
		}
		if w.After != waiting[newest].After && c.Contains(ctx, w.Repository, w.After, waiting[newest].After) {
			newest = i
		}
	}
	return newest, nil
}
