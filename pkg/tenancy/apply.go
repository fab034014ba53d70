package tenancy

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ystackdev/ystack/pkg/kube"
)

// ApplyOptions are all optional.
type ApplyOptions struct {
	// Concurrency is how many requests may be under way at once: 32 if it is 0.
	Concurrency int
	// DryRun lets the server check everything and keep nothing. Bindings of namespaces
	// that are not there yet are not checked.
	DryRun bool
	// Done is told of each change that was made, one at a time.
	Done func(Change)
	// Boundary is called before each phase that has changes.
	Boundary func(phase string)
}

// Apply makes the changes of a plan. What fails is told when the rest is done; only what
// must fail for all ends it at once. It may be run again at any time.
func Apply(ctx context.Context, c *kube.Client, p *Plan, o ApplyOptions) error {
	const concurrency = 32
	if o.Concurrency <= 0 {
		o.Concurrency = concurrency
	}
	a := &applier{client: c, config: p.Config.Metadata.Name, options: o, now: time.Now(), without: map[string]bool{}}
	for changes := p.Changes; len(changes) > 0 && a.fatal == nil; {
		n := 1
		for n < len(changes) && changes[n].phase() == changes[0].phase() {
			n++
		}
		if o.Boundary != nil {
			o.Boundary("tenant-sync:" + changes[0].phase().String())
		}
		a.all(ctx, changes[:n])
		changes = changes[n:]
	}
	if a.fatal != nil {
		return a.fatal
	}
	return errors.Join(a.errs...)
}

// applier makes changes, many at once.
type applier struct {
	client  *kube.Client
	config  string // its name
	options ApplyOptions
	now     time.Time

	mu      sync.Mutex
	without map[string]bool // namespaces that could not be made
	errs    []error
	fatal   error
}

func (a *applier) all(ctx context.Context, changes []Change) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var g errgroup.Group
	g.SetLimit(a.options.Concurrency)
	for _, c := range changes {
		if ctx.Err() != nil {
			break
		}
		if a.skip(c) {
			continue
		}
		g.Go(func() error {
			if !a.note(c, a.one(ctx, c)) {
				cancel()
			}
			return nil
		})
	}
	_ = g.Wait()
	if err := context.Cause(ctx); err != nil && a.fatal == nil {
		a.fatal = err
	}
}

// skip tells whether a namespace is not there: what failed was said, and a dry run
// makes none.
func (a *applier) skip(c Change) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.without[c.Object.Metadata.Namespace]
}

// note keeps the outcome of a change, and tells whether to go on.
func (a *applier) note(c Change, err error) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c.phase() == phaseNamespaces && c.Action == Create && (err != nil || a.options.DryRun) {
		a.without[c.Object.Metadata.Name] = true
	}
	if err == nil {
		if a.options.Done != nil {
			a.options.Done(c)
		}
		return true
	}
	if a.fatal == nil && hopeless(err) {
		a.fatal = err
	}
	if len(a.errs) < maxErrors {
		a.errs = append(a.errs, fmt.Errorf("%s: %w", c.Object, err))
	} else if a.fatal == nil {
		a.fatal = fmt.Errorf("%w\nand so on: stopped after %d failures", errors.Join(a.errs...), maxErrors)
	}
	return a.fatal == nil
}

// maxErrors is how many failures are enough to know that there will be more.
const maxErrors = 20

// hopeless are errors that the next request would get too.
func hopeless(err error) bool {
	for _, kind := range []error{kube.ErrUnreachable, kube.ErrUnauthorized, kube.ErrCertificate, kube.ErrExecPlugin, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}
