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
	afterFailure = 5 * time.Second
)

// Watch keeps the lists as they are meant, until ctx ends: it follows Services
// that get another address, are annotated or go. done is told of each round
// that changed something or failed.
func (c *Cluster) Watch(ctx context.Context, done func(*Plan, error)) error {
	for {
		p, err := c.Follow(ctx)
		if err == nil && len(p.Changes) > 0 {
			err = c.Apply(ctx, p, 0)
			done(p, err)
		} else if err != nil && ctx.Err() == nil {
			done(nil, err)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			if err := pause(ctx, afterFailure); err != nil {
				return err
			}
			continue
		}
		if err := c.await(ctx, p); err != nil {
			return err
		}
	}
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
