//go:build linux

package main

import (
	"context"
	"flag"
	"slices"
	"time"

	"github.com/ystackdev/ystack/lab/catalog"
	"github.com/ystackdev/ystack/lab/preflight"
	"github.com/ystackdev/ystack/lab/service"
)

func up(ctx context.Context, lab *service.Lab, args []string) error {
	flags := flag.NewFlagSet("lab up", flag.ContinueOnError)
	restart := flags.Bool("restart", false, "end the named services first")
	if err := flags.Parse(args); err != nil {
		return err
	}
	names := catalog.Expand(flags.Args())
	services, err := service.Select(catalog.All(), names)
	if err != nil {
		return err
	}
	if err := preflight.Machine(lab.Dir); err != nil {
		return err
	}
	unlock, err := lab.Lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	begin := time.Now()
	// Only what listens on the machine itself can meet somebody else there.
	if r, _ := lab.Record("forward"); !r.Alive() && slices.Contains(service.Names(services), "forward") {
		if err := preflight.Ports(catalog.HostPorts()); err != nil {
			return err
		}
	}
	if err := installAll(ctx, lab, services); err != nil {
		return err
	}
	if *restart {
		if services, err = stopFirst(ctx, lab, names); err != nil {
			return err
		}
	}
	if err := lab.Up(ctx, services); err != nil {
		return err
	}
	lab.Say(`up in %.1fs. To use it: eval "$(go run ./lab env)"; kubectl get nodes`, time.Since(begin).Seconds())
	return nil
}

// stopFirst ends the named services, and returns what is to be started: these
// and all that ran, since more may have had to go than was named.
func stopFirst(ctx context.Context, lab *service.Lab, names []string) ([]*service.Service, error) {
	doomed, err := named(catalog.All(), names)
	if err != nil {
		return nil, err
	}
	for _, s := range catalog.All() {
		if _, ran := lab.Record(s.Name); ran {
			names = append(names, s.Name)
		}
	}
	if err := lab.Down(ctx, doomed); err != nil {
		return nil, err
	}
	return service.Select(catalog.All(), names)
}
