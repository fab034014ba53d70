package ironic

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/image/store"
)

// TestLabShortage: every node that cannot be had is named, with the reason.
func TestLabShortage(t *testing.T) {
	c := newCloud(t, 4, func(n *app.BaremetalNode) {
		if !strings.HasSuffix(n.Name, "-3") {
			n.Traits = []string{"CUSTOM_SSD"}
		}
	})
	c.maintain(0, "disk failing")
	c.set(1, "/instance_uuid", "5b1e0d6f-8e0e-4f4c-9a4b-0d6a2f3c9a11")
	target := c.target(2, func(b *app.BaremetalDeploy, _ *app.Health) { b.Traits = []string{"CUSTOM_SSD"} })
	one := c.release("one")
	_, err := target.Plan(t.Context(), one)
	for _, want := range []string{
		"needs 2 more node(s) of resource class " + c.name + " with CUSTOM_SSD; available: " + c.name + "-2;",
		c.name + "-0 is in maintenance: disk failing",
		c.name + "-1 is managed by Nova (server 5b1e0d6f-8e0e-4f4c-9a4b-0d6a2f3c9a11)",
		c.name + "-3 lacks CUSTOM_SSD",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
	// The one that is left is taken between plan and apply.
	p := c.plan(c.target(1, func(b *app.BaremetalDeploy, _ *app.Health) { b.Traits = []string{"CUSTOM_SSD"} }), one)
	c.maintain(2, "taken out")
	err = p.Apply(t.Context(), c.log)
	if err == nil || !strings.Contains(err.Error(), "no node was found for ystack-"+c.name+"-0: ") || !strings.Contains(err.Error(), c.name+"-2 is in maintenance: taken out") {
		t.Errorf("%v", err)
	}
	if slots, err := target.observe(t.Context()); err != nil || len(slots) != 0 {
		t.Errorf("left %d allocations: %v", len(slots), err)
	}
	for i, n := range c.nodes() {
		if len(n.InstanceInfo) != 0 {
			t.Errorf("%s was written to: %v", i, n.InstanceInfo)
		}
	}
	c.set(1, "/instance_uuid", nil)
}

// lock has a conductor that is none hold a node, "" lets it go.
func (c *cloud) lock(i int, holder string) {
	c.t.Helper()
	const script = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], timeout=30); c.execute('UPDATE nodes SET reservation = ? WHERE name = ?', (sys.argv[2] or None, sys.argv[3])); c.commit()"
	database := filepath.Join(os.Getenv("YSTACK_LAB"), "state/ironic/ironic.db")
	out, err := exec.Command("/usr/bin/python3", "-c", script, database, holder, fmt.Sprintf("%s-%d", c.name, i)).CombinedOutput()
	if err != nil {
		c.t.Fatalf("%v: %s", err, out)
	}
}

// TestLabLocked: a node that Ironic has locked is waited for, and named when that lasts.
func TestLabLocked(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may change the lab's database")
	}
	c := newCloud(t, 1)
	target, one, two := c.target(1), c.release("one"), c.release("two")
	c.lock(0, "conductor-9")
	err := c.plan(target, one).Apply(t.Context(), c.log)
	if err == nil || !strings.Contains(err.Error(), "could not reserve any of 1 suitable nodes") || !strings.Contains(err.Error(), c.name+"-0 (locked by conductor-9)") {
		t.Errorf("nothing to allocate: %v", err)
	}
	c.lock(0, "")
	c.apply(target, one)
	c.lock(0, "conductor-9")
	target.client.Patience = time.Second
	err = c.plan(target, two).Apply(t.Context(), c.log)
	if err == nil || !strings.Contains(err.Error(), "is locked by host conductor-9") {
		t.Errorf("no rebuild: %v", err)
	}
	time.AfterFunc(time.Second, func() { c.lock(0, "") })
	target.client.Patience = time.Minute
	c.apply(target, two)
	if got := c.running(1); got != "two" {
		t.Errorf("running %s", got)
	}
}

// TestLabOwnInMaintenance: a node that is ours and in maintenance keeps what it has.
func TestLabOwnInMaintenance(t *testing.T) {
	c := newCloud(t, 1)
	target, one, two := c.target(1), c.release("one"), c.release("two")
	c.apply(target, one)
	c.maintain(0, "fan")
	c.apply(target, one) // nothing is to be done to it
	if _, err := target.Plan(t.Context(), two); err == nil || !strings.Contains(err.Error(), "node "+c.name+"-0 of "+c.name+" is in maintenance: fan") {
		t.Errorf("%v", err)
	}
	p := c.apply(c.target(0), one)
	if got := changes(p); got != "kept node/"+c.name+"-0" || c.running(1) != "one" {
		t.Errorf("fewer nodes: %s, running %s", got, c.running(1))
	}
	c.maintain(0, "")
}

// TestLabImageDeleted: nothing is begun for an image that is gone.
func TestLabImageDeleted(t *testing.T) {
	c := newCloud(t, 1)
	target, one, two := c.target(1), c.release("one"), c.release("two")
	c.apply(target, one)
	p := c.plan(target, two)
	c.call("image", "DELETE", "/v2/images/"+c.images[1], nil, nil)
	c.images = c.images[:1]
	if err := p.Apply(t.Context(), c.log); !errors.Is(err, store.ErrNotFound) || !strings.Contains(err.Error(), two.Image) {
		t.Errorf("%v", err)
	}
	if got := c.running(1); got != "one" {
		t.Errorf("running %s", got)
	}
	if _, err := target.Plan(t.Context(), two); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("plan: %v", err)
	}
}

// TestLabHealth: a node that is not well keeps the next one from being rebuilt.
func TestLabHealth(t *testing.T) {
	c := newCloud(t, 2)
	var broken atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if broken.Load() {
			http.Error(w, "no database", http.StatusInternalServerError)
		}
	}))
	defer server.Close()
	var port int32
	if _, err := fmt.Sscanf(server.Listener.Addr().String(), "127.0.0.1:%d", &port); err != nil {
		t.Fatal(err)
	}
	target := c.target(2, func(b *app.BaremetalDeploy, h *app.Health) {
		b.BatchSize, b.Address, h.HTTP = 1, "address", &app.HTTPHealth{Port: port, Path: "/well"}
	})
	one, two := c.release("one"), c.release("two")
	p := c.apply(target, one)
	if got, err := p.Endpoints(t.Context()); err != nil || strings.Join(got, " ") != fmt.Sprintf("http://127.0.0.1:%d/well http://127.0.0.1:%d/well", port, port) {
		t.Errorf("endpoints %q, %v", got, err)
	}
	broken.Store(true)
	target.HealthLimit = 100 * time.Millisecond
	err := c.plan(target, two).Apply(t.Context(), c.log)
	if err == nil || !strings.Contains(err.Error(), "it answers 500, no database") {
		t.Errorf("%v", err)
	}
	if got := c.running(2); got != "two one" {
		t.Errorf("running %s", got)
	}
	p = c.plan(target, two)
	if got := changes(p); !strings.Contains(got, "unchanged node/") || !strings.Contains(got, "rebuilt node/") {
		t.Errorf("again: %s", got)
	}
	if err := p.Apply(t.Context(), c.log); err == nil || c.running(2) != "two one" {
		t.Errorf("the same again, while it is not well: %v, running %s", err, c.running(2))
	}
	broken.Store(false)
	if err := p.Apply(t.Context(), c.log); err != nil || c.running(2) != "two two" {
		t.Errorf("again: %v, running %s", err, c.running(2))
	}
}
