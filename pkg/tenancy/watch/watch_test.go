package watch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/exposition"
	"github.com/ystackdev/ystack/pkg/keystone"
	"github.com/ystackdev/ystack/pkg/kube"
	"github.com/ystackdev/ystack/pkg/tenancy"
)

// log is what was told, by message.
type log struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(p)
}

func (l *log) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.String()
}

func (l *log) count(msg string) int { return strings.Count(l.text(), fmt.Sprintf(`"msg":%q`, msg)) }

// rehearsal is a watcher whose rounds are played, in the time of a synctest bubble.
type rehearsal struct {
	*watcher
	told   *log
	starts []time.Duration // of rounds
}

func rehearse(t *testing.T, play func(n int) result) *rehearsal {
	t.Helper()
	told := &log{}
	began := time.Now()
	r := &rehearsal{told: told}
	r.watcher = newWatcher(Options{
		Config:   func() (*app.TenantSync, error) { return config("mycloud"), nil },
		Keystone: func() (*keystone.Session, func(), error) { return nil, nil, errors.New("not in this play") },
		Interval: time.Minute, Limit: time.Hour, Grace: 15 * time.Second,
		Log: slog.New(slog.NewJSONHandler(told, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	r.config = config("mycloud")
	r.watcher.round = func(context.Context, *app.TenantSync) result {
		r.starts = append(r.starts, time.Since(began))
		return play(len(r.starts))
	}
	return r
}

func config(name string) *app.TenantSync {
	return &app.TenantSync{Metadata: app.Metadata{Name: name}}
}

// run lets it go on for a while.
func (r *rehearsal) run(t *testing.T, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { r.loop(ctx); close(ended) }()
	time.Sleep(d)
	synctest.Wait()
	cancel()
	<-ended
}

// pauses are those between rounds.
func (r *rehearsal) pauses() []time.Duration {
	var all []time.Duration
	for i := 1; i < len(r.starts); i++ {
		all = append(all, r.starts[i]-r.starts[i-1])
	}
	return all
}

func (r *rehearsal) scrape() string {
	var b bytes.Buffer
	r.metrics.write(&b)
	return b.String()
}

func TestRounds(t *testing.T) {
	down := result{outcome: failed, err: errors.New("down")}
	for name, tc := range map[string]struct {
		play func(int) result
		want []time.Duration // of the first pauses, each a tenth more or less
	}{
		"all well":  {func(int) result { return result{plan: &tenancy.Plan{}} }, []time.Duration{60, 60, 60}},
		"something": {func(int) result { return result{outcome: partly, err: errors.New("taken"), plan: &tenancy.Plan{}} }, []time.Duration{60, 60, 60}},
		"down":      {func(int) result { return down }, []time.Duration{5, 10, 20, 40, 80, 160, 300, 300}},
		"down for a bit": {func(n int) result {
			if n%3 == 0 {
				return result{plan: &tenancy.Plan{}}
			}
			return down
		}, []time.Duration{5, 10, 60, 5, 10, 60}},
		"wrong password": {func(int) result {
			return result{outcome: failed, err: fmt.Errorf("log in: %w", keystone.ErrUnauthorized)}
		}, []time.Duration{300, 300}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := rehearse(t, tc.play)
				r.run(t, 30*time.Minute)
				got := r.pauses()
				for i, want := range tc.want {
					want *= time.Second
					if got[i] < want*9/10 || got[i] > want*11/10 {
						t.Fatalf("pause %d is %s, not %s: %v", i, got[i], want, got)
					}
				}
				if r.told.count("ended") != 1 {
					t.Error(r.told.text())
				}
			})
		})
	}
}

// TestShortInterval: what fails is tried again at once, but not for ever.
func TestShortInterval(t *testing.T) {
	for failures, want := range map[int]time.Duration{0: time.Second, 1: time.Second, 4: 8 * time.Second, 20: longRetry, 1e6: longRetry} {
		if got := pauseAfter(time.Second, failures, false, .5); got != want {
			t.Errorf("%d: %s, want %s", failures, got, want)
		}
	}
}

// TestHealth follows the probes through bad times.
func TestHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := make(chan result)
		r := rehearse(t, func(int) result { return <-next })
		ctx, cancel := context.WithCancel(t.Context())
		go r.loop(ctx)
		probe := func(path string) int {
			answer := httptest.NewRecorder()
			r.server().Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
			return answer.Code
		}
		check := func(alive, ready int) {
			t.Helper()
			synctest.Wait()
			if a, b := probe(exposition.PathHealthz), probe(exposition.PathReadyz); a != alive || b != ready {
				t.Errorf("alive %d, ready %d", a, b)
			}
		}
		play := func(o outcome) {
			next <- result{outcome: o, err: errors.New("down"), plan: &tenancy.Plan{}}
		}
		time.Sleep(time.Second)
		check(200, 503)
		play(partly)
		check(200, 200)
		play(failed)
		play(failed)
		check(200, 200)
		play(failed)
		check(200, 503)
		play(left)
		check(200, 200)
		play(done) // and the next round hangs, whatever its limit says
		time.Sleep(55 * time.Minute)
		check(200, 200)
		time.Sleep(10 * time.Minute)
		check(503, 200)
		play(done)
		check(200, 200)
		cancel()
		synctest.Wait()
	})
}

// TestConfigIsReadAgain: a bad file keeps the last good one in use, and is told once.
func TestConfigIsReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var used []string
		r := rehearse(t, nil)
		n := 0
		r.Config = func() (*app.TenantSync, error) {
			n++
			switch {
			case n < 3:
				return config("a"), nil
			case n < 6:
				return nil, errors.New("tenants.yaml:3: no")
			}
			return config("b"), nil
		}
		r.config = config("a")
		r.watcher.round = func(_ context.Context, c *app.TenantSync) result {
			used = append(used, c.Metadata.Name)
			want := "config_last_reload_successful 1"
			if n >= 3 && n < 6 {
				want = "config_last_reload_successful 0"
			}
			if !strings.Contains(r.scrape(), want) {
				t.Errorf("round %d: %s", n, r.scrape())
			}
			return result{plan: &tenancy.Plan{}}
		}
		r.run(t, 10*time.Minute)
		if !slices.Equal(used[:7], []string{"a", "a", "a", "a", "a", "b", "b"}) {
			t.Error(used)
		}
		for _, said := range []string{
			"the TenantSync cannot be read; the last good one stays in use", "the TenantSync is good again",
			"the TenantSync has another name: what was made under the old one is not touched any more",
		} {
			if r.told.count(said) != 1 {
				t.Errorf("not once: %s\n%s", said, r.told.text())
			}
		}
	})
}

// TestTold: each change has its line, what stays as it is has none.
func TestTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		change := func(a tenancy.Action, kind, namespace, name string) tenancy.Change {
			return tenancy.Change{Action: a, Object: tenancy.Object{Kind: kind, Metadata: tenancy.Metadata{Namespace: namespace, Name: name}}, Reason: "for project web (corp)"}
		}
		var r *rehearsal
		r = rehearse(t, func(n int) result {
			switch n {
			case 1:
				plan := &tenancy.Plan{Namespaces: 3, Changes: []tenancy.Change{change(tenancy.Create, "Namespace", "", "web"), change(tenancy.Revoke, "RoleBinding", "web", "ystack:edit:member")}}
				for _, c := range plan.Changes {
					r.metrics.change(c)
					r.tellChange(c)
				}
				return result{plan: plan, made: 2}
			case 2, 3, 4:
				return result{outcome: left, plan: &tenancy.Plan{Namespaces: 3, Caps: "60 removals", Held: []tenancy.Change{change(tenancy.Revoke, "RoleBinding", "web", "x")}, Conflicts: []string{"a", "b"}}}
			case 5:
				return result{outcome: failed, err: errors.New("down")}
			case 6:
				return result{outcome: partly, err: errors.New("namespace web: no"), plan: &tenancy.Plan{Changes: []tenancy.Change{{}}}}
			}
			return result{plan: &tenancy.Plan{Namespaces: 3}}
		})
		r.run(t, 10*time.Minute)
		var lines []map[string]any
		for line := range strings.Lines(r.told.text()) {
			var fields map[string]any
			if err := json.Unmarshal([]byte(line), &fields); err != nil {
				t.Fatal(err)
			}
			lines = append(lines, fields)
		}
		if got, want := fmt.Sprint(lines[1]["msg"], lines[1]["action"], lines[1]["kind"], lines[1]["namespace"], lines[1]["name"], lines[1]["reason"]),
			"changedrevokerolebindingwebystack:edit:memberfor project web (corp)"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		for msg, want := range map[string]int{"changed": 2, "held back": 1, "left alone": 2, "nothing is left undone any more": 1} {
			if got := r.told.count(msg); got != want {
				t.Errorf("%d times %q\n%s", got, msg, r.told.text())
			}
		}
		if loud := strings.Count(r.told.text(), `"level":"ERROR"`); loud != 2 {
			t.Errorf("%d rounds failed, or partly\n%s", loud, r.told.text())
		}
		if quiet := strings.Count(r.told.text(), `"level":"DEBUG"`); quiet < 2 {
			t.Errorf("%d rounds are told to nobody\n%s", quiet, r.told.text())
		}
		got := r.scrape()
		for _, want := range []string{
			`rounds_total{outcome="left"} 3`, `rounds_total{outcome="partly"} 1`, `rounds_total{outcome="failed"} 1`,
			`changes_total{action="create",kind="namespace"} 1`, `changes_total{action="revoke",kind="rolebinding"} 1`, `changes_total{action="delete",kind="namespace"} 0`,
			"namespaces 3", "held_changes 0", "conflicts 0", "unmade_changes 0", `round_duration_seconds_bucket{le="0.1"}`,
		} {
			if !strings.Contains(got, "\n"+prefix+want) {
				t.Errorf("no %s in\n%s", want, got)
			}
		}
	})
}

// TestOutliving: the end of all lets changes go on for a while, a round's limit does not.
func TestOutliving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		whole, end := context.WithCancel(t.Context())
		limited, cancel := context.WithTimeout(whole, time.Minute)
		defer cancel()
		later, stop := outliving(limited, whole, 15*time.Second)
		defer stop()
		end()
		time.Sleep(14 * time.Second)
		synctest.Wait()
		if later.Err() != nil {
			t.Error("there is no grace")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if later.Err() == nil {
			t.Error("the grace has no end")
		}
		limited, cancel = context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		later, stop = outliving(limited, t.Context(), 15*time.Second)
		defer stop()
		time.Sleep(time.Minute)
		synctest.Wait()
		if later.Err() == nil {
			t.Error("the limit has no effect")
		}
	})
}

// TestSessionIsKept until something is wrong with Keystone, and not with the cluster.
func TestSessionIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logins, ended := 0, 0
		errs := []error{nil, nil, &kube.Error{Kind: kube.ErrUnreachable, Message: "no"}, nil, errors.New("keystone"), nil}
		r := rehearse(t, nil)
		r.Keystone = func() (*keystone.Session, func(), error) {
			logins++
			return &keystone.Session{}, func() { ended++ }, nil
		}
		n := 0
		r.watcher.round = func(context.Context, *app.TenantSync) result {
			if _, err := r.session(); err != nil {
				t.Error(err)
			}
			n++
			if err := errs[min(n, len(errs))-1]; err != nil {
				return result{outcome: failed, err: err}
			}
			return result{plan: &tenancy.Plan{}}
		}
		r.run(t, 10*time.Minute)
		if logins != 2 || ended != 1 {
			t.Errorf("%d sessions, %d ended", logins, ended)
		}
	})
}

func TestRunErrors(t *testing.T) {
	taken := httptest.NewServer(nil)
	defer taken.Close()
	good := Options{
		Config:   func() (*app.TenantSync, error) { return config("a"), nil },
		Keystone: func() (*keystone.Session, func(), error) { return &keystone.Session{}, func() {}, nil },
		Log:      slog.New(slog.NewJSONHandler(io.Discard, nil)),
	}
	for want, change := range map[string]func(*Options){
		"tenants.yaml: no": func(o *Options) {
			o.Config = func() (*app.TenantSync, error) { return nil, errors.New("tenants.yaml: no") }
		},
		"clouds.yaml: no": func(o *Options) {
			o.Keystone = func() (*keystone.Session, func(), error) { return nil, nil, errors.New("clouds.yaml: no") }
		},
		"cannot listen": func(o *Options) { o.Listen = strings.TrimPrefix(taken.URL, "http://") },
	} {
		o := good
		change(&o)
		if err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
