package baremetal

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/keystone"
)

// cloud is the lab's Ironic behind a proxy of the test's.
type cloud struct {
	*Client
	t    *testing.T
	name string                      // names of nodes begin with it; their resource class
	lose atomic.Pointer[func() bool] // true: Ironic does it, and its answer is lost
}

// newCloud skips where the lab's Ironic does not run; in CI that is a failure.
func newCloud(t *testing.T) *cloud {
	t.Helper()
	lab := os.Getenv("YSTACK_LAB")
	clouds := filepath.Join(lab, "etc", "clouds.yaml")
	skip := t.Skip
	if os.Getenv("CI") != "" {
		skip = t.Fatal
	}
	if _, err := os.Stat(clouds); lab == "" || err != nil {
		skip("the lab does not run; `make test` starts it")
	}
	cfg, err := keystone.Load(keystone.LoadOptions{Cloud: "lab", Dir: t.TempDir(), ConfigDirs: []string{}, Getenv: func(name string) string {
		return map[string]string{"OS_CLIENT_CONFIG_FILE": clouds}[name]
	}})
	if err != nil {
		t.Fatal(err)
	}
	client, err := keystone.NewClient(cfg, "ystack-test")
	if err != nil {
		t.Fatal(err)
	}
	session := keystone.NewSession(client, cfg)
	endpoint, err := session.Endpoint(t.Context(), "baremetal")
	if err != nil {
		skip("the lab's Ironic does not run; `make test` starts it: ", err)
	}
	to, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	var suffix [4]byte
	_, _ = rand.Read(suffix[:])
	c := &cloud{t: t, name: "test-" + hex.EncodeToString(suffix[:]), Client: &Client{Session: session, Poll: 50 * time.Millisecond}}
	proxy := httputil.NewSingleHostReverseProxy(to)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if lose := c.lose.Load(); lose != nil && (*lose)() {
			proxy.ServeHTTP(httptest.NewRecorder(), r)
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	cfg.Endpoints = map[string]string{"baremetal": server.URL}
	if _, err := c.Nodes(t.Context(), c.name); err != nil {
		skip("the lab's Ironic does not run; `make test` starts it: ", err)
	}
	t.Cleanup(c.cleanUp)
	return c
}

// must is a request that has to work.
func (c *cloud) must(method, path string, in any) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := c.Retry(ctx, func() error { return c.do(ctx, method, path, in, nil) }); err != nil {
		c.t.Error(err)
	}
}

func (c *cloud) cleanUp() {
	c.lose.Store(nil)
	nodes, err := c.Nodes(context.Background(), c.name)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, n := range nodes {
		c.must("PUT", "/v1/nodes/"+n.UUID+"/maintenance", map[string]string{"reason": "test over"})
		c.must("DELETE", "/v1/nodes/"+n.UUID, nil)
	}
}

func (c *cloud) wanted(n int) []Wanted {
	var all []Wanted
	for i := range n {
		all = append(all, Wanted{BaremetalNode: app.BaremetalNode{
			Name: fmt.Sprintf("%s-%d", c.name, i), Driver: "fake-hardware", ResourceClass: c.name, Traits: []string{"CUSTOM_SSD"},
			Properties: map[string]string{"memory_mb": "8192"}, Ports: []string{fmt.Sprintf("52:54:%s:%s:%s:%02X", c.name[5:7], c.name[7:9], c.name[9:11], i)},
			Extra: map[string]string{"address": "10.0.0.1"},
		}})
	}
	return all
}

// results are those of outcomes, in one line.
func results(outcomes []Outcome) string {
	var all []string
	for _, o := range outcomes {
		text := string(o.Result)
		if o.State != "" {
			text += " " + o.State
		}
		if o.Err != nil {
			text += ": " + o.Err.Error()
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

func TestLabEnroll(t *testing.T) {
	c := newCloud(t)
	wanted := c.wanted(2)
	e := &Enroller{Client: c.Client, DryRun: true}
	if got := results(e.Enroll(t.Context(), wanted)); got != "enrolled, enrolled" {
		t.Errorf("dry run: %s", got)
	}
	if nodes, err := c.Nodes(t.Context(), c.name); err != nil || len(nodes) != 0 {
		t.Errorf("the dry run made %d nodes, %v", len(nodes), err)
	}
	e.DryRun = false
	if got := results(e.Enroll(t.Context(), wanted)); got != "enrolled available, enrolled available" {
		t.Fatalf("enroll: %s", got)
	}
	if got := results(e.Enroll(t.Context(), wanted)); got != "unchanged available, unchanged available" {
		t.Errorf("again: %s", got)
	}
	wanted[0].Traits, wanted[0].Extra["address"] = nil, "10.0.0.2"
	wanted[0].Ports = append(wanted[0].Ports, wanted[1].Ports...)
	outcomes := e.Enroll(t.Context(), wanted)
	if got := results(outcomes); !strings.HasPrefix(got, "failed available: node "+wanted[0].Name+": another node has the network card "+wanted[1].Ports[0]) {
		t.Errorf("a card of another's: %s", got)
	}
	wanted[0].Ports = wanted[0].Ports[:1]
	n, err := c.Node(t.Context(), wanted[0].Name)
	if err != nil || len(n.Traits) != 0 || n.Extra["address"] != "10.0.0.2" || fmt.Sprint(n.Properties["memory_mb"]) != "8192" {
		t.Errorf("%+v, %v", n, err)
	}
	wanted[0].Extra["address"] = "10.0.0.3"
	outcomes = e.Enroll(t.Context(), wanted[:1])
	if outcomes[0].Result != Updated || outcomes[0].Detail != "extra.address" {
		t.Errorf("%+v", outcomes[0])
	}
}

// TestLabEnrollFails: Ironic's own reason is told, and the same again goes on from there.
func TestLabEnrollFails(t *testing.T) {
	c := newCloud(t)
	wanted := c.wanted(1)
	wanted[0].Driver, wanted[0].Password = "redfish", "hunter2"
	wanted[0].DriverInfo = map[string]string{"redfish_address": "http://127.0.0.1:9", "redfish_username": "admin", "redfish_system_id": "/redfish/v1/Systems/1"}
	e := &Enroller{Client: c.Client}
	got := results(e.Enroll(t.Context(), wanted))
	if !strings.HasPrefix(got, "failed enroll: node "+wanted[0].Name+": Ironic cannot verify it: ") || !strings.Contains(got, "127.0.0.1:9") || strings.Contains(got, "hunter2") {
		t.Errorf("%s", got)
	}
	wanted[0].Driver, wanted[0].Password, wanted[0].DriverInfo = "fake-hardware", "", nil
	wanted[0].Interfaces = map[string]string{}
	for _, kind := range []string{"bios", "boot", "inspect", "management", "power", "vendor"} {
		wanted[0].Interfaces[kind] = "fake"
	}
	wanted[0].Interfaces["bios"], wanted[0].Interfaces["deploy"] = "no-bios", "fake"
	if got := results(e.Enroll(t.Context(), wanted)); got != "updated available" {
		t.Errorf("as fake hardware: %s", got)
	}
}

func TestLabEnrollMaintenance(t *testing.T) {
	c := newCloud(t)
	wanted := c.wanted(1)
	e := &Enroller{Client: c.Client}
	ctx, stop := context.WithCancelCause(t.Context())
	mine := errors.New("interrupted")
	e.Report = func(_, state string) {
		if state == Enroll {
			stop(mine)
		}
	}
	if outcomes := e.Enroll(ctx, wanted); !errors.Is(outcomes[0].Err, mine) {
		t.Errorf("interrupted: %+v", outcomes)
	}
	e.Report = nil
	c.must("PUT", "/v1/nodes/"+wanted[0].Name+"/maintenance", map[string]string{"reason": "new fan"})
	if got := results(e.Enroll(t.Context(), wanted)); !strings.Contains(got, "is in maintenance: new fan; end that first") {
		t.Errorf("in maintenance: %s", got)
	}
	c.must("DELETE", "/v1/nodes/"+wanted[0].Name+"/maintenance", nil)
	if got := results(e.Enroll(t.Context(), wanted)); got != "unchanged available" {
		t.Errorf("taken up: %s", got)
	}
}

// TestLabEnrollOutage: answers are lost, and nothing is made twice.
func TestLabEnrollOutage(t *testing.T) {
	c := newCloud(t)
	var requests atomic.Int32
	lose := func() bool { return requests.Add(1)%3 == 0 }
	c.lose.Store(&lose)
	e := &Enroller{Client: c.Client}
	if got := results(e.Enroll(t.Context(), c.wanted(2))); got != "enrolled available, enrolled available" {
		t.Errorf("%s", got)
	}
	if nodes, err := c.Nodes(t.Context(), c.name); err != nil || len(nodes) != 2 {
		t.Errorf("%d nodes, %v", len(nodes), err)
	}
}
