//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"slices"
	"time"

	"github.com/ystackdev/ystack/lab/catalog"
	"github.com/ystackdev/ystack/lab/preflight"
	"github.com/ystackdev/ystack/lab/service"
)

func down(ctx context.Context, lab *service.Lab, args []string) error {
	flags := flag.NewFlagSet("lab down", flag.ContinueOnError)
	wipe := flags.Bool("wipe", false, "remove all state too")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *wipe && flags.NArg() > 0 {
		return errors.New("--wipe removes the state of all services, so it goes without names")
	}
	all := catalog.All()
	services, err := named(all, flags.Args())
	if err != nil {
		return err
	}
	if err := preflight.Root(); err != nil {
		return err
	}
	unlock, err := lab.Lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	begin := time.Now()
	if err := lab.Down(ctx, services); err != nil {
		return err
	}
	if len(services) == len(all) {
		if err := lab.Clear(); err != nil {
			return err
		}
	}
	if *wipe {
		if err := lab.Wipe(); err != nil {
			return err
		}
	}
	lab.Say("down in %.1fs", time.Since(begin).Seconds())
	return nil
}

// named returns the services of these names or profiles, without what they
// need. Nothing can live without the node, so it stands for all.
func named(all []*service.Service, args []string) ([]*service.Service, error) {
	names := catalog.Expand(args)
	if slices.Contains(names, service.NodeName) {
		return all, nil
	}
	if _, err := service.Select(all, names); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(s *service.Service) bool { return !slices.Contains(names, s.Name) }), nil
}
