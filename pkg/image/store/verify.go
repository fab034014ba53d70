package store

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"hash"
	"io"
)

// Verify reads an image again, all of it, and compares it with every digest that is
// claimed for it. The error is an [ErrCorrupt] if one is wrong. What Limit and Pause
// are to a copy, they are here.
func (c *Copier) Verify(ctx context.Context, s Store, i Info) (Digests, error) {
	if i.State != Active {
		return nil, Errorf(i.Ref, ErrNotReady, "is %s", i.State)
	}
	names := algorithms(i, i.Digests["sha512"] != "")
	sums, writers := map[string]hash.Hash{}, []io.Writer{}
	for _, name := range names {
		sums[name] = newHash(name)
		writers = append(writers, sums[name])
	}
	in := &source{ctx: ctx, store: s, info: i, limit: cmp.Or(c.Limit, defaultLimit), pause: cmp.Or(c.Pause, defaultPause)}
	defer in.close()
	count := c.counter(i.Ref, i.Size)
	buffer := make([]byte, 1<<20)
	for {
		n, err := in.Read(buffer)
		for _, w := range writers {
			_, _ = w.Write(buffer[:n]) // a hash takes everything
		}
		count(n)
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
	}
	got := Digests{}
	for name, sum := range sums {
		got[name] = hex.EncodeToString(sum.Sum(nil))
	}
	return got, differ(i, got)
}
