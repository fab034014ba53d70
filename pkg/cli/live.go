package cli

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/width"

	"github.com/ystackdev/ystack/pkg/pipeline"
)

// liveProgress redraws the step under way, with what it waits for, below the
// lines of the steps that have ended.
type liveProgress struct {
	w     io.Writer
	width int
	color bool
	done  chan struct{}

	mu      sync.Mutex
	drawn   int // lines to take back before the next drawing
	step    string
	started time.Time
	message string
	items   []pipeline.Item
	frame   int
}

func newLiveProgress(w io.Writer, width int, color bool) *liveProgress {
	p := &liveProgress{w: w, width: width, color: color, done: make(chan struct{})}
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
	switch e.Type {
	case pipeline.StepStarted:
		p.step, p.started, p.message, p.items = e.Step, e.Time, "", nil
	case pipeline.StepProgress:
		p.items = e.Items
		if e.Message != "" {
			p.message = e.Message
		}
	case pipeline.StepDone:
		p.ended(green, "✓", e.Step, "done", e.Message, e.Time.Sub(p.started))
	case pipeline.StepFailed:
		p.ended(red, "✗", e.Step, "failed", "", e.Time.Sub(p.started))
	case pipeline.RunStarted, pipeline.RunResumed:
		p.erase()
		fmt.Fprintf(p.w, "run %s\n", e.Run)
	}
	p.redraw()
}

func (p *liveProgress) ended(color, symbol, step, state, message string, took time.Duration) {
	p.erase()
	p.step = ""
	text := fit(fmt.Sprintf(" %-8s %-7s %6s  %s", step, state, seconds(took), oneLine(message)), p.width-2)
	fmt.Fprintf(p.w, "%s%s\n", p.paint(color, symbol), text)
}

// erase takes back what the last redraw drew.
func (p *liveProgress) erase() {
	if p.drawn > 0 {
		fmt.Fprintf(p.w, "\x1b[%dA\x1b[J", p.drawn)
	}
	p.drawn = 0
}

const maxItems = 12

func (p *liveProgress) redraw() {
	p.erase()
	if p.step == "" {
		return
	}
	spinner := []string{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"}[p.frame%10]
	lines := []string{p.paint(cyan, spinner) +
		fit(fmt.Sprintf(" %-8s %-7s %6s  %s", p.step, "running", seconds(time.Since(p.started)), oneLine(p.message)), p.width-2)}
	for i, it := range p.items {
		if i == maxItems {
			lines = append(lines, fmt.Sprintf("    and %d more", len(p.items)-maxItems))
			break
		}
		lines = append(lines, fit("    "+itemText(it), p.width-1))
	}
	fmt.Fprintln(p.w, strings.Join(lines, "\n"))
	p.drawn = len(lines)
}

func (p *liveProgress) close() {
	close(p.done)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	p.step = ""
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
