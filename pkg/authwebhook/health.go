package authwebhook

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ystackdev/ystack/pkg/keystone"
)

// freshness is how long Keystone's last answer counts as a sign of life.
const freshness = 10 * time.Second

// health is what is known of Keystone.
type health struct {
	mu        sync.Mutex
	last      time.Time // of an answer
	failing   time.Time // since when there was none; zero when all is well
	err       error
	forbidden bool // said already

	probe   sync.Mutex // one at a time
	probed  time.Time
	verdict error
}

// reached notes an answer of Keystone's, whatever it was.
func (a *Authenticator) reached(now time.Time) {
	h := &a.health
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.failing.IsZero() {
		a.log.Info("Keystone answers again", "after", now.Sub(h.failing).String())
	}
	h.last, h.failing, h.err = now, time.Time{}, nil
}

// unreached says once that Keystone does not answer, not once per token.
func (a *Authenticator) unreached(now time.Time, err error) {
	if a.ctx.Err() != nil {
		return
	}
	h := &a.health
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.failing.IsZero() {
		h.failing = now
		a.log.Error("Keystone gives no usable answer; tokens that are not known yet get an error", "error", err.Error())
	}
	h.err = err
}

// forbidden says once what an operator must change.
func (a *Authenticator) forbidden(err error) {
	h := &a.health
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.forbidden {
		h.forbidden = true
		a.log.Error("no token can be validated", "error", err.Error())
	}
}

func (h *health) lastAnswer() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last
}

// Ready tells whether Keystone has answered lately, and if not, asks it. It does so no
// more than every few seconds, however often it is called: anybody may call it.
func (a *Authenticator) Ready(ctx context.Context) error {
	now := a.now()
	if now.Sub(a.health.lastAnswer()) < freshness {
		return nil
	}
	h := &a.health
	h.probe.Lock()
	defer h.probe.Unlock()
	if now.Sub(h.probed) < freshness/2 {
		return h.verdict
	}
	h.verdict = a.ping(ctx)
	h.probed = a.now()
	return h.verdict
}

// ping asks about a token that cannot exist: that Keystone refuses it shows more than
// an answer to an unauthenticated question would.
func (a *Authenticator) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, a.opts.Timeout)
	defer cancel()
	_, err := a.keystone.Validate(ctx, keystone.Secret(impossibleToken()))
	now := a.now()
	if err == nil || refused(err) || errors.Is(err, keystone.ErrForbidden) {
		a.reached(now)
		return nil
	}
	a.unreached(now, err)
	last := "never"
	if t := a.health.lastAnswer(); !t.IsZero() {
		last = t.UTC().Format(time.RFC3339)
	}
	return fmt.Errorf("Keystone does not answer (last answer: %s): %w", last, err)
}

// impossibleToken looks like a Fernet token of 1970 whose MAC is zero.
func impossibleToken() string {
	raw := make([]byte, fernetOverhead+fernetBlock)
	raw[0] = fernetVersion
	return base64.RawURLEncoding.EncodeToString(raw)
}
