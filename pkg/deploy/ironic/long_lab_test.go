//go:build e2e

package ironic

import (
	"context"
	"encoding/json"
	"errors"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/deploy"
)

// silence makes nodes wait for an agent that nobody starts, as Ironic's own deploy
// interface does.
func (c *cloud) silence() {
	c.t.Helper()
	for i := range len(c.nodes()) {
		c.set(i, "/deploy_interface", "direct")
		c.set(i, "/automated_clean", false)
	}
}

func TestLabDeployFailed(t *testing.T) {
	c := newCloud(t, 1)
	c.silence()
	target, one := c.target(1), c.release("one")
	err := c.plan(target, one).Apply(t.Context(), c.log)
	if err == nil || !strings.Contains(err.Error(), "node "+c.name+"-0: deploy failed: Timeout") {
		t.Fatalf("%v", err)
	}
	entries, err := target.History(t.Context())
	if err != nil || len(entries) != 1 || entries[0].State != "failed" {
		t.Errorf("%+v, %v", entries, err)
	}
	if got := changes(c.plan(target, one)); got != "rebuilt node/"+c.name+"-0" {
		t.Errorf("again: %s", got)
	}
	c.maintain(0, "mending it")
	if _, err := target.Plan(t.Context(), one); err == nil || !strings.Contains(err.Error(), "is in maintenance: mending it") {
		t.Errorf("in maintenance: %v", err)
	}
	c.set(0, "/deploy_interface", "fake")
	c.maintain(0, "")
	c.apply(target, one)
	if got := c.running(1); got != "one" {
		t.Errorf("running %s", got)
	}
}

// TestLabOutage: Ironic is out of order now and then, and answers get lost.
func TestLabOutage(t *testing.T) {
	for name, spoil := range map[string]func(c *cloud, w http.ResponseWriter, r *http.Request) bool{
		"503": func(_ *cloud, w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		},
		"broken connections": func(*cloud, http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) },
		"lost answers": func(c *cloud, _ http.ResponseWriter, r *http.Request) bool {
			c.forward(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t, 3)
			target, one, two := c.target(2), c.release("one"), c.release("two")
			c.onRequest(func(w http.ResponseWriter, r *http.Request) bool { return mathrand.IntN(5) < 2 && spoil(c, w, r) })
			c.apply(target, one)
			c.apply(target, two)
			c.onRequest(nil)
			c.mustBe(2, "two two")
			c.apply(c.target(1), two)
			c.mustBe(1, "two")
		})
	}
}

// mustBe makes sure that so many nodes run that, and that no others are anybody's.
func (c *cloud) mustBe(count int, want string) {
	c.t.Helper()
	if got := c.running(count); got != want {
		c.t.Errorf("running %s; want %s", got, want)
	}
	taken := 0
	for name := range c.nodes() {
		if n := c.settle(name); n.Instance != "" {
			taken++
		} else if len(n.InstanceInfo) != 0 {
			c.t.Errorf("%s, which is free, has %v", n, n.InstanceInfo)
		}
	}
	all, err := c.client.Allocations(context.Background())
	if err != nil {
		c.t.Fatal(err)
	}
	allocations := 0
	for _, a := range all {
		if a.ResourceClass == c.name {
			allocations++
		}
	}
	if taken != count || allocations != count {
		c.t.Errorf("%d nodes are taken by %d allocations; want %d", taken, allocations, count)
	}
}

var errKilled = errors.New("killed")

// TestLabKilled ends a run at each request that changes something, before Ironic gets it
// and after, and then does the same again.
func TestLabKilled(t *testing.T) {
	c := newCloud(t, 2)
	releases := []deploy.Release{c.release("a"), c.release("b")}
	turn := 0
	for _, after := range []bool{false, true} {
		for at := 1; ; at++ {
			turn++
			release, before := releases[turn%2], c.provisions.Load()
			if !c.killed(c.target(1), release, at, after) {
				break
			}
			c.apply(c.target(1), release)
			c.mustBe(1, release.Revision)
			if told := c.provisions.Load() - before; told != 1 {
				t.Errorf("round %d: Ironic was told to deploy %d times", turn, told)
			}
			if turn%3 > 0 { // of three rounds, two rebuild and one begins with nothing
				continue
			}
			for gone := 1; c.killed(c.target(0), release, gone, after); gone++ {
			}
			c.mustBe(0, "")
		}
	}
	if turn < 6 {
		t.Errorf("only %d rounds: the runs were not killed", turn)
	}
}

// killed carries the release out as far as the changing request of that number, and tells
// whether there was one.
func (c *cloud) killed(target *Target, release deploy.Release, at int, after bool) bool {
	c.t.Helper()
	ctx, kill := context.WithCancelCause(c.t.Context())
	defer kill(nil)
	var changing atomic.Int32
	c.onRequest(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet && ctx.Err() == nil || r.Method != http.MethodGet && changing.Add(1) < int32(at) {
			return false
		}
		if ctx.Err() == nil && after {
			c.forward(httptest.NewRecorder(), r)
		}
		kill(errKilled)
		panic(http.ErrAbortHandler)
	})
	defer c.onRequest(nil)
	p := c.plan(target, release)
	err := p.Apply(ctx, nil)
	if err != nil && !errors.Is(err, errKilled) {
		c.t.Fatalf("killed at %d: %v", at, err)
	}
	return err != nil
}

// child is what a process of its own deploys.
type child struct {
	Spec    app.BaremetalDeploy
	Release deploy.Release
}

const childEnv = "YSTACK_TEST_CHILD"

// TestChild is the process that TestLabKilledAtRandom kills.
func TestChild(t *testing.T) {
	if os.Getenv(childEnv) == "" {
		t.Skip("it is run by TestLabKilledAtRandom")
	}
	var k child
	if err := json.Unmarshal([]byte(os.Getenv(childEnv)), &k); err != nil {
		t.Fatal(err)
	}
	_, session := openLab(t)
	p, err := targetIn(t, session, k.Release.App, k.Spec, nil).Plan(t.Context(), k.Release)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Apply(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
}

// TestLabKilledAtRandom kills a process at moments that nobody chose. What it has asked for
// last may come through only when the next run is under way.
func TestLabKilledAtRandom(t *testing.T) {
	c := newCloud(t, 3)
	releases := []deploy.Release{c.release("a"), c.release("b")}
	for round := range 9 {
		count := []int32{2, 3, 1, 0}[round%4]
		release := releases[round%2]
		moment := time.Duration(mathrand.Int64N(int64(2 * time.Second)))
		in, err := json.Marshal(child{app.BaremetalDeploy{Count: &count, ResourceClass: c.name, BatchSize: 2}, release})
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(os.Args[0], "-test.run=^TestChild$")
		cmd.Env = append(os.Environ(), childEnv+"="+string(in))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(moment)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		c.apply(c.target(count), release)
		c.mustBe(int(count), strings.TrimSpace(strings.Repeat(release.Revision+" ", int(count))))
		if t.Failed() {
			t.Fatalf("round %d: %d nodes, killed after %s", round, count, moment)
		}
	}
}
