package bgp

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
)

const (
	settling     = time.Second     // after a change, for others that belong to it
	resync       = 5 * time.Minute // without any; a change of the BGPConfiguration shows then at the latest
	roundLimit   = 5 * time.Minute // for one round
	afterFailure = 5 * time.Second
	longest      = 5 * time.Minute // after many
)

// Round is one look at everything, with what was changed.
type Round struct {
	Plan *Plan // nil if it did not come so far
	Err  error
	Took time.Duration
	Rest time.Duration // until it is tried again, after a failure
}

// Watch keeps the lists as they are meant, until ctx ends: it follows Services
// that get another address, are annotated or go. lives is told, again and
// again, how long what is done next may take; done of each round.
func (c *Cluster) Watch(ctx context.Context, lives func(atMost time.Duration), done func(Round)) error {
	for failures := 0; ; {
		lives(roundLimit)
		r := c.round(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if failures++; r.Err == nil {
			failures = 0
		} else {
			r.Rest = min(afterFailure<<min(failures-1, 10), longest)
		}
		done(r)
		lives(resync + settling)
		err := pause(ctx, r.Rest)
		if err == nil && r.Err == nil {
			err = c.await(ctx, r.Plan)
		}
		if err != nil {
			return err
		}
	}
}

func (c *Cluster) round(ctx context.Context) (r Round) {
	ctx, cancel := context.WithTimeout(ctx, roundLimit)
	defer cancel()
	began := time.Now()
	if r.Plan, r.Err = c.Follow(ctx); r.Err == nil && len(r.Plan.Changes) > 0 {
		r.Err = c.Apply(ctx, r.Plan, 0)
	}
	r.Took = time.Since(began)
	return r
}

// await returns when the lists may be other than meant: a Service has changed
// since the plan was made, or time has passed.
func (c *Cluster) await(ctx context.Context, p *Plan) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	over := time.After(resync)
	services := schema.GroupVersionResource{Version: "v1", Resource: "services"}
	w, err := c.client.Dynamic.Resource(services).Watch(ctx, metav1.ListOptions{ResourceVersion: p.facts.version})
	if err != nil {
		return pause(ctx, afterFailure)
	}
	defer w.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-over:
			return nil
		case event, open := <-w.ResultChan():
			switch {
			case !open:
				return pause(ctx, settling)
			case event.Type == watch.Bookmark:
				continue
			}
			return pause(ctx, settling)
		}
	}
}
