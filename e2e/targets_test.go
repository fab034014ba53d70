//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/baremetal"
)

// threefold is an application on all three targets. Its images of machines are empty
// disks that the test puts into Glance under the inputs that a build would have: to build
// them is for the tests of image build.
type threefold struct {
	*machines
	app *application
}

func newThreefold(t *testing.T) *threefold {
	t.Helper()
	needMachines(t)
	if os.Getenv("CI") == "" && exec.Command("curl", "-fsS", "-o", os.DevNull, "http://127.0.0.1:15385/v1").Run() != nil {
		t.Skip("the lab's Ironic does not run; `lab up metal` starts it")
	}
	up := exec.Command("lab", "up", "metal")
	up.Dir = ".."
	if out, err := up.CombinedOutput(); err != nil {
		t.Fatalf("lab up metal: %v\n%s", err, out)
	}
	a := newApp(t)
	f := &threefold{machines: newMachines(t, "openstack-ystack"), app: a}
	f.name, f.dir = a.name, a.dir
	f.write("ystack.yaml", fmt.Sprintf(`apiVersion: ystack.dev/v1alpha1
kind: Application
metadata: {name: %[1]s}
spec:
  images:
    container: {dockerfile: Dockerfile}
    vm:
      diskimageBuilder: {elements: [debian-minimal, vm]}
      ignore: ["*", "!vm.txt"]
    baremetal:
      diskimageBuilder: {elements: [debian-minimal]}
      ignore: ["*", "!metal.txt"]
  deploy:
    container: {namespace: %[1]s, ports: [{name: http, port: 80, targetPort: 8080}]}
    vm: {count: 2, flavor: m1.tiny, networks: [private]}
    baremetal: {count: 2, resourceClass: %[1]s}
`, a.name))
	f.write(".dockerignore", "*.txt\nystack.yaml\n")
	f.enroll(2)
	t.Cleanup(f.removeServers)
	return f
}

func (f *threefold) write(file, content string) {
	f.t.Helper()
	if err := os.WriteFile(filepath.Join(f.dir, file), []byte(content), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// commit makes a revision in which these files are new.
func (f *threefold) commit(files ...string) {
	f.t.Helper()
	for _, file := range files {
		f.write(file, random())
	}
	f.shell(`cd "$DIR" && git add -A && git -c user.name=e2e -c user.email=e2e@example.org commit -qm e2e`)
	f.makeImages()
}

// makeImages stands for the builders of the images of machines: what has no image of its
// inputs gets an empty one.
func (f *threefold) makeImages() {
	f.t.Helper()
	out, errs, code := f.run("build", f.dir, "--target", "vm,baremetal", "--dry-run", "-f", "json")
	var rows []struct{ Target, Result, Revision, Inputs string }
	if err := json.Unmarshal([]byte(out), &rows); code != 0 || err != nil || len(rows) != 2 {
		f.t.Fatalf("status %d, %v\n%s%s", code, err, out, errs)
	}
	file := filepath.Join(f.tmp, "empty.raw")
	if err := os.WriteFile(file, make([]byte, 1<<20), 0o600); err != nil {
		f.t.Fatal(err)
	}
	for _, r := range rows {
		if r.Result == "present" {
			continue
		}
		args := []string{"--os-cloud", "lab", "image", "create", "--file", file, "--disk-format", "raw", "--property", "os_shutdown_timeout=1"}
		for name, value := range map[string]string{
			"app": f.name, "revision": r.Revision, "target": r.Target, "inputs": r.Inputs,
			"sha256": "30e14955ebf1352266dc2ff8067e68104607e750abb9d3b36582b8af909fcb58", // of a mebibyte of zeros
		} {
			args = append(args, "--property", "ystack_"+name+"="+value)
		}
		if out, err := exec.Command("openstack", append(args, f.name+"-"+r.Target+"-"+random())...).CombinedOutput(); err != nil {
			f.t.Fatalf("%v\n%s", err, out)
		}
	}
}

// enroll makes nodes of a resource class of the test's own.
func (f *threefold) enroll(n int) {
	f.t.Helper()
	client := &baremetal.Client{Session: f.session}
	var wanted []baremetal.Wanted
	for i := range n {
		wanted = append(wanted, baremetal.Wanted{BaremetalNode: app.BaremetalNode{Name: fmt.Sprintf("%s-%d", f.name, i), Driver: "fake-hardware", ResourceClass: f.name}})
	}
	f.t.Cleanup(f.removeNodes)
	for _, o := range (&baremetal.Enroller{Client: client}).Enroll(f.t.Context(), wanted) {
		if o.Err != nil {
			f.t.Fatal(o.Err)
		}
	}
}

// nodes are the states of the test's nodes, and what runs on them.
func (f *threefold) nodes() []string {
	f.t.Helper()
	all, err := (&baremetal.Client{Session: f.session}).Nodes(context.Background(), f.name)
	if err != nil {
		f.t.Fatal(err)
	}
	var states []string
	for _, n := range all {
		states = append(states, n.State)
	}
	return states
}

// servers are the ids of the test's servers, by state.
func (f *threefold) servers() map[string][]string {
	f.t.Helper()
	var out struct{ Servers []struct{ ID, Status string } }
	f.ask("compute", "/v2.1/servers/detail?name=^"+f.name, &out)
	by := map[string][]string{}
	for _, s := range out.Servers {
		by[s.Status] = append(by[s.Status], s.ID)
	}
	for _, ids := range by {
		slices.Sort(ids)
	}
	return by
}

func (f *threefold) removeServers() {
	for _, ids := range f.servers() {
		_ = exec.Command("openstack", append([]string{"--os-cloud", "lab", "server", "delete", "--wait"}, ids...)...).Run()
	}
}

func (f *threefold) removeNodes() {
	client := &baremetal.Client{Session: f.session}
	ctx := context.Background()
	nodes, err := client.Nodes(ctx, f.name)
	if err != nil {
		f.t.Error(err)
	}
	for _, n := range nodes {
		f.call("PUT", "/v1/nodes/"+n.UUID+"/maintenance")
	}
	allocations, err := client.Allocations(ctx)
	if err != nil {
		f.t.Error(err)
	}
	for _, a := range allocations {
		if a.ResourceClass == f.name {
			_ = client.Deallocate(ctx, a)
		}
	}
	for _, n := range nodes {
		f.call("DELETE", "/v1/nodes/"+n.UUID)
	}
}

func (f *threefold) call(method, path string) {
	request, err := f.session.Request(context.Background(), method, "baremetal", path, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	request.Header.Set("X-OpenStack-Ironic-API-Version", "1.61")
	answer, err := f.session.Do(request)
	if err != nil {
		f.t.Fatal(err)
	}
	answer.Body.Close()
}

// ystackRun runs a verb of the plugin, and returns what came out and what was said.
func (f *threefold) ystackRun(env []string, args ...string) (string, string, error) {
	cmd := exec.Command("kubectl", append([]string{"ystack"}, args...)...)
	cmd.Env = append(append(os.Environ(), "XDG_STATE_HOME="+f.app.state, "TMPDIR="+f.tmp), env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	return out.String(), errs.String(), err
}

// must runs a verb that ends well, with these words on standard output.
func (f *threefold) must(words []string, args ...string) (string, string) {
	f.t.Helper()
	out, errs, err := f.ystackRun(nil, args...)
	if err != nil {
		f.t.Fatalf("%v: %v\n%s%s", args, err, out, errs)
	}
	for _, w := range words {
		if !strings.Contains(out, w) {
			f.t.Errorf("%v does not say %q:\n%s%s", args, w, out, errs)
		}
	}
	return out, errs
}

// whole checks that everything runs, and nothing twice.
func (f *threefold) whole() {
	f.t.Helper()
	if s := f.servers(); len(s["ACTIVE"]) != 2 || len(s) != 1 {
		f.t.Errorf("servers: %v", s)
	}
	if n := f.nodes(); !slices.Equal(n, []string{"active", "active"}) {
		f.t.Errorf("nodes: %v", n)
	}
	out, _ := f.must(nil, "pipeline", "run", f.dir)
	if strings.Count(out, "is up to date") != 3 {
		f.t.Errorf("there is something left to do:\n%s", out)
	}
}

// TestTargets takes an application to all three targets: through changes of one, and
// through kills.
func TestTargets(t *testing.T) {
	f := newThreefold(t)
	for _, point := range []string{"vm/deploy:told-3", "baremetal/deploy:told-2"} {
		t.Run(point, func(t *testing.T) { f.killed(t, point) })
	}
	f.t = t
	f.changes()
}

// changes of one target's inputs are brought to that target only.
func (f *threefold) changes() {
	t := f.t
	f.commit("vm.txt", "metal.txt")
	f.must([]string{"in namespace " + f.name, "on vm in cloud lab", "on baremetal in cloud lab"}, "pipeline", "run", f.dir)
	f.whole()
	f.must([]string{"succeeded", "vm         [check ok", "-> [archive ok", "vm succeeded (cloud lab)"}, "pipeline", "show")
	before := f.servers()

	// What is of one target is done for that target only.
	f.commit("www/index.html")
	_, said := f.must(nil, "pipeline", "run", f.dir)
	if strings.Contains(said, "vm/build") || !strings.Contains(said, "container/build") {
		t.Errorf("a change of the container's inputs:\n%s", said)
	}
	if after := f.servers(); !slices.Equal(after["ACTIVE"], before["ACTIVE"]) {
		t.Errorf("servers were %v, are %v", before, after)
	}
	f.commit("vm.txt")
	out, said := f.must([]string{"runs on vm"}, "pipeline", "run", f.dir)
	if strings.Contains(said, "container/publish done") && !strings.Contains(said, "tagged") || strings.Contains(out, "runs on baremetal") {
		t.Errorf("a change of the VM's inputs:\n%s%s", out, said)
	}
	f.whole()

	// deploy-image has nothing left to do; history and rollback are each target's.
	f.must([]string{"vm: nothing to do", "baremetal: nothing to do"}, "deploy-image", "-f", f.dir, "--target", "vm,baremetal", "--dry-run=server")
	f.must([]string{"superseded", "ready"}, "deploy-image", "history", f.name, "--target", "vm")
	f.must([]string{"server/"}, "deploy-image", "rollback", "-f", f.dir, "--target", "vm")
	events, _ := f.must(nil, "deploy-image", "-f", f.dir, "--target", "vm,container", "-o", "json")
	for _, want := range []string{`"type":"step.done","step":"deploy","target":"vm"`, `"type":"step.done","step":"verify","target":"container"`} {
		if !strings.Contains(events, want) {
			t.Errorf("no %s in\n%s", want, events)
		}
	}

	// One target cannot be had: the others are brought up to date, and the status says so.
	f.shell(`cd "$DIR" && sed -i 's/baremetal: {count: 2/baremetal: {count: 3/' ystack.yaml`)
	f.commit("vm.txt")
	out, said, err := f.ystackRun(nil, "pipeline", "run", f.dir)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(said, "error: baremetal/") || !strings.Contains(out, "runs on vm") {
		t.Errorf("one target that fails: %v\n%s%s", err, out, said)
	}
	f.must([]string{"FAILED", "vm succeeded", "baremetal failed"}, "pipeline", "show")
}

// killed ends a run on all targets at a moment of one of them. The same command finishes
// it, and nothing is there twice.
func (f *threefold) killed(t *testing.T, point string) {
	f.t = t
	f.commit("vm.txt", "metal.txt", "www/index.html")
	out, said, err := f.ystackRun([]string{killAt + "=" + point}, "pipeline", "run", f.dir)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("was not killed: %v\n%s%s", err, out, said)
	}
	_, said = f.must(nil, "pipeline", "run", f.dir)
	if !strings.Contains(said, "taken up again") {
		t.Errorf("another run:\n%s", said)
	}
	f.whole()
	if states, _ := f.must(nil, "pipeline", "list", "-o", "jsonpath={.items[*].state}"); strings.Contains(states, "interrupted") {
		t.Errorf("runs: %s", states)
	}
}
