//go:build e2e

package e2e

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ystackdev/ystack/pkg/deploy"
	"github.com/ystackdev/ystack/pkg/keystone"
)

// needMachines starts the lab's Nova: it is not among what `make e2e` starts.
func needMachines(t *testing.T) {
	t.Helper()
	needLab(t)
	if os.Getenv("CI") == "" && exec.Command("curl", "-fsS", "-o", os.DevNull, "http://127.0.0.1:15774/").Run() != nil {
		t.Skip("the lab's Nova does not run; `lab up vms` starts it")
	}
	up := exec.Command("lab", "up", "vms")
	up.Dir = ".."
	if out, err := up.CombinedOutput(); err != nil {
		t.Fatalf("lab up vms: %v\n%s", err, out)
	}
}

// machines is an application with images for machines, and the cloud that they are made in.
type machines struct {
	t       *testing.T
	name    string // of the application
	dir     string
	site    string
	archive string // of the Site file, if it is no registry
	tmp     string // where builds have their directories
	state   string
	ystack  string
	session *keystone.Session
}

func newMachines(t *testing.T, ystack string) *machines {
	t.Helper()
	m := &machines{t: t, name: "e2e-" + random(), dir: t.TempDir(), tmp: t.TempDir(), state: t.TempDir(), ystack: ystack}
	m.shell(`cp -r "$PWD"/../examples/hello/. "$DIR" && cd "$DIR" && sed -i "s/name: hello$/name: $NAME/" ystack.yaml &&
		git init -q . && git add -A && git -c user.name=e2e -c user.email=e2e@example.org commit -qm e2e`)
	m.useSite("m1.small", "debian-12")
	cfg, err := keystone.Load(keystone.LoadOptions{Cloud: "lab", Getenv: os.Getenv})
	if err != nil {
		t.Fatal(err)
	}
	client, err := keystone.NewClient(cfg, "e2e")
	if err != nil {
		t.Fatal(err)
	}
	m.session = keystone.NewSession(client, cfg)
	t.Cleanup(func() {
		m.run("build", m.dir, "--target", "vm", "--clean") // of a test that failed
		m.deleteImages()
	})
	return m
}

func (m *machines) shell(script string) {
	m.t.Helper()
	cmd := exec.Command("/bin/sh", "-ec", script)
	cmd.Env = append(os.Environ(), "DIR="+m.dir, "NAME="+m.name)
	if out, err := cmd.CombinedOutput(); err != nil {
		m.t.Fatalf("%v\n%s", err, out)
	}
}

// useSite writes the Site file: another flavor or image may be one that is not there.
func (m *machines) useSite(flavor, image string) {
	m.t.Helper()
	m.site = filepath.Join(m.state, "site.yaml")
	text := `apiVersion: ystack.dev/v1alpha1
kind: Site
metadata: {name: e2e}
spec:
  openstack:
    cloud: lab
    build: {flavor: ` + flavor + `, network: private, sourceImage: ` + image + `, sshUser: debian}
  registries: {push: 127.0.0.1:15000/` + m.name + `}
  archive: {` + cmp.Or(m.archive, "oci: 127.0.0.1:15000/"+m.name+"-archive") + `}
`
	if err := os.WriteFile(m.site, []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

// useTemplate has the machine do nothing but this, as soon as it runs.
func (m *machines) useTemplate(command string) {
	m.t.Helper()
	m.useCommunicator(`communicator = "none"`, command)
}

// useCommunicator says how Packer comes to the machine, if at all.
func (m *machines) useCommunicator(how, command string) {
	m.t.Helper()
	var text strings.Builder
	for _, v := range []string{"cloud", "flavor", "network", "source_image", "image_name"} {
		fmt.Fprintf(&text, "variable %q {\n  type = string\n}\n", v)
	}
	fmt.Fprintf(&text, `source "openstack" "vm" {
  cloud        = var.cloud
  flavor       = var.flavor
  networks     = [var.network]
  source_image = var.source_image
  image_name   = var.image_name
  %s
}
build {
  sources = ["source.openstack.vm"]
  provisioner "shell-local" {
    inline = [%q]
  }
}
`, how, command)
	if err := os.WriteFile(filepath.Join(m.dir, "image/vm.pkr.hcl"), []byte(text.String()), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machines) command(args ...string) (cmd *exec.Cmd, out, errs *bytes.Buffer) {
	cmd = exec.Command(m.ystack, append([]string{"image"}, args...)...)
	cmd.Env = append(os.Environ(), "YSTACK_SITE="+m.site, "XDG_STATE_HOME="+m.state, "TMPDIR="+m.tmp, "OS_CLOUD=")
	out, errs = &bytes.Buffer{}, &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = out, errs
	return cmd, out, errs
}

// run returns what came out, what was said, and the exit status.
func (m *machines) run(args ...string) (string, string, int) {
	m.t.Helper()
	cmd, out, errs := m.command(args...)
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		m.t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// fails runs a build that must end with an error that has these words, and leave nothing.
func (m *machines) fails(words ...string) {
	m.t.Helper()
	_, errs, code := m.run("build", m.dir, "--target", "vm")
	if code != 1 {
		m.t.Errorf("exit status %d\n%s", code, errs)
	}
	for _, w := range words {
		if !strings.Contains(errs, w) {
			m.t.Errorf("it does not say %q:\n%s", w, errs)
		}
	}
	m.nothingLeft()
}

// ask gets a list from the cloud.
func (m *machines) ask(service, path string, out any) {
	m.t.Helper()
	request, err := m.session.Request(context.Background(), http.MethodGet, service, path, nil)
	if err != nil {
		m.t.Fatal(err)
	}
	answer, err := m.session.Do(request)
	if err != nil {
		m.t.Fatal(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err == nil {
		err = json.Unmarshal(data, out)
	}
	if err != nil {
		m.t.Fatalf("%s: %v: %s", path, err, data)
	}
}

// left is what there is of the application in the cloud and on this machine.
func (m *machines) left() []string {
	m.t.Helper()
	var found []string
	var servers struct{ Servers []struct{ ID, Name string } }
	m.ask("compute", "/v2.1/servers?name="+m.name, &servers)
	for _, s := range servers.Servers {
		found = append(found, "server "+s.ID)
	}
	var keys struct {
		Keypairs []struct{ Keypair struct{ Name string } }
	}
	m.ask("compute", "/v2.1/os-keypairs", &keys)
	for _, k := range keys.Keypairs {
		if strings.Contains(k.Keypair.Name, m.name) {
			found = append(found, "key pair "+k.Keypair.Name)
		}
	}
	var images struct{ Images []struct{ ID, Name string } }
	m.ask("image", "/v2/images?limit=500", &images)
	for _, i := range images.Images {
		if strings.HasPrefix(i.Name, m.name) {
			found = append(found, "image "+i.ID)
		}
	}
	loops, _ := filepath.Glob("/sys/block/loop*/loop/backing_file")
	for _, file := range append(loops, "/proc/self/mounts") {
		if data, _ := os.ReadFile(file); bytes.Contains(data, []byte(m.tmp+"/")) {
			found = append(found, file)
		}
	}
	files, _ := filepath.Glob(m.tmp + "/ystack-*")
	return append(found, files...)
}

// nothingLeft counts ports too: those that belong to no server any more.
func (m *machines) nothingLeft() {
	m.t.Helper()
	if left := m.left(); len(left) > 0 {
		m.t.Errorf("left behind: %q", left)
	}
}

func (m *machines) ports(server string) int {
	m.t.Helper()
	var ports struct{ Ports []struct{ ID string } }
	m.ask("network", "/v2.0/ports?device_id="+server, &ports)
	return len(ports.Ports)
}

func (m *machines) deleteImages() {
	for _, what := range m.left() {
		if id, is := strings.CutPrefix(what, "image "); is {
			_ = exec.Command("openstack", "--os-cloud", "lab", "image", "delete", id).Run()
		}
	}
}

// note is what a build has written about itself.
func (m *machines) note() (n struct{ Server, Image, Work string }) {
	data, _ := os.ReadFile(filepath.Join(m.state, "ystack/builds", m.name+"-vm.json"))
	_ = json.Unmarshal(data, &n)
	return n
}

// begun starts a build and returns when its machine is there and Packer waits.
func (m *machines) begun() (*exec.Cmd, string, *bytes.Buffer) {
	m.t.Helper()
	m.useTemplate("echo waiting; sleep 600")
	cmd, _, errs := m.command("build", m.dir, "--target", "vm")
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	log := filepath.Join(m.state, "ystack/builds", m.name+"-vm.log")
	for range 3000 {
		data, _ := os.ReadFile(log)
		if n := m.note(); n.Server != "" && strings.Contains(string(data), "waiting") {
			return cmd, n.Server, errs
		}
		time.Sleep(100 * time.Millisecond)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	m.t.Fatalf("the machine does not come\n%s", errs)
	return nil, "", nil
}

func TestMachineImages(t *testing.T) {
	needMachines(t)
	ystack := filepath.Join(t.TempDir(), "openstack-ystack")
	if out, err := exec.Command("go", "build", "-o", ystack, "../cmd/openstack-ystack").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Run("made, archived, booted", func(t *testing.T) {
		t.Parallel()
		testVMImage(t, ystack)
	})
	t.Run("what fails leaves nothing", func(t *testing.T) {
		t.Parallel()
		testVMFaults(t, ystack)
	})
	t.Run("killed, and never up", func(t *testing.T) {
		t.Parallel()
		testVMKilled(t, ystack)
	})
}

// From the source to a machine that answers.
func testVMImage(t *testing.T, ystack string) {
	m := newMachines(t, ystack)
	out, errs, code := m.run("build", m.dir, "--target", "vm", "-f", "json")
	var rows []struct {
		Result, Revision, SHA256 string
		Places, IDs              []string
	}
	if err := json.Unmarshal([]byte(out), &rows); err != nil || code != 0 || len(rows) != 1 || rows[0].Result != "built" || len(rows[0].Places) != 2 {
		t.Fatalf("status %d, %v\n%s\n%s", code, err, out, errs)
	}
	made := rows[0]
	if left := m.left(); len(left) != 1 || left[0] != "image "+made.IDs[0] {
		t.Errorf("there is %q", left)
	}
	out, _, _ = m.run("show", m.name+":"+made.Revision, "-f", "json")
	for _, want := range append([]string{made.SHA256, made.IDs[0], "ystack_builder=packer 1", "ystack_base=debian-12 "}, made.Places...) {
		if !strings.Contains(out, want) {
			t.Errorf("image show does not tell %q:\n%s", want, out)
		}
	}
	if out, errs, code := m.run("verify", m.name+":"+made.Revision, "-f", "value", "-c", "Result", "-c", "SHA256"); code != 0 || strings.Count(out, "ok "+made.SHA256) != 2 {
		t.Errorf("image verify: %d\n%s%s", code, out, errs)
	}
	if out, errs, _ := m.run("build", m.dir, "--target", "vm", "-f", "value", "-c", "Result", "-c", "SHA256"); out != "present "+made.SHA256+"\n" {
		t.Errorf("built again: %s%s", out, errs)
	}
	testServed(t, "lab", deploy.Release{App: m.name, Image: "glance://lab/" + made.IDs[0], SHA256: made.SHA256, Revision: made.Revision, By: "e2e"})
}

func testVMFaults(t *testing.T, ystack string) {
	m := newMachines(t, ystack)

	m.useSite("m1.smal", "debian-12")
	m.fails(`the cloud has no flavor "m1.smal"; did you mean "m1.small"?`)
	m.useSite("m1.small", "debian-13")
	m.fails("glance://lab/debian-13", "no image of this name")
	if _, errs, code := m.run("build", m.dir, "--target", "vm", "--os-cloud", "nosuch"); code != 1 || !strings.Contains(errs, "nosuch") {
		t.Errorf("no such cloud: %d\n%s", code, errs)
	}
	m.useSite("m1.huge", "debian-12")
	m.fails("Quota exceeded for ram")
	m.useSite("m1.nowhere", "debian-12")
	m.fails("No valid host was found")
	m.useSite("m1.small", "debian-12")
	m.useTemplate("echo it breaks; exit 3")
	m.fails("exit")

	cmd, server, errs := m.begun()
	if m.ports(server) != 1 {
		t.Errorf("a machine has %d ports", m.ports(server))
	}
	if _, busy, code := m.run("build", m.dir, "--target", "vm"); code != 1 || !strings.Contains(busy, "another build of it is under way") {
		t.Errorf("beside another build: %d\n%s", code, busy)
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if _ = cmd.Wait(); cmd.ProcessState.ExitCode() != 130 {
		t.Errorf("interrupted: exit status %d\n%s", cmd.ProcessState.ExitCode(), errs)
	}
	m.nothingLeft()

	cmd, server, _ = m.begun()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if len(m.left()) < 3 { // server, key pair, directory
		t.Errorf("a build that was killed has left only %q", m.left())
	}
	_, said, code := m.run("build", m.dir, "--target", "vm", "--clean")
	if code != 0 || !strings.Contains(said, "server "+server) || !strings.Contains(said, "key pair ") {
		t.Errorf("--clean: %d\n%s", code, said)
	}
	m.nothingLeft()
	if n := m.ports(server); n != 0 {
		t.Errorf("%d ports are left", n)
	}
	if _, said, code := m.run("build", m.dir, "--target", "vm", "--clean"); code != 0 || said != "" {
		t.Errorf("--clean of nothing: %d\n%s", code, said)
	}
	m.takenUp()
}

// takenUp kills a build while Nova makes the snapshot: the next one goes on with that.
func (m *machines) takenUp() {
	m.t.Helper()
	m.useTemplate("echo nothing to do")
	cmd, _, errs := m.command("build", m.dir, "--target", "vm")
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	image := ""
	for range 3000 {
		if image = m.note().Image; image != "" {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	_ = cmd.Process.Kill()
	if _ = cmd.Wait(); image == "" {
		m.t.Fatalf("no snapshot\n%s", errs)
	}
	out, said, code := m.run("build", m.dir, "--target", "vm", "-f", "value", "-c", "Result", "-c", "IDs")
	if code != 0 || !strings.HasPrefix(out, "built "+image) || !strings.Contains(said, "taking up image "+image) {
		m.t.Errorf("%d\n%s%s", code, out, said)
	}
	if left := m.left(); len(left) != 1 || left[0] != "image "+image {
		m.t.Errorf("there is %q", left)
	}
}
