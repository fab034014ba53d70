package watch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/kube"
	"github.com/ystackdev/ystack/pkg/tenancy"
)

// outcome is what came of a round.
type outcome int

const (
	done        outcome = iota // all is as it should be
	left                       // something is held back or left alone
	partly                     // some of the changes failed
	failed                     // nothing is known, or nothing can be changed
	interrupted                // the end came; not counted
)

func (o outcome) String() string {
	return [...]string{"done", "left", "partly", "failed", "interrupted"}[o]
}

// result is what a round did.
type result struct {
	outcome outcome
	plan    *tenancy.Plan // nil if it did not come so far
	made    int
	err     error
}

// once makes a round and counts it.
func (w *watcher) once(ctx context.Context) (r result, took time.Duration) {
	config, began := w.current(), time.Now()
	r = w.round(ctx, config)
	if r.outcome == failed && !ofCluster(r.err) {
		w.forgetSession() // the credentials or the address may have changed
	}
	w.metrics.note(r, began, time.Now())
	switch r.outcome {
	case failed:
		w.health.Note(r.err)
	case interrupted:
	default:
		w.health.Note(nil)
	}
	return r, time.Since(began)
}

var errLimit = errors.New("the round took too long")

// follow is a round: read, plan, apply. The end of the context ends the reading at once;
// changes may go on for a while.
func (w *watcher) follow(ctx context.Context, config *app.TenantSync) result {
	limited, cancel := context.WithTimeoutCause(ctx, w.Limit, errLimit)
	defer cancel()
	session, err := w.session()
	if err != nil {
		return result{outcome: failed, err: err}
	}
	plan, err := tenancy.Prepare(limited, session, w.Cluster, config, w.Plan)
	if err != nil {
		return result{outcome: broken(ctx), err: w.because(limited, err)}
	}
	r := result{plan: plan}
	later, end := outliving(limited, ctx, w.Grace)
	defer end()
	r.err = tenancy.Apply(later, w.Cluster, plan, tenancy.ApplyOptions{
		Concurrency: w.Concurrency, Boundary: w.Boundary,
		Done: func(c tenancy.Change) {
			r.made++
			w.metrics.change(c)
			w.tellChange(c)
		},
	})
	switch {
	case r.err == nil && len(plan.Held)+len(plan.Conflicts) > 0:
		r.outcome = left
	case r.err == nil:
	case later.Err() != nil || ofAll(r.err):
		r.outcome, r.err = broken(ctx), w.because(limited, r.err)
	default:
		r.outcome = partly
	}
	return r
}

// broken is a round that did not come to its end.
func broken(ctx context.Context) outcome {
	if ctx.Err() != nil {
		return interrupted
	}
	return failed
}

// because names the limit where it ended a round: errors say "deadline exceeded" then.
func (w *watcher) because(limited context.Context, err error) error {
	if cause := context.Cause(limited); errors.Is(cause, errLimit) {
		return fmt.Errorf("%w (more than %s): %w", errLimit, w.Limit, err)
	}
	return err
}

// outliving ends when a round's limit is over, or, after some grace, when the end of all
// is asked for.
func outliving(limited, whole context.Context, grace time.Duration) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(limited))
	stop := context.AfterFunc(limited, func() {
		if whole.Err() == nil {
			cancel(context.Cause(limited))
			return
		}
		sleep(ctx, grace)
		cancel(context.Cause(whole))
	})
	return ctx, func() { stop(); cancel(nil) }
}

// ofAll are errors that every change would get.
func ofAll(err error) bool {
	for _, kind := range []error{kube.ErrUnreachable, kube.ErrUnauthorized, kube.ErrCertificate, kube.ErrExecPlugin} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// ofCluster tells what the API server, or the way to it, is to blame for.
func ofCluster(err error) bool {
	var e *kube.Error
	return errors.As(err, &e)
}
