package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// prepare settles a destination that needs no transfer, or cannot get one.
func (c *Copier) prepare(ctx context.Context, d *destination, from Store, info Info, r Request) {
	var err error
	if d.store, err = c.Open(d.To); err == nil {
		err = c.look(ctx, d, from, info, r)
	}
	if err != nil {
		d.Result, d.Err = Failed, err
	}
}

func (c *Copier) look(ctx context.Context, d *destination, from Store, info Info, r Request) error {
	there, err := existing(ctx, d.store, d.To)
	switch {
	case errors.Is(err, ErrNotFound) && r.DryRun:
		d.Result = Missing
		return nil
	case errors.Is(err, ErrNotFound):
		if fetcher, can := d.store.(Fetcher); can && r.Fetch {
			d.fetcher = fetcher
			return nil
		}
		return c.link(ctx, d, r.upload(info))
	case err != nil:
		return err
	}
	for _, found := range there {
		same, err := equal(ctx, from, info, d.store, found)
		if err != nil {
			return err
		}
		if same {
			d.Result, d.Info = Present, found
			return complete(ctx, d, info, r)
		}
	}
	return Errorf(d.To, ErrTaken, "is taken by another image (%s, %d bytes); delete that, or choose another name", there[0].Digests.short(), there[0].Size)
}

// existing are the finished images under a name that count as ours.
func existing(ctx context.Context, s Store, r Ref) ([]Info, error) {
	found, err := s.Stat(ctx, r)
	list := []Info{found}
	var several *AmbiguousError
	if errors.As(err, &several) {
		list, err = several.Images, nil
	}
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(slices.Clone(list), func(i Info) bool { return i.State != Active || i.Foreign })
	if len(list) == 0 {
		return nil, Errorf(r, ErrNotFound, "")
	}
	return list, nil
}

// equal compares by digest, computing those of files only when all else agrees.
func equal(ctx context.Context, a Store, ai Info, b Store, bi Info) (bool, error) {
	if ai.Size != bi.Size {
		return false, nil
	}
	if same, known := ai.claimed().Same(bi.claimed()); known {
		return same, nil
	}
	algorithm, _ := ai.claimed().strongest()
	if algorithm == "" {
		algorithm, _ = bi.claimed().strongest()
	}
	if algorithm == "" {
		algorithm = "sha256"
	}
	left, err := sum(ctx, a, ai, algorithm)
	if err != nil {
		return false, err
	}
	right, err := sum(ctx, b, bi, algorithm)
	if err != nil {
		return false, err
	}
	if left == "" || right == "" {
		return false, Errorf(bi.Ref, ErrTaken, "is there, and may be this image or another: the two places keep no digest of the same kind; delete it, or choose another name")
	}
	return left == right, nil
}

// sum is a digest that is known or costs nothing to find out, else empty.
func sum(ctx context.Context, s Store, i Info, algorithm string) (string, error) {
	if known := i.claimed()[algorithm]; known != "" {
		return known, nil
	}
	if summer, cheap := s.(Summer); cheap {
		return summer.Sum(ctx, i, algorithm)
	}
	return "", nil
}

// link makes the image of what the server has already, if it can.
func (c *Copier) link(ctx context.Context, d *destination, u *Upload) error {
	linker, can := d.store.(Linker)
	if !can || u.Known["sha256"] == "" {
		return nil
	}
	info, done, err := linker.Link(ctx, d.To, u, u.Known["sha256"])
	if err == nil && done {
		d.Result, d.Info = Linked, info
	}
	return err
}

// complete adds the properties that the image lacks: an earlier copy may have been
// ended before it could.
func complete(ctx context.Context, d *destination, from Info, r Request) error {
	annotator, can := d.store.(Annotator)
	if !can || r.DryRun {
		return nil
	}
	found, missing := d.Info, map[string]string{}
	for name, value := range r.upload(from).Noted(found.Digests) {
		if found.Properties[name] == "" && value != found.Digests[strings.TrimPrefix(name, "ystack_")] {
			missing[name] = value
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return annotator.Annotate(ctx, found, missing)
}

// Noted are the properties to keep with the image, its digests among them.
func (u *Upload) Noted(sums Digests) map[string]string {
	noted := maps.Clone(u.Properties)
	if noted == nil {
		noted = map[string]string{}
	}
	for algorithm, property := range map[string]string{"sha256": SHA256, "sha512": SHA512} {
		for _, digests := range []Digests{u.Known, sums} {
			if value := digests[algorithm]; value != "" {
				noted[property] = value
			}
		}
	}
	return noted
}

// errLate is why a destination is given up that does not come to an end.
func errLate(limit time.Duration) error {
	return fmt.Errorf("%w: not finished %s after the last byte", ErrStalled, limit)
}
