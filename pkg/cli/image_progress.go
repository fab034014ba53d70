package cli

import (
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/ystackdev/ystack/pkg/image/store"
)

// imageProgress shows how far each image is: redrawn in place on a terminal, a line now
// and then elsewhere.
type imageProgress struct {
	w     io.Writer
	width int // 0 where nothing can be redrawn
	verb  string

	mu    sync.Mutex
	all   []*transferred
	drawn int
	at    time.Time // of the last drawing
}

type transferred struct {
	to          string
	done, total int64
	started     time.Time
	shown       time.Time // of the last line
}

func newImageProgress(env Env, verb string) *imageProgress {
	width, live := env.live()
	if !live {
		width = 0
	}
	return &imageProgress{w: env.Err, width: width, verb: verb}
}

func (p *imageProgress) report(now store.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	to := now.To.String()
	i := slices.IndexFunc(p.all, func(t *transferred) bool { return t.to == to })
	if i < 0 {
		i = len(p.all)
		p.all = append(p.all, &transferred{to: to, started: time.Now(), shown: time.Now()})
	}
	t := p.all[i]
	t.done, t.total = now.Done, now.Total
	if p.width == 0 {
		p.line(t)
	} else if time.Since(p.at) > 100*time.Millisecond || t.done == t.total {
		p.redraw()
	}
}

// lineEvery is often enough to see that something moves, and leaves a CI log readable.
const lineEvery = 5 * time.Second

func (p *imageProgress) line(t *transferred) {
	if time.Since(t.shown) > lineEvery || t.done == t.total {
		t.shown = time.Now()
		fmt.Fprintln(p.w, p.text(t))
	}
}

func (p *imageProgress) text(t *transferred) string {
	share := int64(100)
	if t.total > 0 {
		share = t.done * 100 / t.total
	}
	speed := ""
	if took := time.Since(t.started).Seconds(); took > 0.5 {
		speed = fmt.Sprintf(", %s/s", bytesText(int64(float64(t.done)/took)))
	}
	return fmt.Sprintf("%3d%% %s  %s of %s %s%s", share, t.to, bytesText(t.done), bytesText(t.total), p.verb, speed)
}

func (p *imageProgress) redraw() {
	p.erase()
	for _, t := range p.all {
		fmt.Fprintln(p.w, fit(p.text(t), p.width-1))
	}
	p.drawn, p.at = len(p.all), time.Now()
}

func (p *imageProgress) erase() {
	if p.drawn > 0 {
		fmt.Fprintf(p.w, "\x1b[%dA\x1b[J", p.drawn)
	}
	p.drawn = 0
}

func (p *imageProgress) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
}

// bytesText is a size for people.
func bytesText(n int64) string {
	value, unit := float64(n), "B"
	for _, next := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if value < 1024 {
			break
		}
		value, unit = value/1024, next
	}
	if unit == "B" {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", value, unit)
}
