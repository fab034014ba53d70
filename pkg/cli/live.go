package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/width"

	"github.com/ystackdev/ystack/pkg/deploy"
	"github.com/ystackdev/ystack/pkg/pipeline"
)

// liveProgress redraws the steps under way, each with what it waits for, below the
// lines of the steps that have ended.
type liveProgress struct {
	w     io.Writer
	width int
	color bool
	names stepNames
	done  chan struct{}

	mu    sync.Mutex
	drawn int         // lines to take back before the next drawing
	steps []*liveStep // under way, in the order of their beginnings
	frame int
}

type liveStep struct {
	name    string
	started time.Time
	message string
	items   []deploy.Item
}

func newLiveProgress(w io.Writer, width int, color bool, names stepNames) *liveProgress {
	p := &liveProgress{w: w, width: width, color: color, names: names, done: make(chan struct{})}
	go p.spin()
	return p
}

func (p *liveProgress) spin() {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-p.done:
			return
		case <-tick.C:
			p.mu.Lock()
			p.frame++
			p.redraw()
			p.mu.Unlock()
		}
	}
}

func (p *liveProgress) event(e pipeline.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	name := p.names.of(e)
	switch e.Type {
	case pipeline.StepStarted:
		p.steps = append(p.steps, &liveStep{name: name, started: e.Time})
	case pipeline.StepProgress:
		for _, s := range p.steps {
			if s.name != name {
				continue
			}
			s.items = e.Items
			if e.Message != "" {
				s.message = e.Message
			}
		}
	case pipeline.StepDone:
		p.ended(green, "✓", name, "done", e.Message, e.Time)
	case pipeline.StepFailed:
		why := ""
		if p.names.several {
			why = e.Message
		}
		p.ended(red, "✗", name, "failed", why, e.Time)
	case pipeline.RunStarted, pipeline.RunResumed:
		p.erase()
		fmt.Fprintf(p.w, "run %s\n", e.Run)
	}
	p.redraw()
}

func (p *liveProgress) ended(color, symbol, name, state, message string, at time.Time) {
	p.erase()
	i := slices.IndexFunc(p.steps, func(s *liveStep) bool { return s.name == name })
	if i < 0 {
		return
	}
	took := at.Sub(p.steps[i].started)
	p.steps = slices.Delete(p.steps, i, i+1)
	fmt.Fprintf(p.w, "%s%s\n", p.paint(color, symbol), p.text(name, state, message, took))
}

func (p *liveProgress) text(name, state, message string, took time.Duration) string {
	return fit(fmt.Sprintf(" %-*s %-7s %6s  %s", p.names.width, name, state, seconds(took), oneLine(message)), p.width-2)
}

// erase takes back what the last redraw drew.
func (p *liveProgress) erase() {
	if p.drawn > 0 {
		fmt.Fprintf(p.w, "\x1b[%dA\x1b[J", p.drawn)
	}
	p.drawn = 0
}

const maxItems = 12 // of all steps

func (p *liveProgress) redraw() {
	p.erase()
	if len(p.steps) == 0 {
		return
	}
	spinner := []string{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"}[p.frame%10]
	var lines []string
	most := max(2, maxItems/len(p.steps))
	for _, s := range p.steps {
		lines = append(lines, p.paint(cyan, spinner)+p.text(s.name, "running", s.message, time.Since(s.started)))
		for i, it := range s.items {
			if i == most {
				lines = append(lines, fmt.Sprintf("    and %d more", len(s.items)-most))
				break
			}
			lines = append(lines, fit("    "+itemText(it), p.width-1))
		}
	}
	fmt.Fprintln(p.w, strings.Join(lines, "\n"))
	p.drawn = len(lines)
}

func (p *liveProgress) close() {
	close(p.done)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	p.steps = nil
}

const (
	red   = "31"
	green = "32"
	cyan  = "36"
)

func (p *liveProgress) paint(color, s string) string {
	if !p.color {
		return s
	}
	return "\x1b[" + color + "m" + s + "\x1b[0m"
}

// fit cuts s to so many terminal cells: a line that wraps could not be taken
// back.
func fit(s string, cells int) string {
	used := 0
	for i, r := range s {
		n := 1
		if k := width.LookupRune(r).Kind(); k == width.EastAsianWide || k == width.EastAsianFullwidth {
			n = 2
		}
		if used+n > cells-1 {
			return s[:i] + "…"
		}
		used += n
	}
	return s
}
