//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/deploy"
	"github.com/ystackdev/ystack/pkg/deploy/nova"
	"github.com/ystackdev/ystack/pkg/keystone"
)

// fleet is an application on servers of the lab's Nova. Between the deployment and Nova
// and Neutron are proxies of the test's.
type fleet struct {
	t       *testing.T
	cloud   string
	name    string
	session *keystone.Session
	images  map[string]string // id by revision
	spec    app.VMDeploy
	health  *app.Health
	dir     string

	endpoints map[string]string // of the proxies, by service

	mu    sync.Mutex
	spoil spoiler
	seen  []string // requests that change something
}

// spoiler does with a request what a test wants; forward is what would be done else.
type spoiler func(w http.ResponseWriter, r *http.Request, forward func(http.ResponseWriter))

// newFleet is one in the project of a cloud. Tests side by side have different ones, so
// that what one leaves is not another's.
func newFleet(t *testing.T, cloud, name string) *fleet {
	t.Helper()
	needMachines(t)
	f := &fleet{t: t, cloud: cloud, name: name, images: map[string]string{}, dir: t.TempDir()}
	f.spec = app.VMDeploy{Count: new(int32(2)), Flavor: "m1.tiny", Networks: []string{"private"}, Strategy: "blue-green", MaxUnavailable: 1}
	f.endpoints = map[string]string{"compute": f.proxy("127.0.0.1:15774") + "/v2.1", "network": f.proxy("127.0.0.1:15696")}
	f.session = fleetSession(t, cloud, f.endpoints)
	t.Cleanup(f.clean)
	return f
}

func fleetSession(t *testing.T, cloud string, endpoints map[string]string) *keystone.Session {
	t.Helper()
	cfg, err := keystone.Load(keystone.LoadOptions{Cloud: cloud, Getenv: os.Getenv})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Endpoints = endpoints
	client, err := keystone.NewClient(cfg, "e2e")
	if err != nil {
		t.Fatal(err)
	}
	return keystone.NewSession(client, cfg)
}

// proxy forwards to an address, and lets the test spoil it.
func (f *fleet) proxy(address string) string {
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address})
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		if r.Method != http.MethodGet {
			f.seen = append(f.seen, r.Method+" "+r.URL.Path)
		}
		spoil := f.spoil
		f.mu.Unlock()
		forward := func(w http.ResponseWriter) { proxy.ServeHTTP(w, r) }
		if spoil == nil {
			forward(w)
			return
		}
		spoil(w, r, forward)
	}))
	f.t.Cleanup(server.Close)
	return server.URL
}

// with has the proxies do this from now on; nil ends it.
func (f *fleet) with(spoil spoiler) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.spoil = spoil
}

// image makes one of a revision: an empty disk, whose machines are ACTIVE and do nothing.
func (f *fleet) image(revision string) deploy.Release {
	f.t.Helper()
	sum := strings.Repeat("0", 62) + revision[:2]
	if f.images[revision] == "" {
		file := filepath.Join(f.dir, "empty.raw")
		if err := os.WriteFile(file, make([]byte, 1<<20), 0o600); err != nil {
			f.t.Fatal(err)
		}
		f.images[revision] = f.openstack("image", "create", "--file", file, "--disk-format", "raw", "--property", "ystack_app="+f.name,
			"--property", "ystack_revision="+revision, "--property", "ystack_sha256="+sum,
			"--property", "os_shutdown_timeout=1",
			"--property", "ystack_source=https://code.example/"+f.name, "-f", "value", "-c", "id", f.name+"-"+revision)
	}
	return deploy.Release{
		App: f.name, Image: "glance://" + f.cloud + "/" + f.images[revision], SHA256: sum, Revision: revision,
		Run: "run-" + revision, By: "alice", Source: "https://code.example/" + f.name,
	}
}

func (f *fleet) openstack(args ...string) string {
	f.t.Helper()
	var errs bytes.Buffer
	cmd := exec.Command("openstack", append([]string{"--os-cloud", f.cloud}, args...)...)
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		f.t.Errorf("openstack %s: %v\n%s", strings.Join(args, " "), err, &errs)
	}
	return strings.TrimSpace(string(out))
}

func (f *fleet) target() *nova.Target {
	return nova.New(f.session, f.cloud, f.name, f.spec, f.health, f.dir)
}

func (f *fleet) plan(r deploy.Release) (deploy.Plan, error) {
	return f.target().Plan(f.t.Context(), r)
}

// deploy plans and applies, and returns what was said.
func (f *fleet) deploy(r deploy.Release) (string, error) {
	p, err := f.plan(r)
	if err != nil {
		return "", err
	}
	return f.apply(p)
}

func (f *fleet) apply(p deploy.Plan) (string, error) {
	var said strings.Builder
	ctx, cancel := context.WithTimeout(f.t.Context(), 5*time.Minute)
	defer cancel()
	err := p.Apply(ctx, func(message string, items ...deploy.Item) {
		fmt.Fprintln(&said, time.Now().Format(time.TimeOnly), message, items)
	})
	return said.String(), err
}

func (f *fleet) mustDeploy(r deploy.Release) {
	f.t.Helper()
	if said, err := f.deploy(r); err != nil {
		f.t.Fatalf("%v\n%s", err, said)
	}
	f.settled(r)
	if p, err := f.plan(r); err != nil || len(p.Changes()) != 0 {
		f.t.Errorf("planned again: %v, %+v", err, p)
	}
}

// machine is what Nova has.
type machine struct {
	ID, Name, Status string
	Metadata         map[string]string
}

func (f *fleet) ask(service, path string, out any) {
	f.t.Helper()
	request, err := f.session.Request(context.Background(), http.MethodGet, service, path, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	answer, err := f.session.Do(request)
	if err != nil {
		f.t.Fatal(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err == nil {
		err = json.Unmarshal(data, out)
	}
	if err != nil {
		f.t.Fatalf("%s: %v: %s", path, err, data)
	}
}

// machines are those of the application, by their names.
func (f *fleet) machines() []machine {
	f.t.Helper()
	var out struct{ Servers []machine }
	f.ask("compute", "/v2.1/servers/detail?name=^"+f.name, &out)
	slices.SortFunc(out.Servers, func(a, b machine) int { return strings.Compare(a.Name, b.Name) })
	return out.Servers
}

// settled checks that exactly the servers of the release are there, with their records.
func (f *fleet) settled(r deploy.Release) {
	f.t.Helper()
	all := f.machines()
	if len(all) != int(*f.spec.Count) {
		f.t.Fatalf("there are %d servers: %+v", len(all), all)
	}
	for i, m := range all {
		if want := fmt.Sprintf("%s-%d-%s", f.name, i, r.Revision[:12]); m.Status != "ACTIVE" || m.Name != want {
			f.t.Errorf("server %s is %s; want %s", m.Name, m.Status, want)
		}
		for key, want := range map[string]string{
			"ystack_app": f.name, "ystack_revision": r.Revision, "ystack_run": r.Run, "ystack_by": r.By, "ystack_source": r.Source,
			"ystack_ordinal": fmt.Sprint(i), "ystack_sha256": r.SHA256, "ystack_image": f.images[r.Revision],
		} {
			if m.Metadata[key] != want {
				f.t.Errorf("%s: %s is %q, want %q", m.Name, key, m.Metadata[key], want)
			}
		}
	}
	f.noStrayPorts()
}

// noStrayPorts: every port of a machine is of one that is there.
func (f *fleet) noStrayPorts() {
	f.t.Helper()
	var ports struct {
		Ports []struct {
			Device string `json:"device_id"`
		}
	}
	var all struct{ Servers []machine }
	f.ask("network", "/v2.0/ports?device_owner=compute:nova", &ports)
	f.ask("compute", "/v2.1/servers", &all)
	for _, port := range ports.Ports {
		if !slices.ContainsFunc(all.Servers, func(m machine) bool { return m.ID == port.Device }) {
			f.t.Errorf("a port is left of server %s", port.Device)
		}
	}
}

func (f *fleet) clean() {
	var ids []string
	for _, m := range f.machines() {
		ids = append(ids, m.ID)
	}
	if len(ids) > 0 {
		f.openstack(append([]string{"server", "delete", "--wait"}, ids...)...)
	}
	for _, id := range f.images {
		_ = exec.Command("openstack", "--os-cloud", f.cloud, "image", "delete", id).Run() // a test may have
	}
}

// floatingIPs takes addresses for the time of the test.
func (f *fleet) floatingIPs(n int) {
	f.t.Helper()
	for range n {
		address := f.openstack("floating", "ip", "create", "public", "-f", "value", "-c", "floating_ip_address")
		f.spec.FloatingIPs = append(f.spec.FloatingIPs, address)
		f.t.Cleanup(func() { f.openstack("floating", "ip", "delete", address) })
	}
}

// deployedIn checks the history: the release is the newest, and these are the numbers.
func (f *fleet) deployedIn(r deploy.Release, numbers ...int64) {
	f.t.Helper()
	entries, err := f.target().History(f.t.Context())
	if err != nil || len(entries) != len(numbers) {
		f.t.Fatalf("%+v, %v", entries, err)
	}
	for i, e := range entries {
		if e.Number != numbers[i] || e.Current != (i == 0) || (e.State == "ready") != (i == 0) || e.Deployed.IsZero() || e.By != "alice" {
			f.t.Errorf("entry %d is %+v", i, e)
		}
	}
	current, err := f.target().Current(f.t.Context())
	if current.Deployed = (time.Time{}); err != nil || current != r {
		f.t.Errorf("current is %+v, %v", current, err)
	}
}

// stranger is a server of the project that is of no application.
func (f *fleet) stranger() string {
	f.t.Helper()
	id := f.openstack("server", "create", "--flavor", "m1.tiny", "--image", f.images[full("1")], "--network", "private",
		"--property", "ystack_app="+f.name, "--property", "ystack_ordinal=0", "-f", "value", "-c", "id", "other-"+f.name)
	f.t.Cleanup(func() { f.openstack("server", "delete", "--wait", id) })
	return id
}

// outOfService counts servers that are not ACTIVE at a time, as often as Nova is asked.
func (f *fleet) outOfService(worst *int) spoiler {
	return func(w http.ResponseWriter, r *http.Request, forward func(http.ResponseWriter)) {
		if !strings.HasSuffix(r.URL.Path, "/servers/detail") {
			forward(w)
			return
		}
		answer := httptest.NewRecorder()
		forward(answer)
		var out struct{ Servers []machine }
		_ = json.Unmarshal(answer.Body.Bytes(), &out)
		n := 0
		for _, m := range out.Servers {
			if m.Metadata["ystack_app"] == f.name && m.Status != "ACTIVE" {
				n++
			}
		}
		f.mu.Lock()
		*worst = max(*worst, n)
		f.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer.Body.Bytes())
	}
}

func describe(changes []deploy.Change) string {
	var all bytes.Buffer
	for _, c := range changes {
		fmt.Fprintf(&all, "%s %s %s\n", c.Action, c.Object, c.Detail)
	}
	return all.String()
}

// full makes a revision out of a digit.
func full(digit string) string { return strings.Repeat(digit, 40) }
