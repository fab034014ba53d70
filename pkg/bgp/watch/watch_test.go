package watch

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/ystackdev/ystack/pkg/bgp"
	"github.com/ystackdev/ystack/pkg/exposition"
)

// What is told of rounds, and counted.
func TestNote(t *testing.T) {
	var log, metrics bytes.Buffer
	w := &watcher{metrics: newMetrics(), health: &exposition.Health{}}
	w.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "took" {
			return slog.Attr{}
		}
		return a
	}}))
	good := bgp.Round{Plan: &bgp.Plan{}, Took: 20 * time.Millisecond}
	headless := bgp.Round{Plan: &bgp.Plan{Problems: []error{errors.New("service a/b is headless")}}, Took: time.Second}
	down := bgp.Round{Err: errors.New("down"), Rest: 5 * time.Second, Took: time.Hour}
	w.note(down)
	if w.health.Ready() == nil {
		t.Error("ready before a round was good")
	}
	for _, r := range []bgp.Round{good, good, headless, headless, down, down, good} {
		w.note(r)
		if err := w.health.Ready(); err != nil {
			t.Error(err)
		}
	}
	const failed, left, done = `level=ERROR msg=round outcome=failed error=down again_in=5s`, `level=INFO msg=round outcome=left changes=0 left=1`, `level=INFO msg=round outcome=done changes=0 left=0`
	want := strings.Join([]string{
		failed, done, `level=WARN msg="left alone" reason="service a/b is headless"`, left, failed, failed,
		`level=INFO msg="nothing is left undone any more"`, done, "",
	}, "\n")
	if log.String() != want {
		t.Errorf("%s\nwant\n%s", &log, want)
	}
	w.metrics.write(&metrics)
	for _, line := range []string{
		`rounds_total{outcome="done"} 3`, `rounds_total{outcome="left"} 2`, `rounds_total{outcome="failed"} 3`, `left_services 0`,
		`round_duration_seconds_bucket{le="0.025"} 3`, `round_duration_seconds_bucket{le="1"} 5`, `round_duration_seconds_bucket{le="60"} 5`, `round_duration_seconds_count 8`,
		`changes_total{action="add"} 0`, `entries{list="serviceExternalIPs"} 0`,
	} {
		if !strings.Contains(metrics.String(), "\n"+prefix+line+"\n") {
			t.Errorf("no %s in\n%s", line, &metrics)
		}
	}
}
