package ironic

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/baremetal"
	"github.com/ystackdev/ystack/pkg/deploy"
	"github.com/ystackdev/ystack/pkg/keystone"
)

// cloud is the lab's Ironic behind a proxy of the test's, with nodes of a resource class
// of its own.
type cloud struct {
	t       *testing.T
	session *keystone.Session
	client  *baremetal.Client
	name    string // of the resource class and the application; names of nodes and images begin with it
	images  []string
	forward http.HandlerFunc // to Ironic itself

	provisions atomic.Int32 // how often Ironic was told to bring a node somewhere

	mu    sync.Mutex
	spoil func(http.ResponseWriter, *http.Request) bool // true: it has answered itself
	seen  []string
}

// absent skips what cannot be tested; in CI that is a failure.
func absent(t *testing.T) func(...any) {
	if os.Getenv("CI") != "" {
		return t.Fatal
	}
	return t.Skip
}

// openLab is a session of the lab's administrator.
func openLab(t *testing.T) (*keystone.Config, *keystone.Session) {
	t.Helper()
	lab := os.Getenv("YSTACK_LAB")
	clouds := filepath.Join(lab, "etc", "clouds.yaml")
	if _, err := os.Stat(clouds); lab == "" || err != nil {
		absent(t)("the lab does not run; `make test` starts it")
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
	return cfg, keystone.NewSession(client, cfg)
}

// newCloud skips where the lab's Ironic does not run; in CI that is a failure.
func newCloud(t *testing.T, nodes int, change ...func(*app.BaremetalNode)) *cloud {
	t.Helper()
	cfg, session := openLab(t)
	var suffix [4]byte
	_, _ = rand.Read(suffix[:])
	c := &cloud{t: t, name: "test-" + hex.EncodeToString(suffix[:]), session: session}
	endpoint, err := c.session.Endpoint(t.Context(), "baremetal")
	if err != nil {
		absent(t)("the lab's Ironic does not run; `make test` starts it: ", err)
	}
	if answer, err := http.Get(endpoint); err != nil { //nolint:noctx // is it there?
		absent(t)("the lab's Ironic does not run; `make test` starts it: ", err)
	} else {
		answer.Body.Close()
	}
	cfg.Endpoints = map[string]string{"baremetal": c.proxy(endpoint)}
	c.client = &baremetal.Client{Session: c.session, Poll: 50 * time.Millisecond}
	t.Cleanup(c.cleanUp)
	c.enroll(nodes, change...)
	return c
}

func (c *cloud) proxy(endpoint string) string {
	to, err := url.Parse(endpoint)
	if err != nil {
		c.t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	c.forward = func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/states/provision") {
			c.provisions.Add(1)
		}
		proxy.ServeHTTP(w, r)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		c.seen = append(c.seen, r.Method+" "+r.URL.Path)
		spoil := c.spoil
		c.mu.Unlock()
		if spoil == nil || !spoil(w, r) {
			c.forward(w, r)
		}
	}))
	c.t.Cleanup(server.Close)
	return server.URL
}

func (c *cloud) onRequest(spoil func(http.ResponseWriter, *http.Request) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spoil = spoil
	c.seen = nil
}

// count is how many requests there were that begin so, since onRequest.
func (c *cloud) count(method, suffix string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, request := range c.seen {
		if strings.HasPrefix(request, method+" ") && strings.HasSuffix(request, suffix) {
			n++
		}
	}
	return n
}

// enroll makes nodes of the class, named NAME-0 and so on.
func (c *cloud) enroll(n int, change ...func(*app.BaremetalNode)) {
	c.t.Helper()
	var wanted []baremetal.Wanted
	for i := range n {
		w := baremetal.Wanted{BaremetalNode: app.BaremetalNode{
			Name: fmt.Sprintf("%s-%d", c.name, i), Driver: "fake-hardware", ResourceClass: c.name,
			Properties: map[string]string{"local_gb": "100"}, Extra: map[string]string{"address": "127.0.0.1"},
		}}
		for _, f := range change {
			f(&w.BaremetalNode)
		}
		wanted = append(wanted, w)
	}
	e := &baremetal.Enroller{Client: c.client}
	for _, o := range e.Enroll(c.t.Context(), wanted) {
		if o.Err != nil {
			c.t.Fatal(o.Err)
		}
	}
}

// call is a request that the client has no method for.
func (c *cloud) call(service, method, path string, in, out any) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			c.t.Fatal(err)
		}
		body = strings.NewReader(string(data))
	}
	request, err := c.session.Request(ctx, method, service, path, body)
	if err != nil {
		c.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if text, raw := in.(string); raw {
		request.Body = io.NopCloser(strings.NewReader(text))
		request.GetBody, request.ContentLength = nil, int64(len(text))
		request.Header.Set("Content-Type", map[bool]string{true: "application/openstack-images-v2.1-json-patch", false: "application/octet-stream"}[method == "PATCH"])
	}
	request.Header.Set("X-OpenStack-Ironic-API-Version", "1.61")
	answer, err := c.session.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	defer answer.Body.Close()
	data, _ := io.ReadAll(answer.Body)
	if strings.Contains(string(data), "database is locked") {
		c.call(service, method, path, in, out)
		return
	}
	if answer.StatusCode >= 300 {
		c.t.Errorf("%s %s: %s %s", method, path, answer.Status, data)
		return
	}
	if out != nil {
		if err := json.Unmarshal(data, out); err != nil {
			c.t.Fatal(err)
		}
	}
}

// nodes are those of the class, by name.
func (c *cloud) nodes() map[string]*baremetal.Node {
	c.t.Helper()
	all, err := c.client.Nodes(context.Background(), c.name)
	if err != nil {
		c.t.Fatal(err)
	}
	nodes := map[string]*baremetal.Node{}
	for _, n := range all {
		nodes[n.Name] = n
	}
	return nodes
}

// cleanUp removes everything of the class, whatever its state.
func (c *cloud) cleanUp() {
	c.onRequest(nil)
	nodes := c.nodes()
	for name := range nodes {
		c.settle(name)
		c.call("baremetal", "PUT", "/v1/nodes/"+name+"/maintenance", map[string]string{"reason": "test over"}, nil)
	}
	all, err := c.client.Allocations(context.Background())
	if err != nil {
		c.t.Fatal(err)
	}
	for _, a := range all {
		if a.ResourceClass == c.name {
			c.call("baremetal", "DELETE", "/v1/allocations/"+a.UUID, nil, nil)
		}
	}
	for name := range nodes {
		c.call("baremetal", "DELETE", "/v1/nodes/"+name, nil, nil)
	}
	for _, id := range c.images {
		c.call("image", "DELETE", "/v2/images/"+id, nil, nil)
	}
}

// set changes a field of a node.
func (c *cloud) set(i int, path string, value any) {
	c.t.Helper()
	c.call("baremetal", "PATCH", fmt.Sprintf("/v1/nodes/%s-%d", c.name, i), []map[string]any{{"op": "add", "path": path, "value": value}}, nil)
}

// maintain puts a node into maintenance, for a reason, or takes it out.
func (c *cloud) maintain(i int, reason string) {
	c.t.Helper()
	path := fmt.Sprintf("/v1/nodes/%s-%d/maintenance", c.name, i)
	if reason == "" {
		c.call("baremetal", "DELETE", path, nil, nil)
		return
	}
	c.call("baremetal", "PUT", path, map[string]string{"reason": reason}, nil)
}

// settle waits until Ironic does nothing with a node.
func (c *cloud) settle(name string) *baremetal.Node {
	c.t.Helper()
	for {
		n := c.nodes()[name]
		switch n.State {
		case baremetal.Deploying, baremetal.Deleting, baremetal.Cleaning, baremetal.Verifying:
			time.Sleep(50 * time.Millisecond)
			continue
		}
		if n.Reservation == "" {
			return n
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// image puts one into Glance, and makes a release of it.
func (c *cloud) release(revision string) deploy.Release {
	c.t.Helper()
	var made struct{ ID string }
	c.call("image", "POST", "/v2/images", map[string]any{
		"name": c.name + "-" + revision, "disk_format": "raw", "container_format": "bare", "visibility": "private",
		"ystack_app": c.name, "ystack_revision": revision,
	}, &made)
	c.images = append(c.images, made.ID)
	c.call("image", "PUT", "/v2/images/"+made.ID+"/file", "the disk of "+revision, nil)
	return deploy.Release{App: c.name, Image: "glance://lab/" + made.ID, Revision: revision, By: "tester", Run: "run-" + revision}
}

// target deploys to so many nodes.
func (c *cloud) target(count int32, change ...func(*app.BaremetalDeploy, *app.Health)) *Target {
	c.t.Helper()
	spec := app.BaremetalDeploy{Count: &count, ResourceClass: c.name, BatchSize: 2}
	health := &app.Health{}
	for _, f := range change {
		f(&spec, health)
	}
	if health.HTTP == nil && health.TCP == nil {
		health = nil
	}
	return targetIn(c.t, c.session, c.name, spec, health)
}

func targetIn(t *testing.T, session *keystone.Session, name string, spec app.BaremetalDeploy, health *app.Health) *Target {
	t.Helper()
	target, err := New(session, "lab", name, spec, health, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	target.client.Poll, target.client.Patience = 50*time.Millisecond, 20*time.Second
	return target
}

func (c *cloud) plan(t *Target, r deploy.Release) deploy.Plan {
	c.t.Helper()
	p, err := t.Plan(c.t.Context(), r)
	if err != nil {
		c.t.Fatal(err)
	}
	return p
}

func (c *cloud) apply(t *Target, r deploy.Release) deploy.Plan {
	c.t.Helper()
	p := c.plan(t, r)
	if err := p.Apply(c.t.Context(), c.log); err != nil {
		c.t.Fatal(err)
	}
	return p
}

func (c *cloud) log(message string, items ...deploy.Item) {
	if message != "" {
		c.t.Log(message)
	}
	if len(items) > 0 {
		c.t.Log(items)
	}
}

// changes are a plan's, as ACTION OBJECT.
func changes(p deploy.Plan) string {
	var all []string
	for _, c := range p.Changes() {
		all = append(all, string(c.Action)+" "+c.Object)
	}
	return strings.Join(all, ", ")
}

// running are the revisions that active nodes say they have, by ordinal; "-" is a place
// without an active node.
func (c *cloud) running(count int) string {
	c.t.Helper()
	all := make([]string, count)
	for i := range all {
		all[i] = "-"
	}
	for _, n := range c.nodes() {
		if r := read(n); n.State == baremetal.Active && r.begun == "" && r.App == c.name {
			all[r.ordinal] = r.Revision
		}
	}
	return strings.Join(all, " ")
}
