//go:build e2e

package e2e

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ystackdev/ystack/pkg/keystone"
)

// scene is an application of which there are images and machines, and no container.
type scene struct {
	t              *testing.T
	name, revision string
	site, clouds   string // files
	session        *keystone.Session
}

// withIronic puts another Ironic than the lab's, which may be down, in front of the cloud.
func (s *scene) withIronic(answer http.HandlerFunc) {
	s.t.Helper()
	server := httptest.NewServer(answer)
	s.t.Cleanup(server.Close)
	text, err := os.ReadFile(os.Getenv("YSTACK_LAB") + "/etc/clouds.yaml")
	if err != nil {
		s.t.Fatal(err)
	}
	s.clouds = filepath.Join(s.t.TempDir(), "clouds.yaml")
	changed := strings.Replace(string(text), "\n  lab:\n", "\n  lab:\n    baremetal_endpoint_override: "+server.URL+"\n", 1)
	if err := os.WriteFile(s.clouds, []byte(changed), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{t: t, name: "e2e-where-" + random(), revision: strings.Repeat(random(), 5)}
	s.site = filepath.Join(t.TempDir(), "site.yaml")
	text := strings.ReplaceAll(`apiVersion: ystack.dev/v1alpha1
kind: Site
metadata: {name: e2e}
spec:
  openstack: {cloud: lab}
  kubernetes: {context: lab}
  registries: {push: 127.0.0.1:15000/NAME}
  archive: {oci: 127.0.0.1:15000/NAME/archive}
`, "NAME", s.name)
	if err := os.WriteFile(s.site, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := keystone.Load(keystone.LoadOptions{Cloud: "lab", Getenv: os.Getenv})
	if err != nil {
		t.Fatal(err)
	}
	client, err := keystone.NewClient(cfg, "e2e")
	if err != nil {
		t.Fatal(err)
	}
	s.session = keystone.NewSession(client, cfg)
	return s
}

// ask sends a request to a service of the cloud.
func (s *scene) ask(method, service, path string, in, out any) {
	s.t.Helper()
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			s.t.Fatal(err)
		}
		body = bytes.NewReader(data)
	}
	// The test's own context is over when it cleans up.
	req, err := s.session.Request(context.Background(), method, service, path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-OpenStack-Ironic-API-Version", "1.61")
	answer, err := s.session.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	switch {
	case err != nil:
		s.t.Fatal(err)
	case answer.StatusCode == http.StatusNotFound && method == http.MethodDelete: // gone already
	case answer.StatusCode >= http.StatusBadRequest:
		s.t.Fatalf("%s %s: %d %s", method, path, answer.StatusCode, data)
	case out != nil:
		if err := json.Unmarshal(data, out); err != nil {
			s.t.Fatal(err)
		}
	}
}

// image pushes one to Glance and the archive, and returns its id and SHA-256.
func (s *scene) image(target string) (id, sum string) {
	s.t.Helper()
	disk := filepath.Join(s.t.TempDir(), target+".raw")
	if err := os.WriteFile(disk, []byte(strings.Repeat(s.revision, 1000)), 0o600); err != nil {
		s.t.Fatal(err)
	}
	must(s.t, "openstack-ystack", "image", "push", "file:"+disk, "--site", s.site, "--application", s.name, "--revision", s.revision, "--target", target)
	row := must(s.t, "openstack-ystack", "image", "show", s.name+":"+s.revision, "--site", s.site, "--noindent", "-f", "json")
	var image struct {
		SHA256 string
		IDs    []string
	}
	if err := json.Unmarshal([]byte(row), &image); err != nil {
		s.t.Fatalf("%v: %s", err, row)
	}
	for _, one := range image.IDs {
		if !strings.HasPrefix(one, "sha256:") {
			id = one
		}
	}
	s.t.Cleanup(func() { s.ask(http.MethodDelete, "image", "/v2/images/"+id, nil, nil) })
	return id, image.SHA256
}

// record is what is written to a server or node that is deployed.
func (s *scene) record(id, sum string) map[string]string {
	return map[string]string{
		"ystack_app": s.name, "ystack_revision": s.revision, "ystack_image": "glance://another-name/" + id, "ystack_sha256": sum,
		"ystack_run": s.name + "-20261126-000000-abcd", "ystack_by": "alice", "ystack_deployed": "2026-11-26T00:00:00Z", "ystack_ordinal": "0",
	}
}

// server makes one that no host has room for: it says what it should run all the same.
func (s *scene) server(name, id string, record map[string]string) {
	s.t.Helper()
	var flavors struct{ Flavors []struct{ ID, Name string } }
	s.ask(http.MethodGet, "compute", "/v2.1/flavors", nil, &flavors)
	flavor := ""
	for _, f := range flavors.Flavors {
		if f.Name == "m1.nowhere" {
			flavor = f.ID
		}
	}
	var networks struct{ Networks []struct{ ID string } }
	s.ask(http.MethodGet, "network", "/v2.0/networks?name=private", nil, &networks)
	var made struct{ Server struct{ ID string } }
	s.ask(http.MethodPost, "compute", "/v2.1/servers", map[string]any{"server": map[string]any{
		"name": s.name + "-" + name, "imageRef": id, "flavorRef": flavor, "metadata": record,
		"networks": []any{map[string]string{"uuid": networks.Networks[0].ID}},
	}}, &made)
	if made.Server.ID == "" {
		s.t.Fatal("no server was made")
	}
	s.t.Cleanup(func() { s.ask(http.MethodDelete, "compute", "/v2.1/servers/"+made.Server.ID, nil, nil) })
}

// where runs the command in an empty home, and returns its status.
func (s *scene) where(args ...string) (string, string, int) {
	cmd := exec.Command("kubectl-ystack", append([]string{"where", "--site", s.site}, args...)...)
	cmd.Env = append(os.Environ(), "HOME="+s.t.TempDir(), "XDG_STATE_HOME=", "XDG_CACHE_HOME=", "OS_CLIENT_CONFIG_FILE="+cmp.Or(s.clouds, os.Getenv("OS_CLIENT_CONFIG_FILE")))
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run()
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// shows waits until where prints lines of these patterns, with that status.
func (s *scene) shows(status int, patterns []string, args ...string) {
	s.t.Helper()
	eventually(s.t, func() error {
		out, errs, code := s.where(args...)
		for _, p := range patterns {
			if !regexp.MustCompile("(?m)" + p).MatchString(out + errs) {
				return fmt.Errorf("no %s in\n%s%s", p, out, errs)
			}
		}
		if code != status {
			return fmt.Errorf("status %d, want %d\n%s%s", code, status, out, errs)
		}
		return nil
	})
}

// TestWhereMachines: servers and their images, in Glance and in the archive, and what is
// told when one after the other is gone.
func TestWhereMachines(t *testing.T) {
	needMachines(t)
	s := newScene(t)
	var forbidden atomic.Bool
	s.withIronic(func(w http.ResponseWriter, _ *http.Request) {
		if forbidden.Load() {
			w.WriteHeader(http.StatusForbidden)
		}
		fmt.Fprint(w, `{"nodes": []}`)
	})
	id, sum := s.image("vm")
	s.server("0", id, s.record(id, sum))
	rows := []string{
		`^` + s.name + ` +` + s.revision[:12] + ` +vm +sha256:` + sum[:12] + ` .* glance://lab/` + id + `$`,
		`^` + s.name + ` +` + s.revision[:12] + ` +vm +sha256:` + sum[:12] + ` .* oci://127.0.0.1:15000/` + s.name + `/archive/` + s.name + `$`,
		`^` + s.name + ` +` + s.revision[:12] + ` +server/` + s.name + `-0 +ERROR .* alice +cloud lab$`,
	}
	for _, query := range []string{s.name, s.revision, s.revision[:9], "sha256:" + sum, sum[:16]} {
		s.shows(0, rows, query)
	}
	s.shows(0, nil, s.name, "--drift")
	forbidden.Store(true)
	s.shows(1, append(rows, `^warning: Ironic of cloud lab: forbidden`), s.name)
	s.shows(2, nil, s.name, "--drift")
	forbidden.Store(false)

	s.ask(http.MethodDelete, "image", "/v2/images/"+id, nil, nil)
	s.shows(1, []string{`needs glance://another-name/` + id + `, which is gone from there; it is still at oci://`}, s.name, "--drift")
	s.shows(0, []string{`oci://127.0.0.1:15000/`, `server/` + s.name + `-0`}, s.revision)
	must(t, "openstack-ystack", "image", "delete", "oci://127.0.0.1:15000/"+s.name+"/archive/"+s.name+":"+s.revision)
	s.shows(1, []string{`needs glance://another-name/` + id + `, which is no longer anywhere`}, s.name, "--drift")
	s.shows(1, []string{`server/` + s.name + `-0`}, "--drift")
}

// TestWhereChangedMachines: servers that are not what they say.
func TestWhereChangedMachines(t *testing.T) {
	needMachines(t)
	s := newScene(t)
	s.withIronic(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"nodes": []}`) })
	id, sum := s.image("vm")
	changed, unrecorded := s.record(id, sum), s.record(id, sum)
	changed["ystack_image"] = "01234567-0123-0123-0123-0123456789ab"
	delete(unrecorded, "ystack_image")
	s.server("changed", id, changed)
	s.server("unrecorded", id, unrecorded)
	later := s.record(id, sum) // another commit with the same inputs
	later["ystack_revision"] = strings.Repeat(random(), 5)
	s.server("later", id, later)
	s.shows(0, []string{
		`^` + s.name + ` +` + later["ystack_revision"][:12] + ` +vm .* glance://lab/` + id + `$`,
		`^` + s.name + ` +` + later["ystack_revision"][:12] + ` +vm .* oci://127.0.0.1:15000/` + s.name + `/archive/`,
		`^` + s.name + ` +` + later["ystack_revision"][:12] + ` +server/` + s.name + `-later `,
	}, later["ystack_revision"])
	s.shows(1, []string{
		`^server/` + s.name + `-changed +cloud lab +runs glance://lab/` + id + `, but its record says 0123.*: it was changed by hand$`,
		`^server/` + s.name + `-unrecorded +cloud lab +runs glance://lab/` + id + `, and has no record of it$`,
	}, s.name, "--drift")
}

// TestWhereNodes: what Ironic's nodes say is on them.
func TestWhereNodes(t *testing.T) {
	needLab(t)
	s := newScene(t)
	needIronic(t, s)
	id, sum := s.image("baremetal")
	recorded, changed := s.instance(id, s.record(id, sum)), s.instance(id, s.record(id, sum))
	changed["image_source"] = "01234567-0123-0123-0123-0123456789ab"
	s.node("recorded", recorded)
	s.node("changed", changed)
	s.node("free", nil)
	s.shows(0, []string{
		`^` + s.name + ` +` + s.revision[:12] + ` +baremetal +sha256:` + sum[:12] + ` .* glance://lab/` + id + `$`,
		`^` + s.name + ` +` + s.revision[:12] + ` +node/` + s.name + `-recorded +enroll .* alice +cloud lab$`,
	}, s.name)
	s.shows(1, []string{`^node/` + s.name + `-changed +cloud lab +runs glance://lab/0123\S*, but its record says glance://another-name/` + id + `: it was changed by hand$`}, s.name, "--drift")
	if out, _, _ := s.where("-o", "name", s.name); strings.Contains(out, "free") {
		t.Errorf("a node that is nobody's is told: %s", out)
	}
}

func needIronic(t *testing.T, s *scene) {
	t.Helper()
	endpoint, err := s.session.Endpoint(t.Context(), "baremetal")
	if err == nil {
		var answer *http.Response
		if answer, err = http.Get(endpoint); err == nil {
			answer.Body.Close()
			return
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatal(err)
	}
	t.Skipf("the lab's Ironic does not run: %v; `lab up metal` starts it", err)
}

// instance is what a node with an image has in its instance_info.
func (s *scene) instance(id string, record map[string]string) map[string]string {
	record["image_source"] = id
	return record
}

// node enrols one.
func (s *scene) node(name string, instance map[string]string) {
	s.t.Helper()
	var made struct{ UUID string }
	s.ask(http.MethodPost, "baremetal", "/v1/nodes", map[string]any{
		"name": s.name + "-" + name, "driver": "fake-hardware", "resource_class": s.name, "instance_info": instance,
	}, &made)
	s.t.Cleanup(func() { s.ask(http.MethodDelete, "baremetal", "/v1/nodes/"+made.UUID, nil, nil) })
}
