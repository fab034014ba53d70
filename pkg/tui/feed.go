package tui

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/ystackdev/ystack/pkg/keystone"
	"github.com/ystackdev/ystack/pkg/kube"
)

// feed is what a source sends to its pane through.
type feed struct {
	pane, origin string
	send         func(any)
	refresh      chan struct{}
	loaded       bool // since the last failure
}

// rows sends what there is now.
func (f *feed) rows(rows []Row, note string) { f.rowsOf(f.pane, rows, note) }

// rowsOf is for sources that fill several panes.
func (f *feed) rowsOf(pane string, rows []Row, note string) {
	f.loaded = true
	f.send(Loaded{Pane: pane, Origin: f.origin, Rows: rows, Note: note, At: time.Now()})
}

// How long to wait after a failure: the first time, and at most.
const (
	firstWait = 500 * time.Millisecond
	longWait  = 30 * time.Second
)

// start runs a source for ever: one that fails or ends is started again, later and later
// until it has something to show. It can fill several panes, whose names are in one text.
func (h *hub) start(screen, panes, origin string, run func(context.Context, *feed) error) {
	f := &feed{pane: panes, origin: origin, send: h.send, refresh: make(chan struct{}, 1)}
	h.mu.Lock()
	h.refresh[screen] = append(h.refresh[screen], f.refresh)
	h.mu.Unlock()
	go func() {
		wait := firstWait
		for {
			f.loaded = false
			err := run(h.ctx, f)
			if h.ctx.Err() != nil {
				return
			}
			if f.loaded {
				wait = firstWait
			}
			if err != nil {
				for _, pane := range strings.Fields(panes) {
					h.send(Failed{Pane: pane, Origin: origin, Err: explain(err), Since: time.Now()})
				}
			}
			if refused(err) {
				f.rest(h.ctx)
				continue
			}
			f.pause(h.ctx, wait)
			wait = min(2*wait, longWait)
		}
	}()
}

// refused tells that to try again by itself would do harm. Credential plugins may send a
// password, too.
func refused(err error) bool { return keystone.Refused(err) || errors.Is(err, kube.ErrExecPlugin) }

// rest waits until the user wants to know anew.
func (f *feed) rest(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-f.refresh:
	}
}

// pause waits, or until the user wants it now.
func (f *feed) pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-f.refresh:
	}
}

// explain begins with the one word that matters.
func explain(err error) string {
	text := err.Error()
	if refused(err) {
		text += " (Ctrl-R tries again)"
	}
	kind := ""
	switch {
	case errors.Is(err, kube.ErrUnreachable), errors.Is(err, keystone.ErrUnreachable), errors.Is(err, context.DeadlineExceeded):
		return "unreachable since " + sinceMark + ": " + text
	case errors.Is(err, kube.ErrForbidden), errors.Is(err, keystone.ErrForbidden):
		kind = "forbidden"
	case errors.Is(err, kube.ErrUnauthorized), errors.Is(err, keystone.ErrUnauthorized):
		kind = "not logged in"
	}
	if kind == "" || strings.HasPrefix(text, kind) {
		return text
	}
	return kind + ": " + text
}

// sinceMark is where a pane puts the time of the first failure.
const sinceMark = "{since}"
