package cli

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/ystackdev/ystack/pkg/deploy"
	"github.com/ystackdev/ystack/pkg/pipeline"
)

// progress shows a run's events on standard error: redrawn in place on a
// terminal, one line per change elsewhere.
type progress interface {
	event(pipeline.Event)
	close()
}

// newProgress is for a run with these targets, as events name them.
func newProgress(env Env, targets ...string) progress {
	names := newStepNames(targets)
	if width, ok := env.live(); ok {
		return newLiveProgress(env.Err, width, env.color(), names)
	}
	return &plainProgress{w: env.Err, names: names, started: map[string]time.Time{}, items: map[string]deploy.Item{}}
}

// stepNames says how steps are called: with their target, where there are several.
type stepNames struct {
	several bool
	width   int
}

const stepWidth = 8 // of most steps

func newStepNames(targets []string) stepNames {
	n := stepNames{several: len(targets) > 1, width: stepWidth}
	for _, t := range targets {
		if n.several {
			n.width = max(n.width, len(t)+1+stepWidth)
		}
	}
	return n
}

func (n stepNames) of(e pipeline.Event) string {
	if !n.several {
		return e.Step
	}
	return e.Name() + "/" + e.Step
}

// plainProgress writes lines that stay readable in a CI log.
type plainProgress struct {
	w       io.Writer
	names   stepNames
	mu      sync.Mutex
	started map[string]time.Time
	items   map[string]deploy.Item // by step and name
}

func (p *plainProgress) event(e pipeline.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	name := p.names.of(e)
	switch e.Type {
	case pipeline.StepStarted:
		p.started[name] = e.Time
	case pipeline.StepProgress:
		p.changes(name, e)
	case pipeline.StepDone:
		p.line(name, "done", e.Message, e.Time.Sub(p.started[name]))
	case pipeline.StepFailed:
		p.line(name, "failed", p.why(e), e.Time.Sub(p.started[name]))
	case pipeline.RunStarted:
		fmt.Fprintf(p.w, "run %s\n", e.Run)
	case pipeline.RunResumed:
		fmt.Fprintf(p.w, "run %s, taken up again\n", e.Run)
	}
}

// why is told at once where others go on; else it is the last thing that is said.
func (p *plainProgress) why(e pipeline.Event) string {
	if !p.names.several {
		return ""
	}
	return e.Message
}

// changes prints what is new in a progress event: a watch repeats the rest.
func (p *plainProgress) changes(name string, e pipeline.Event) {
	if e.Message != "" && len(e.Items) == 0 {
		fmt.Fprintf(p.w, "%-*s %-7s %s\n", p.names.width, name, "...", oneLine(e.Message))
	}
	for _, it := range e.Items {
		if key := name + " " + it.Name; p.items[key] != it {
			p.items[key] = it
			fmt.Fprintf(p.w, "%-*s %-7s %s\n", p.names.width, name, "...", itemText(it))
		}
	}
}

func (p *plainProgress) line(name, state, message string, took time.Duration) {
	fmt.Fprintf(p.w, "%-*s %-7s %6s  %s\n", p.names.width, name, state, seconds(took), oneLine(message))
}

func (p *plainProgress) close() {}

func itemText(it deploy.Item) string {
	text := it.Name + "  " + it.State
	if it.Detail != "" {
		text += ": " + oneLine(it.Detail)
	}
	return text
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func seconds(d time.Duration) string { return fmt.Sprintf("%.1fs", d.Seconds()) }
