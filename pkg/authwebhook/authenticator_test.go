package authwebhook

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ystackdev/ystack/pkg/keystone"
)

func accepts(t *testing.T, a *Authenticator, token string) Verdict {
	t.Helper()
	v, err := a.Review(t.Context(), token)
	if err != nil || !v.Accepted {
		t.Fatalf("not accepted: %+v, %v", v, err)
	}
	return v
}

func refuses(t *testing.T, a *Authenticator, token string) Verdict {
	t.Helper()
	v, err := a.Review(t.Context(), token)
	if err != nil || v.Accepted {
		t.Fatalf("not refused: %+v, %v", v, err)
	}
	return v
}

func (f *fakeKeystone) expect(t *testing.T, requests int64) {
	t.Helper()
	if n := f.requests.Swap(0); n != requests {
		t.Errorf("%d requests to Keystone, want %d", n, requests)
	}
}

func TestCaching(t *testing.T) {
	f := newFake(t)
	a, c := start(t, f, nil)
	token := f.issue("alice")
	for range 3 {
		accepts(t, a, token)
	}
	f.expect(t, 1)
	unknown := fernetToken()
	for range 3 {
		refuses(t, a, unknown)
	}
	f.expect(t, 1)
	c.advance(a.opts.BadTTL)
	refuses(t, a, unknown)
	f.expect(t, 1)
}

func TestExpiry(t *testing.T) {
	f := newFake(t)
	a, c := start(t, f, func(o *Options) { o.Recheck = 0 })
	body := object{"user": object{"id": "1", "name": "alice", "domain": object{"id": "default", "name": "Default"}}}
	short := f.issueBody(body, time.Minute)
	accepts(t, a, short)
	c.advance(time.Minute)
	// Keystone's clock stands still here; ours says that the token has expired.
	refuses(t, a, short)

	long := f.issueBody(body, 24*time.Hour)
	accepts(t, a, long)
	f.requests.Store(0)
	c.advance(a.opts.TokenTTL / 2) // later it is asked about in the background
	accepts(t, a, long)
	f.expect(t, 0)
	c.advance(a.opts.TokenTTL / 2)
	accepts(t, a, long)
	f.expect(t, 1)
}

func TestRecheck(t *testing.T) {
	f := newFake(t)
	a, c := start(t, f, nil)
	token := f.issue("alice")
	accepts(t, a, token)
	f.requests.Store(0)

	// In good time it is asked again, and nobody waits.
	release := f.hold()
	c.advance(a.opts.Recheck * 3 / 4)
	for range 50 {
		accepts(t, a, token)
	}
	release()
	eventually(t, func() bool { return f.requests.Load() == 1 && f.inFlight.Load() == 0 && a.limit.inFlight() == 0 })
	f.requests.Store(0)

	// A revoked token passes no longer than that.
	f.revoke(token)
	c.advance(a.opts.Recheck)
	refuses(t, a, token)
	f.expect(t, 1)
}

func TestRevokedInTheBackground(t *testing.T) {
	f := newFake(t)
	a, c := start(t, f, nil)
	token := f.issue("alice")
	accepts(t, a, token)
	f.revoke(token)
	c.advance(a.opts.Recheck * 3 / 4)
	accepts(t, a, token) // the last time, while Keystone is asked
	eventually(t, func() bool { v, err := a.Review(t.Context(), token); return err == nil && !v.Accepted })
}

func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("does not come true")
		}
	}
}

// While Keystone is away, its last word holds for Recheck and no longer.
func TestOutage(t *testing.T) {
	for name, fault := range map[string]http.HandlerFunc{
		"500": func(w http.ResponseWriter, _ *http.Request) {
			answer(w, 500, "An unexpected error prevented the server from fulfilling your request.")
		},
		"503":       func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) },
		"truncated": func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"token": {"user": {"name": "ali`)) },
		"cut": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			w.Write([]byte(`{"token": {}}`))
		},
		"empty": func(http.ResponseWriter, *http.Request) {},
		"html":  func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>It works!</html>")) },
		"reset": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"no user": func(w http.ResponseWriter, _ *http.Request) {
			w.Write([]byte(`{"token": {}}`))
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			a, c := start(t, f, nil)
			token, other := f.issue("alice"), f.issue("bob")
			accepts(t, a, token)
			f.fail(fault)
			for range 10 { // remembered as what it is: nothing
				if w := post(a.Handler(), reviewOf("v1", other)); w.Code != http.StatusInternalServerError {
					t.Fatalf("%d: %s", w.Code, w.Body)
				}
			}
			c.advance(a.opts.Recheck - time.Second)
			accepts(t, a, token)
			c.advance(2 * time.Second)
			if w := post(a.Handler(), reviewOf("v1", token)); w.Code != http.StatusInternalServerError {
				t.Fatalf("%d: %s", w.Code, w.Body)
			}
			f.fail(nil)
			accepts(t, a, token)
			accepts(t, a, other)
		})
	}
}

func TestStall(t *testing.T) {
	f := newFake(t)
	a, _ := start(t, f, func(o *Options) { o.Timeout = 50 * time.Millisecond })
	f.slow(200 * time.Millisecond)
	w := post(a.Handler(), reviewOf("v1", f.issue("alice")))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "" {
		t.Errorf("%d: %s", w.Code, w.Body)
	}
}

// During an outage a busy token makes no more than a few requests.
func TestOutageIsQuiet(t *testing.T) {
	f := newFake(t)
	a, c := start(t, f, nil)
	token := f.issue("alice")
	accepts(t, a, token)
	f.requests.Store(0)
	f.fail(func(w http.ResponseWriter, _ *http.Request) { answer(w, 500, "no") })
	c.advance(a.opts.Recheck*3/4 + time.Second)
	for range 1000 {
		accepts(t, a, token)
		c.advance(a.opts.Recheck / 5000)
	}
	if n := f.requests.Load(); n > 6 {
		t.Errorf("%d requests", n)
	}
}

func TestOneRequestPerToken(t *testing.T) {
	f := newFake(t)
	a, _ := start(t, f, nil)
	release := f.hold()
	tokens := []string{f.issue("alice"), fernetToken()}
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() { a.Review(t.Context(), tokens[i%2]) })
	}
	eventually(t, func() bool { return a.metrics.misses.Load() == 200 })
	release()
	wg.Wait()
	f.expect(t, 2)
}

// A caller that goes away takes nobody else's answer with it.
func TestCallerGoes(t *testing.T) {
	f := newFake(t)
	a, _ := start(t, f, nil)
	release := f.hold()
	token := f.issue("alice")
	var wg sync.WaitGroup
	wg.Go(func() { accepts(t, a, token) })
	eventually(t, func() bool { return f.inFlight.Load() == 1 })
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.Review(gone, token); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	release()
	wg.Wait()
	f.expect(t, 1)
}

func TestConcurrencyAndQueue(t *testing.T) {
	f := newFake(t)
	a, _ := start(t, f, func(o *Options) { o.Concurrency, o.Queue = 3, 5 })
	release := f.hold()
	codes := make(chan int, 50)
	var wg sync.WaitGroup
	for range 50 {
		token := f.issue("alice")
		wg.Go(func() { codes <- post(a.Handler(), reviewOf("v1", token)).Code })
	}
	eventually(t, func() bool { return len(codes) == 42 && f.inFlight.Load() == 3 })
	release()
	wg.Wait()
	close(codes)
	count := map[int]int{}
	for code := range codes {
		count[code]++
	}
	if f.mostAtOnce.Load() > 3 || count[200] != 8 || count[503] != 42 {
		t.Errorf("%d at once; %v", f.mostAtOnce.Load(), count)
	}
}

func TestPolicyForbids(t *testing.T) {
	f := newFake(t)
	var log bytes.Buffer
	a, _ := start(t, f, func(o *Options) { o.Log = slog.New(slog.NewJSONHandler(&log, nil)) })
	f.fail(func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 403, "You are not authorized to perform the requested action: identity:validate_token.")
	})
	for range 3 {
		s := status(t, post(a.Handler(), reviewOf("v1", f.issue("alice"))))
		if s.Authenticated || !strings.Contains(s.Error, "identity:validate_token must include rule:token_subject") {
			t.Errorf("%+v", s)
		}
	}
	if n := strings.Count(log.String(), "rule:token_subject"); n != 1 {
		t.Errorf("said %d times:\n%s", n, &log)
	}
	f.fail(nil)
	token := f.issue("bob")
	accepts(t, a, token)
}

// What every kind of token comes to; that Identity is right is pkg/keystone's to test.
func TestKindsOfTokens(t *testing.T) {
	def := object{"id": "default", "name": "Default"}
	alice := object{"id": "u1", "name": "alice", "domain": def}
	roles := []object{{"id": "r1", "name": "member"}}
	for name, body := range map[string]object{
		"unscoped": {"user": alice},
		"project":  {"user": alice, "project": object{"id": "p1", "name": "a", "domain": def}, "roles": roles},
		"domain":   {"user": alice, "domain": def, "roles": roles},
		"system":   {"user": alice, "system": object{"all": true}, "roles": roles},
		"corp":     {"user": object{"id": "u2", "name": "alice", "domain": object{"id": "d2", "name": "corp"}}},
		"federated": {"user": object{
			"id": "u3", "name": "alice", "domain": object{"id": "Federated", "name": "Federated"},
			"OS-FEDERATION": object{"groups": []object{{"id": "g"}}, "identity_provider": object{"id": "i"}, "protocol": object{"id": "p"}},
		}},
		"application credential": {
			"user": alice, "project": object{"id": "p1", "name": "a", "domain": def}, "roles": roles,
			"application_credential": object{"id": "c", "name": "n", "restricted": true},
		},
		"takes another's prefix": {"user": object{"id": "u4", "name": "keystone:x", "domain": def}},
		"kubernetes-admin":       {"user": object{"id": "u5", "name": "kubernetes-admin", "domain": def}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			a, _ := start(t, f, nil)
			token := f.issueBody(body, time.Hour)
			v := accepts(t, a, token)
			client, _ := keystone.NewClient(&keystone.Config{AuthURL: f.URL + "/v3"}, "test")
			kt, err := client.Validate(t.Context(), keystone.Secret(token))
			if err != nil {
				t.Fatal(err)
			}
			want, err := kt.Identity(keystone.DefaultPrefix)
			if err != nil {
				t.Fatal(err)
			}
			if v.Identity.Username != want.Username || !strings.HasPrefix(v.Identity.Username, "keystone:") || v.Identity.UID != want.UID {
				t.Errorf("%+v", v.Identity)
			}
		})
	}
	for _, user := range []string{"system:admin", "system:masters"} {
		f := newFake(t)
		a, _ := start(t, f, nil)
		s := status(t, post(a.Handler(), reviewOf("v1", f.issue(user))))
		if s.Authenticated || s.Error == "" {
			t.Errorf("%s: %+v", user, s)
		}
	}
}

func TestAllowedDomains(t *testing.T) {
	f := newFake(t)
	a, _ := start(t, f, func(o *Options) { o.Domains = []string{"corp"} })
	refuses(t, a, f.issue("alice"))
	accepts(t, a, f.issueBody(object{"user": object{"id": "u2", "name": "alice", "domain": object{"id": "d2", "name": "corp"}}}, time.Hour))
}

func TestOptions(t *testing.T) {
	o := DefaultOptions()
	o.CacheSize = 0
	if _, err := New(nil, o); err == nil || !strings.Contains(err.Error(), "--cache-size must be 1 or more") {
		t.Error(err)
	}
}

type panicking struct{ Keystone }

func TestPanicIsContained(t *testing.T) {
	a, err := New(panicking{}, DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	for range 2 {
		if _, err := a.Review(t.Context(), fernetToken()); err == nil {
			t.Error("no error")
		}
	}
	if a.limit.inFlight() != 0 {
		t.Error("a slot is lost")
	}
}
