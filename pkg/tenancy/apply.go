package tenancy

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ystackdev/ystack/pkg/kube"
	"github.com/ystackdev/ystack/pkg/tenancy/abac"
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

// Apply makes the changes of a plan. What fails is told when the rest is done; many
// failures end their phase, and only what must fail for all ends everything at once. It
// may be run again at any time.
func Apply(ctx context.Context, c *kube.Client, p *Plan, o ApplyOptions) error {
	const concurrency = 32
	if o.Concurrency <= 0 {
		o.Concurrency = concurrency
	}
	a := &applier{client: c, config: p.Config.Metadata.Name, secrets: p.secrets, options: o, now: time.Now(), without: map[string]bool{}}
	for changes := p.Changes; len(changes) > 0 && a.fatal == nil; {
		n := 1
		for n < len(changes) && changes[n].phase() == changes[0].phase() {
			n++
		}
		if o.Boundary != nil {
			o.Boundary("tenant-sync:" + changes[0].phase().String())
		}
		if changes[0].phase() == phasePolicy {
			a.writePolicy(p.policy, changes[:n])
		} else {
			a.all(ctx, changes[:n])
		}
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
	secrets Secrets
	options ApplyOptions
	now     time.Time

	mu       sync.Mutex
	without  map[string]bool // namespaces that could not be made
	failures int             // of this phase
	errs     []error
	fatal    error
}

// writePolicy makes all changes of the policy file at once.
func (a *applier) writePolicy(p *policy, changes []Change) {
	if !a.options.DryRun {
		if _, err := abac.WriteFile(p.path, p.comment, p.rules); err != nil {
			a.errs = append(a.errs, fmt.Errorf("policy file: %w", err))
			return
		}
	}
	for _, c := range changes {
		a.note(c, nil)
	}
}

func (a *applier) all(ctx context.Context, changes []Change) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var g errgroup.Group
	g.SetLimit(a.options.Concurrency)
	skipped := 0
	for _, c := range changes {
		if ctx.Err() != nil {
			break
		}
		if skip, flooded := a.skip(c); skip {
			if flooded {
				skipped++
			}
			continue
		}
		g.Go(func() error {
			a.note(c, a.one(ctx, c))
			if a.isOver() {
				cancel()
			}
			return nil
		})
	}
	_ = g.Wait()
	if err := context.Cause(ctx); err != nil && a.fatal == nil {
		a.fatal = err
	}
	if skipped > 0 {
		a.errs = append(a.errs, fmt.Errorf("and so on: after so many failures %d changes of this kind were not tried", skipped))
	}
	a.failures = 0
}

// skip tells whether a change is not to be tried: there were too many failures, or its
// namespace is not there, which was said, or is so in a dry run.
func (a *applier) skip(c Change) (skip, flooded bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.failures >= maxErrors {
		a.leaveOut(c)
		return true, true
	}
	return a.without[c.Object.Metadata.Namespace], false
}

// leaveOut notes that a namespace is not made.
func (a *applier) leaveOut(c Change) {
	if c.phase() == phaseNamespaces && c.Action == Create {
		a.without[c.Object.Metadata.Name] = true
	}
}

func (a *applier) isOver() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.fatal != nil
}

// note keeps the outcome of a change.
func (a *applier) note(c Change, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil || a.options.DryRun {
		a.leaveOut(c)
	}
	switch {
	case err == nil:
		if a.options.Done != nil {
			a.options.Done(c)
		}
		return
	case a.fatal != nil:
		return
	case hopeless(err):
		a.fatal = err
		return
	}
	a.failures++
	a.errs = append(a.errs, fmt.Errorf("%s: %w", c.Object, err))
}

// maxErrors is how many failures in a phase are enough to know that there will be more.
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
