package image

import (
	"context"

	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// CheckPush asks whether the user may push to ref, by beginning an upload and
// taking it back: nothing else makes every registry tell. It is asked before
// an image is built.
func (c *Client) CheckPush(ctx context.Context, ref string) error {
	r, err := c.parse(ref)
	if err != nil {
		return err
	}
	c.options(ctx) // makes c.shared
	answer := make(chan error, 1)
	go func() { answer <- remote.CheckPushPermission(r, c.credentials(), c.shared) }() // it takes no context
	select {
	case err = <-answer:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return explain(ctx, r, err)
	}
	return nil
}
