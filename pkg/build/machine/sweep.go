package machine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/ystackdev/ystack/pkg/image/store"
)

// sweepLimit is for the removal of what a build has left, whatever ended it.
const sweepLimit = 2 * time.Minute

// Clean removes what builds of an application that were killed have left: servers, ports,
// key pairs, unfinished images, loop devices, mounts, processes and directories.
func (b *Builder) Clean(ctx context.Context, app, target string) error {
	n, err := b.claim(app, target)
	if err != nil {
		return err
	}
	defer n.close()
	if !n.left() {
		return nil
	}
	if n.Cloud != b.Cloud {
		return fmt.Errorf("the build that was killed was in cloud %q; say --os-cloud %s", n.Cloud, n.Cloud)
	}
	if err := b.sweep(ctx, n, ""); err != nil {
		return err
	}
	return n.forget()
}

// sweep removes all that the note speaks of but for the image to keep.
func (b *Builder) sweep(ctx context.Context, n *note, keep string) error {
	errs := []error{b.sweepHere(n)}
	if b.Session != nil {
		errs = append(errs, b.sweepServers(ctx, n), b.sweepKey(ctx, n), b.sweepImages(ctx, n, keep))
	}
	return errors.Join(errs...)
}

func (b *Builder) sweepHere(n *note) error {
	if n.Work == "" {
		return nil
	}
	found, err := endLeft(n.Work)
	for _, what := range found {
		b.Report("clean", what)
	}
	if _, gone := os.Stat(n.Work); gone == nil {
		b.Report("clean", "directory "+n.Work)
	}
	return errors.Join(err, os.RemoveAll(n.Work))
}

func (b *Builder) sweepServers(ctx context.Context, n *note) error {
	c := cloud{b.Session}
	servers, err := c.servers(ctx, n.Name)
	if err != nil {
		return err
	}
	if n.Server != "" && !slices.ContainsFunc(servers, func(s server) bool { return s.ID == n.Server }) {
		if s, err := c.server(ctx, n.Server); err == nil {
			servers = append(servers, s)
		}
	}
	for _, s := range servers {
		b.Report("clean", "server "+s.ID)
		if err := c.removeServer(ctx, s.ID); err != nil {
			return err
		}
	}
	return nil
}

func (b *Builder) sweepKey(ctx context.Context, n *note) error {
	if n.Key == "" {
		return nil
	}
	was, err := cloud{b.Session}.removeKey(ctx, n.Key)
	if was {
		b.Report("clean", "key pair "+n.Key)
	}
	return err
}

// sweepImages removes what is not whole, and what nobody has looked at.
func (b *Builder) sweepImages(ctx context.Context, n *note, keep string) error {
	c := cloud{b.Session}
	images, err := c.images(ctx, n.Name)
	if err != nil {
		return err
	}
	for _, i := range images {
		if i.ID == keep || i.Status == store.Active && i.App != "" {
			continue
		}
		b.Report("clean", fmt.Sprintf("image %s (%s)", i.ID, i.Status))
		if err := c.removeImage(ctx, i.ID); err != nil {
			return err
		}
	}
	return nil
}
