package watch

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/ystackdev/ystack/pkg/tenancy"
)

// tellChange tells of one change that was made.
func (w *watcher) tellChange(c tenancy.Change) { w.Log.Info("changed", attributes(c)...) }

func attributes(c tenancy.Change) []any {
	of := []any{slog.String("action", string(c.Action)), slog.String("kind", kindOf(c))}
	if in := c.Object.Metadata.Namespace; in != "" {
		of = append(of, slog.String("namespace", in))
	}
	return append(of, slog.String("name", c.Object.Metadata.Name), slog.String("reason", c.Reason))
}

func kindOf(c tenancy.Change) string { return strings.ToLower(c.Object.Kind) }

// tell tells of a round. One that is like the last, with nothing to do, is for those who
// look closely.
func (w *watcher) tell(r result, took, pause time.Duration) {
	w.tellWarnings()
	if r.plan != nil {
		w.tellLeft(r.plan)
	}
	level := slog.LevelDebug
	if r.made > 0 || r.outcome != w.last || w.metrics.rounds() == 1 {
		level = slog.LevelInfo
	}
	w.last = r.outcome
	of := []any{slog.String("outcome", r.outcome.String()), slog.String("took", took.Round(time.Millisecond).String()), slog.Int("changes", r.made)}
	if r.plan != nil {
		of = append(of, slog.Int("planned", len(r.plan.Changes)), slog.Int("held", len(r.plan.Held)),
			slog.Int("conflicts", len(r.plan.Conflicts)), slog.Int("namespaces", r.plan.Namespaces))
	}
	if r.outcome == partly || r.outcome == failed {
		level = slog.LevelError
		of = append(of, slog.String("error", r.err.Error()), slog.String("again_in", pause.Round(time.Second/10).String()))
	}
	w.Log.Log(context.Background(), level, "round", of...)
}

// tellLeft tells what is held back or left alone, when it is not what it was.
func (w *watcher) tellLeft(plan *tenancy.Plan) {
	now := leftOf(plan)
	if now == w.left {
		return
	}
	if w.left != "" && now == "" {
		w.Log.Info("nothing is left undone any more")
	}
	w.left = now
	for _, c := range plan.Held {
		w.Log.Warn("held back", attributes(c)...)
	}
	if plan.Caps != "" {
		w.Log.Warn("nothing is removed: look with --diff, and if it is right, raise the cap", slog.String("error", plan.Caps))
	}
	for _, c := range plan.Conflicts {
		w.Log.Warn("left alone", slog.String("reason", c))
	}
}

func leftOf(plan *tenancy.Plan) string {
	var all []string
	for _, c := range plan.Held {
		all = append(all, c.String())
	}
	return strings.Join(append(append(all, plan.Caps), plan.Conflicts...), "\n")
}

// tellWarnings tells each of the API server's warnings once.
func (w *watcher) tellWarnings() {
	if w.Cluster == nil {
		return
	}
	all := w.Cluster.Warnings()
	for _, text := range all[w.warnings:] {
		w.Log.Warn("the API server warns", slog.String("warning", text))
	}
	w.warnings = len(all)
}
