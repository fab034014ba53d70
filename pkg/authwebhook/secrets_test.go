package authwebhook

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// lockedBuffer is a log that several goroutines write.
type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

// A token, or half of one, is in no log at the highest level, no answer and no metric.
func TestNoTokenIsTold(t *testing.T) {
	f := newFake(t)
	var told lockedBuffer
	a, c := start(t, f, func(o *Options) {
		o.BadBurst = 3
		o.Log = slog.New(slog.NewJSONHandler(&told, &slog.HandlerOptions{Level: slog.LevelDebug - 4, AddSource: true}))
	})
	var tokens []string
	try := func(token string) {
		tokens = append(tokens, token)
		for _, body := range []string{reviewOf("v1", token), reviewOf("v3", token), reviewOf("v1", token)[:60] + token} {
			told.Write(post(a.Handler(), body).Body.Bytes())
		}
	}
	try(f.issue("alice"))
	try(f.issue("system:admin"))
	try(fernetToken())
	try(jwt(object{"iss": "canary-issuer", "sub": "canary"}))
	try("canary-" + strings.Repeat("x", 2*maxToken))
	for _, fault := range []http.HandlerFunc{
		func(w http.ResponseWriter, r *http.Request) { answer(w, 500, "token "+r.Header.Get("X-Subject-Token")) },
		func(w http.ResponseWriter, r *http.Request) { answer(w, 403, "token "+r.Header.Get("X-Subject-Token")) },
		func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(r.Header.Get("X-Subject-Token"))) },
		func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		f.fail(fault)
		try(f.issue("alice"))
		_ = a.Ready(t.Context())
		c.advance(2 * freshness)
	}
	f.Close()
	try(f.issue("alice"))
	a.WriteMetrics(&told)
	for _, token := range tokens {
		for _, part := range []string{token[:min(20, len(token))], token[len(token)/2:]} {
			if strings.Contains(told.String(), part) {
				t.Errorf("%q is told:\n%s", part, &told)
				return
			}
		}
	}
	if !strings.Contains(told.String(), "keystone:alice") {
		t.Error("the log does not tell who was let in")
	}
}
