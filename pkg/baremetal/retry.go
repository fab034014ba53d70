package baremetal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/ystackdev/ystack/pkg/keystone"
)

// firstPatience is for an Ironic that has never answered: most often its address is wrong.
const firstPatience = 10 * time.Second

// Retry repeats a step while Ironic is out of order, or has locked the node for something
// of its own. A step looks at what is there before it changes anything, since an earlier
// attempt may have worked though its answer was lost.
func (c *Client) Retry(ctx context.Context, step func() error) error {
	patience := c.Patience
	if patience == 0 {
		patience = 2 * time.Minute
	}
	if !c.answered.Load() {
		patience = min(patience, firstPatience)
	}
	over := time.NewTimer(patience)
	defer over.Stop()
	for {
		err := step()
		if err == nil || !temporary(err) || ctx.Err() != nil {
			return err
		}
		select {
		case <-over.C:
			return fmt.Errorf("%w (tried for %s)", err, patience)
		default:
		}
		if err := c.Pause(ctx); err != nil {
			return err
		}
	}
}

// Pause waits until it is time to look again.
func (c *Client) Pause(ctx context.Context) error {
	poll := c.Poll
	if poll == 0 {
		poll = 2 * time.Second
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(poll):
		return nil
	}
}

// temporary tells whether the same may work later on.
func temporary(err error) bool {
	if errors.Is(err, errMoved) {
		return true
	}
	switch status(err) {
	case 0:
		return errors.Is(err, keystone.ErrUnreachable) || errors.Is(err, keystone.ErrServer)
	case http.StatusInternalServerError:
		// Most of these would be the same again. Not so if two have met in its database.
		return strings.Contains(err.Error(), "OperationalError") || strings.Contains(err.Error(), "DBDeadlock")
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	case http.StatusConflict:
		// There is no other sign: "Node … is locked by host …, please retry after …", "Node …
		// can not be updated while a state transition is in progress".
		return strings.Contains(err.Error(), "is locked by host") || strings.Contains(err.Error(), "state transition is in progress")
	}
	return false
}
