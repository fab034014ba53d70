package store

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

const (
	defaultLimit = time.Minute
	defaultPause = time.Second / 2
	// defaultCommit is long: some servers move gigabytes once more when they have them all.
	defaultCommit = 15 * time.Minute
)

// transfer reads the source for all destinations that are left, and returns the digests
// of what it read.
func (c *Copier) transfer(ctx context.Context, from Store, info Info, left []*destination, r Request) (Digests, error) {
	limit := cmp.Or(c.Limit, defaultLimit)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	pump := newPump(info.Size, limit, cmp.Or(c.block, blockSize))
	glance := slices.ContainsFunc(left, func(d *destination) bool { return d.To.Scheme == Glance })
	hashes := pump.hash(ctx, algorithms(info, glance))
	var writing sync.WaitGroup
	for _, d := range left {
		own, stop := context.WithCancelCause(ctx)
		u := r.upload(info)
		u.sink = pump.add(&sink{stop: stop, taken: c.counter(d.To, info.Size)})
		writing.Go(func() {
			defer stop(nil)
			c.write(own, d, u)
		})
	}
	in := &source{ctx: ctx, store: from, info: info, limit: limit, pause: cmp.Or(c.Pause, defaultPause)}
	defer in.close()
	err := pump.run(ctx, in, func() (Digests, error) { return hashes.check(info) })
	late := time.AfterFunc(cmp.Or(c.Commit, defaultCommit), func() { cancel(errLate(cmp.Or(c.Commit, defaultCommit))) })
	defer late.Stop()
	writing.Wait()
	if errors.Is(err, errNobody) {
		err = nil // each of them says why
	}
	return pump.sums, err
}

func (c *Copier) counter(to Ref, total int64) func(int) {
	done := int64(0)
	return func(n int) {
		done += int64(n)
		if n > 0 && c.Report != nil {
			c.Report(Progress{to, done, total})
		}
	}
}

func (c *Copier) write(ctx context.Context, d *destination, u *Upload) {
	defer u.sink.leave()
	info, err := d.store.Write(ctx, d.To, u)
	if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(err, cause) {
		err = &Error{d.To, cause, cause.Error()}
	}
	if err != nil {
		d.Result, d.Err = Failed, u.Cause(err)
		return
	}
	d.Result, d.Info = Copied, info
}
