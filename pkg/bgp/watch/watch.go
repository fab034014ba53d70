// Package watch keeps what Calico announces as it is meant, for ever: what package bgp
// does, with health, metrics and a log.
package watch

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/ystackdev/ystack/pkg/bgp"
	"github.com/ystackdev/ystack/pkg/exposition"
)

// Options say what [Run] does.
type Options struct {
	Cluster *bgp.Cluster
	// Listen is where health and metrics are served; empty for nowhere.
	Listen string
	Log    *slog.Logger
}

// Run goes on until the context ends; that is no error. Only what is wrong from the
// beginning is: an address that is taken. Whatever fails later is told, and tried again.
func Run(ctx context.Context, o Options) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w := &watcher{Options: o, metrics: newMetrics(), health: &exposition.Health{}}
	stop, err := w.server().Start(cancel)
	if err != nil {
		return err
	}
	defer stop()
	err = o.Cluster.Watch(ctx, func(atMost time.Duration) { w.health.Expect(time.Now(), atMost) }, w.note)
	if errors.Is(err, exposition.ErrServer) {
		return err
	}
	o.Log.Info("ended")
	return nil
}

// watcher is a run of [Run].
type watcher struct {
	Options
	metrics *metrics
	health  *exposition.Health
	last    outcome
	left    string // Services that cannot be followed, as told
}

func (w *watcher) server() exposition.Server {
	return exposition.Server{Listen: w.Listen, Health: w.health, Metrics: w.metrics.write, Log: w.Log}
}

// outcome is what came of a round.
type outcome int

const (
	done   outcome = iota // all is as it should be
	left                  // some Services cannot be followed
	failed                // nothing is known, or nothing can be changed
)

func (o outcome) String() string { return [...]string{"done", "left", "failed"}[o] }

func outcomeOf(r bgp.Round) outcome {
	switch {
	case r.Err != nil:
		return failed
	case len(r.Plan.Problems) > 0:
		return left
	}
	return done
}

// note counts a round and tells of it. One that is like the last, with nothing to do, is
// for those who look closely.
func (w *watcher) note(r bgp.Round) {
	o := outcomeOf(r)
	w.health.Note(r.Err)
	first := w.metrics.note(r, o, time.Now())
	of := []any{slog.String("outcome", o.String()), slog.String("took", r.Took.Round(time.Millisecond).String())}
	if o == failed {
		w.last = o
		w.Log.Error("round", append(of, slog.String("error", r.Err.Error()), slog.String("again_in", r.Rest.String()))...)
		return
	}
	changes := r.Plan.Entries()
	for _, c := range changes {
		w.Log.Info("changed", slog.String("action", c.Action), slog.String("list", string(c.List)), slog.String("entry", c.Entry), slog.String("for", c.Origin))
	}
	w.tellLeft(r.Plan)
	level := slog.LevelDebug
	if len(changes) > 0 || o != w.last || first {
		level = slog.LevelInfo
	}
	w.last = o
	w.Log.Log(context.Background(), level, "round", append(of, slog.Int("changes", len(changes)), slog.Int("left", len(r.Plan.Problems)))...)
}

// tellLeft tells which Services cannot be followed, when they are not those they were.
func (w *watcher) tellLeft(p *bgp.Plan) {
	var all []string
	for _, problem := range p.Problems {
		all = append(all, problem.Error())
	}
	now := strings.Join(all, "\n")
	if now == w.left {
		return
	}
	if now == "" {
		w.Log.Info("nothing is left undone any more")
	}
	w.left = now
	for _, reason := range all {
		w.Log.Warn("left alone", slog.String("reason", reason))
	}
}
