//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ystackdev/ystack/lab/install"
	"github.com/ystackdev/ystack/lab/service"
)

// installAll gets everything before anything starts: packages, then programs.
func installAll(ctx context.Context, lab *service.Lab, services []*service.Service) error {
	for _, dir := range []string{"bin", "cache", "etc", "state", "run", "log"} {
		if err := os.MkdirAll(filepath.Join(lab.Dir, dir), 0o755); err != nil {
			return err
		}
	}
	// What an interrupted run was in the middle of.
	for _, pattern := range []string{lab.Bin(".part-*"), lab.Cache(".part-*")} {
		parts, _ := filepath.Glob(pattern)
		for _, part := range parts {
			if err := os.RemoveAll(part); err != nil {
				return err
			}
		}
	}
	if err := installPackages(ctx, lab, services); err != nil {
		return err
	}
	if err := installTree(ctx, lab, services); err != nil {
		return err
	}
	if err := install.Self(lab.Bin("lab")); err != nil {
		return err
	}
	return compileAll(ctx, lab, services)
}

func installPackages(ctx context.Context, lab *service.Lab, services []*service.Service) error {
	needed := map[string]string{}
	for _, s := range services {
		maps.Copy(needed, s.Packages)
	}
	if missing := install.Missing(needed); len(missing) > 0 {
		lab.Say("installing %s", strings.Join(missing, " "))
		if err := logged(lab, "packages", func(log io.Writer) error { return install.Packages(ctx, missing, log) }); err != nil {
			return err
		}
	}
	for _, s := range services {
		for _, name := range s.Unpack {
			if _, err := os.Stat(lab.Cache(name)); err == nil {
				continue
			}
			lab.Say("downloading %s", name)
			if err := logged(lab, "packages", func(log io.Writer) error { return install.Unpack(ctx, name, lab.Cache(name), log) }); err != nil {
				return err
			}
		}
	}
	return nil
}

func installTree(ctx context.Context, lab *service.Lab, services []*service.Service) error {
	var names []string
	for _, s := range services {
		names = append(names, s.Tree...)
	}
	tree := install.Tree{Dir: lab.Tree(""), Debs: lab.Cache("debs")}
	missing := tree.Missing(names)
	if len(missing) == 0 {
		return nil
	}
	lab.Say("unpacking %s", strings.Join(missing, " "))
	begin := time.Now()
	if err := logged(lab, "packages", func(log io.Writer) error { return tree.Add(ctx, missing, log) }); err != nil {
		return err
	}
	lab.Say("%-24s unpacked in %v", "packages", time.Since(begin).Round(time.Second))
	return nil
}

// logged runs do with a log, and names the log when it fails.
func logged(lab *service.Lab, name string, do func(io.Writer) error) error {
	log, err := os.OpenFile(lab.Log(name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	if err := do(log); err != nil {
		return fmt.Errorf("%w; see %s", err, lab.Log(name))
	}
	return nil
}

func compileAll(ctx context.Context, lab *service.Lab, services []*service.Service) error {
	var builds []string
	for _, s := range services {
		builds = append(builds, s.Builds...)
	}
	for _, target := range install.Targets(lab.Repo) {
		if !slices.Contains(builds, target.Name) {
			continue
		}
		if lab.Repo == "" && target.Present(lab.Bin("")) {
			continue // outside of a checkout the lab takes what it has
		}
		if lab.Repo == "" {
			return errors.New("run it inside a checkout of ystack: what to compile is written there, in lab/build")
		}
		if err := install.Compile(ctx, target, lab.Bin(""), lab.Say); err != nil {
			return err
		}
	}
	return nil
}
