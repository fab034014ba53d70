package authwebhook

import (
	"encoding/base64"
	"math/rand/v2"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// flood sends reviews from several goroutines, as an API server would, and counts the
// answers by HTTP status.
func flood(a *Authenticator, n int, token func(i int) string) map[int]int {
	var next atomic.Int64
	var mu sync.Mutex
	codes := map[int]int{}
	var wg sync.WaitGroup
	h := a.Handler()
	for range 32 {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				code := post(h, reviewOf("v1", token(int(i)))).Code
				mu.Lock()
				codes[code]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return codes
}

func TestFloodOfGoodTokens(t *testing.T) {
	f := newFake(t)
	a, _ := start(t, f, nil)
	tokens := make([]string, 100)
	for i := range tokens {
		tokens[i] = f.issue("alice")
	}
	codes := flood(a, 10_000, func(i int) string { return tokens[i%100] })
	if codes[http.StatusOK] != 10_000 {
		t.Error(codes)
	}
	f.expect(t, 100)
}

// None of these may make Keystone work, or stay in memory.
func TestFloodOfOtherTokens(t *testing.T) {
	for name, token := range map[string]func(int) string{
		"random": func(int) string {
			raw := make([]byte, 100+rand.IntN(200))
			for i := range raw {
				raw[i] = byte(rand.Uint32())
			}
			return base64.RawURLEncoding.EncodeToString(raw)
		},
		"JWTs": func(i int) string {
			return jwt(object{"iss": "https://kubernetes.default.svc", "sub": "system:serviceaccount:a:b", "jti": i, "exp": time.Now().Unix() + 3600})
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			a, _ := start(t, f, nil)
			before := heap()
			if codes := flood(a, 10_000, token); codes[http.StatusOK] != 10_000 {
				t.Error(codes)
			}
			if grown := heap() - before; grown > 1<<20 {
				t.Errorf("the heap grew by %d KiB", grown>>10)
			}
			f.expect(t, 0)
		})
	}
}

// Tokens that Keystone might have issued cost it a request each, but no more than it was
// said to bear; who is known gets in all the while.
func TestFloodOfForgedTokens(t *testing.T) {
	f := newFake(t)
	a, _ := start(t, f, func(o *Options) { o.CacheSize = 1000 })
	known := f.issue("alice")
	accepts(t, a, known)
	before, began := heap(), time.Now()
	codes := flood(a, 10_000, func(int) string { return fernetToken() })
	accepts(t, a, known)
	allowed := int64(float64(a.opts.BadBurst)+a.opts.BadRate*time.Since(began).Seconds()) + int64(a.opts.Concurrency) + 2
	if n := f.requests.Load(); n > allowed {
		t.Errorf("%d requests, more than %d", n, allowed)
	}
	if codes[http.StatusOK] < a.opts.BadBurst || codes[http.StatusOK]+codes[http.StatusServiceUnavailable] != 10_000 {
		t.Error(codes)
	}
	if grown := heap() - before; grown > 1<<20 {
		t.Errorf("the heap grew by %d KiB", grown>>10)
	}
	if a.bad.len() > 1000 {
		t.Errorf("%d entries", a.bad.len())
	}
}

func TestLRU(t *testing.T) {
	c, now := newLRU[int](2), time.Now()
	later := now.Add(time.Minute)
	c.put(key{1}, 1, later)
	c.put(key{2}, 2, later)
	c.get(key{1}, now)
	c.put(key{3}, 3, later)
	if _, ok := c.get(key{2}, now); ok {
		t.Error("the one not asked for longest is still there")
	}
	if v, ok := c.get(key{1}, now); !ok || v != 1 || c.len() != 2 {
		t.Error(v, ok, c.len())
	}
	if _, ok := c.get(key{3}, later); ok || c.len() != 1 {
		t.Error("out of its time")
	}
	c.put(key{1}, 4, later)
	c.update(key{1}, func(v *int) { *v++ })
	c.update(key{9}, func(*int) { t.Error("not there") })
	if v, _ := c.get(key{1}, now); v != 5 || c.len() != 1 {
		t.Error(v, c.len())
	}
}

// heap is what is in use, after a collection.
func heap() int64 {
	var m runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Nothing goes on when all is closed.
func TestNoGoroutineLeaks(t *testing.T) {
	before := runtime.NumGoroutine()
	func() {
		f := newFake(t)
		a, c := start(t, f, nil)
		f.slow(5 * time.Millisecond)
		tokens := []string{f.issue("alice"), f.issue("bob"), fernetToken()}
		flood(a, 500, func(i int) string { return tokens[i%3] })
		c.advance(a.opts.Recheck * 3 / 4)
		flood(a, 500, func(i int) string { return tokens[i%3] })
		a.Close()
		if _, err := a.Review(t.Context(), f.issue("carol")); err == nil {
			t.Error("a closed one answers")
		}
		f.Close()
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	}()
	eventually(t, func() bool { return runtime.NumGoroutine() <= before+1 }) // the client may keep one connection's
}
