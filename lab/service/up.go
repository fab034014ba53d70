//go:build linux

package service

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/ystackdev/ystack/lab/process"
)

const (
	attempt    = 5 * time.Second        // one question whether a service is ready
	interval   = 100 * time.Millisecond // between questions
	startLimit = 3 * time.Minute        // from start to ready
	quietLimit = 30 * time.Second       // a process found running that does not answer may be starting, or busy
)

// Up brings every service to where it is ready, and leaves alone those that are.
func (l *Lab) Up(ctx context.Context, services []*Service) error {
	if err := l.mend(); err != nil {
		return err
	}
	return Walk(ctx, services, func(ctx context.Context, s *Service) error {
		if err := l.ensure(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
		return nil
	})
}

// mend clears away what a crash or a reboot left. When the node is gone, what
// still runs sits in namespaces that nothing new can join, so it must go too.
func (l *Lab) mend() error {
	if r, known := l.Record(NodeName); !known || r.Alive() {
		return nil
	}
	l.Say("the lab did not come down by itself (a crash or a reboot): clearing up first")
	group, err := l.Cgroup()
	if err != nil {
		return err
	}
	return group.KillAll()
}

func (l *Lab) ensure(ctx context.Context, s *Service) error {
	if r, _ := l.Record(s.Name); l.current(s, r) {
		if l.changed(s, r) {
			l.Say("%-24s has another configuration now: restarting", s.Name)
		} else if l.await(ctx, s, nil, quietLimit) == nil {
			return l.seed(ctx, s)
		}
	}
	if err := l.halt(ctx, s); err != nil {
		return err
	}
	begin := time.Now()
	if err := l.configure(ctx, s); err != nil {
		return err
	}
	ended, err := process.Start(l.launcher(s), l.Environ(), l.Log(s.Name))
	if err != nil {
		return err
	}
	if err := l.await(ctx, s, ended, startLimit); err != nil {
		return err
	}
	if err := l.seed(ctx, s); err != nil {
		return err
	}
	l.Say("%-24s ready in %.1fs", s.Name, time.Since(begin).Seconds())
	return nil
}

// current reports whether the recorded process runs, in the node of now.
func (l *Lab) current(s *Service, r process.Record) bool {
	holder, _ := l.Record(NodeName)
	return r.Alive() && (s.Host || r.Node == holder.ID())
}

// changed reports whether a start would now be a different one.
func (l *Lab) changed(s *Service, r process.Record) bool {
	if !slices.Equal(r.Command, s.Command(l)) || len(s.Builds) > 0 && r.Replaced() {
		return true
	}
	files, err := l.Rendered(s)
	for name, data := range files {
		old, readErr := os.ReadFile(l.Etc(name))
		if err != nil || readErr != nil || string(old) != string(data) {
			return true
		}
	}
	return false
}

func (l *Lab) seed(ctx context.Context, s *Service) error {
	if s.Seed == nil {
		return nil
	}
	return s.Seed(ctx, l)
}

func (l *Lab) configure(ctx context.Context, s *Service) error {
	if err := l.render(s); err != nil {
		return err
	}
	if s.Configure == nil {
		return nil
	}
	return s.Configure(ctx, l)
}

// await asks until the service is ready, its process has ended, or limit.
func (l *Lab) await(ctx context.Context, s *Service, ended <-chan struct{}, limit time.Duration) error {
	over := time.After(limit)
	for {
		err := l.ready(ctx, s)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ended:
			return fmt.Errorf("it ended before it was ready; the end of %s:\n%s", l.Log(s.Name), l.logEnd(s.Name))
		case <-over:
			return fmt.Errorf("not ready after %v: %w; the end of %s:\n%s", limit, err, l.Log(s.Name), l.logEnd(s.Name))
		case <-time.After(interval):
		}
	}
}

// ready asks once. A service without a question is ready when it runs.
func (l *Lab) ready(ctx context.Context, s *Service) error {
	if r, _ := l.Record(s.Name); !l.current(s, r) {
		return errors.New("it does not run")
	}
	if s.Ready == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	return s.Ready(ctx, l)
}

// logEnd is the last lines of a log, indented, for an error.
func (l *Lab) logEnd(name string) string {
	data, _ := os.ReadFile(l.Log(name))
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	return "    " + strings.Join(lines[max(0, len(lines)-8):], "\n    ")
}
