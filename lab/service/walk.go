//go:build linux

package service

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// Walk calls visit for each service as soon as it has returned for all that
// this one needs, many at a time. The first error ends it.
func Walk(ctx context.Context, services []*Service, visit func(context.Context, *Service) error) error {
	before := map[string][]string{}
	for _, s := range services {
		before[s.Name] = s.Needs
	}
	return walk(ctx, services, before, visit)
}

// WalkBack goes the other way: each service before what it needs.
func WalkBack(ctx context.Context, services []*Service, visit func(context.Context, *Service) error) error {
	before := map[string][]string{}
	for _, s := range services {
		for _, need := range s.Needs {
			before[need] = append(before[need], s.Name)
		}
	}
	return walk(ctx, services, before, visit)
}

func walk(ctx context.Context, services []*Service, before map[string][]string, visit func(context.Context, *Service) error) error {
	done := map[string]chan struct{}{}
	for _, s := range services {
		done[s.Name] = make(chan struct{})
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, s := range services {
		group.Go(func() error {
			for _, name := range before[s.Name] {
				if done[name] == nil {
					continue // not among those to visit
				}
				select {
				case <-done[name]:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			if err := visit(ctx, s); err != nil {
				return err
			}
			close(done[s.Name])
			return nil
		})
	}
	return group.Wait()
}
