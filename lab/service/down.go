//go:build linux

package service

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ystackdev/ystack/lab/node"
	"github.com/ystackdev/ystack/lab/process"
)

const defaultGrace = 10 * time.Second

// Down ends the services, each before what it needs.
func (l *Lab) Down(ctx context.Context, services []*Service) error {
	return WalkBack(ctx, services, func(ctx context.Context, s *Service) error {
		if err := l.halt(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
		return nil
	})
}

// halt ends one service and forgets it.
func (l *Lab) halt(ctx context.Context, s *Service) error {
	r, known := l.Record(s.Name)
	if !known {
		return nil
	}
	if s.Stop != nil && l.current(s, r) {
		if err := s.Stop(ctx, l); err != nil {
			l.Say("%s: %v; ending it all the same", s.Name, err)
		}
	}
	grace := s.Grace
	if grace == 0 {
		grace = defaultGrace
	}
	if err := process.Stop(ctx, r, grace); err != nil {
		return err
	}
	return os.Remove(l.recordFile(s.Name))
}

// Clear removes what is left when every service is down: processes, control
// groups and mounts, and what was changed on the machine. It is safe to call at any time after Down, and twice.
func (l *Lab) Clear() error {
	group, err := l.Cgroup()
	if err != nil {
		return err
	}
	if err := errors.Join(group.KillAll(), group.Remove(), l.unmount(), node.GiveBack(l.Borrowed())); err != nil {
		return err
	}
	return os.RemoveAll(l.Dir + "/run")
}

// Wipe removes all state. What was compiled and downloaded stays.
func (l *Lab) Wipe() error {
	return errors.Join(os.RemoveAll(l.Dir+"/etc"), os.RemoveAll(l.Dir+"/state"), os.RemoveAll(l.Dir+"/log"))
}

// unmount takes away what an image builder left mounted below the lab.
func (l *Lab) unmount() error {
	f, err := os.Open("/proc/self/mounts")
	if err != nil {
		return err
	}
	defer f.Close()
	var points []string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if point := strings.Fields(lines.Text())[1]; strings.HasPrefix(point, l.Dir+"/") {
			points = append(points, point)
		}
	}
	var errs []error
	for _, point := range slices.Backward(points) { // the last mounted first
		if err := unix.Unmount(point, unix.MNT_DETACH); err != nil {
			errs = append(errs, fmt.Errorf("unmount %s: %w", point, err))
		}
	}
	return errors.Join(errs...)
}
