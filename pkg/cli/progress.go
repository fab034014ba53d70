package cli

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/ystackdev/ystack/pkg/pipeline"
)

// progress shows a run's events on standard error: redrawn in place on a
// terminal, one line per change elsewhere.
type progress interface {
	event(pipeline.Event)
	close()
}

func newProgress(env Env) progress {
	if width, ok := env.live(); ok {
		return newLiveProgress(env.Err, width, env.color())
	}
	return &plainProgress{w: env.Err, started: map[string]time.Time{}, items: map[string]pipeline.Item{}}
}

// plainProgress writes lines that stay readable in a CI log.
type plainProgress struct {
	w       io.Writer
	mu      sync.Mutex
	started map[string]time.Time
	items   map[string]pipeline.Item
}

func (p *plainProgress) event(e pipeline.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e.Type {
	case pipeline.StepStarted:
		p.started[e.Step] = e.Time
	case pipeline.StepProgress:
		p.changes(e)
	case pipeline.StepDone:
		p.line(e.Step, "done", e.Message, e.Time.Sub(p.started[e.Step]))
	case pipeline.StepFailed:
		p.line(e.Step, "failed", "", e.Time.Sub(p.started[e.Step]))
	case pipeline.RunStarted:
		fmt.Fprintf(p.w, "run %s\n", e.Run)
	case pipeline.RunResumed:
		fmt.Fprintf(p.w, "run %s, taken up again\n", e.Run)
	}
}

// changes prints what is new in a progress event: a watch repeats the rest.
func (p *plainProgress) changes(e pipeline.Event) {
	if e.Message != "" && len(e.Items) == 0 {
		fmt.Fprintf(p.w, "%-8s %-7s %s\n", e.Step, "...", oneLine(e.Message))
	}
	for _, it := range e.Items {
		if p.items[it.Name] != it {
			p.items[it.Name] = it
			fmt.Fprintf(p.w, "%-8s %-7s %s\n", e.Step, "...", itemText(it))
		}
	}
}

func (p *plainProgress) line(step, state, message string, took time.Duration) {
	fmt.Fprintf(p.w, "%-8s %-7s %6s  %s\n", step, state, seconds(took), oneLine(message))
}

func (p *plainProgress) close() {}

func itemText(it pipeline.Item) string {
	text := it.Name + "  " + it.State
	if it.Detail != "" {
		text += ": " + oneLine(it.Detail)
	}
	return text
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func seconds(d time.Duration) string { return fmt.Sprintf("%.1fs", d.Seconds()) }
