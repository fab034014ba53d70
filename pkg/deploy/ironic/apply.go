package ironic

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"

	"github.com/ystackdev/ystack/pkg/deploy"
)

// errRehearsed: a plan without an image is for looking at.
var errRehearsed = errors.New("the release has no image yet; plan it again when it has")

// Apply carries the plan out, batch by batch: a node that fails, or is not well, keeps the
// next batch from being touched.
func (p *plan) Apply(ctx context.Context, report deploy.Report) error {
	if p.image == nil {
		return errRehearsed
	}
	r := &reporter{report: report, items: map[int]deploy.Item{}}
	// First of all those that have the release: if it does not get well on them, the same
	// command again must not bring it to one more.
	if err := each(p.well, func(k *task) error { return p.healthy(ctx, k, r) }); err != nil {
		return err
	}
	size := max(1, int(p.spec.BatchSize))
	for at := 0; at < len(p.todo); at += size {
		batch := p.todo[at:min(at+size, len(p.todo))]
		if err := p.prepare(ctx); err != nil {
			return err
		}
		if len(p.todo) > size {
			r.say(fmt.Sprintf("batch %d of %d", at/size+1, (len(p.todo)+size-1)/size))
		}
		if err := each(batch, func(k *task) error { return p.deploy(ctx, k, r) }); err != nil {
			return err
		}
	}
	return each(p.surplus, func(k *task) error {
		if k.change.Action == deploy.Kept {
			return nil
		}
		return p.release(ctx, k, r)
	})
}

// prepare makes sure that the image is still there, and that Ironic finds kernel and
// ramdisk when it rebuilds: it asks Glance then, and forgets what it was told.
func (p *plan) prepare(ctx context.Context) error {
	now, err := p.resolve(ctx, p.want.Release)
	if err != nil {
		return err
	}
	p.image = now
	if now.kernel == "" || now.info.Properties["kernel_id"] == now.kernel && now.info.Properties["ramdisk_id"] == now.ramdisk {
		return nil
	}
	return p.images.Annotate(ctx, now.info, map[string]string{"kernel_id": now.kernel, "ramdisk_id": now.ramdisk})
}

// each does it to all at the same time, and waits for all, so that none is left unwatched
// because another has failed.
func each(tasks []*task, do func(*task) error) error {
	errs := make([]error, len(tasks))
	var all sync.WaitGroup
	for i, k := range tasks {
		all.Add(1)
		go func() {
			defer all.Done()
			errs[i] = do(k)
		}()
	}
	all.Wait()
	return errors.Join(distinct(errs)...)
}

// distinct leaves out errors that say the same, as all do when a run is interrupted.
func distinct(errs []error) []error {
	seen := map[string]bool{}
	var out []error
	for _, err := range errs {
		if err != nil && !seen[err.Error()] {
			seen[err.Error()] = true
			out = append(out, err)
		}
	}
	return out
}

// reporter tells how far every node is, whenever that changes for one.
type reporter struct {
	report deploy.Report

	mu    sync.Mutex
	items map[int]deploy.Item // by ordinal
	order []int
}

func (r *reporter) say(message string) {
	if r.report != nil {
		r.report(message)
	}
}

func (r *reporter) tell(k *task, state, detail string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	it := deploy.Item{Name: strings.TrimPrefix(k.change.Object, "node/"), State: state, Detail: detail}
	if old, known := r.items[k.ordinal]; known && old == it {
		return
	} else if !known {
		r.order = append(r.order, k.ordinal)
		sort.Ints(r.order)
	}
	r.items[k.ordinal] = it
	if r.report == nil {
		return
	}
	all := make([]deploy.Item, 0, len(r.order))
	for _, ordinal := range r.order {
		all = append(all, r.items[ordinal])
	}
	r.report("", all...)
}
