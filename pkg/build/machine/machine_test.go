package machine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/image/store"
	"github.com/ystackdev/ystack/pkg/source"
)

// The image for VMs has the plain name; what may stand beside it has one of its own.
func TestNames(t *testing.T) {
	places := []store.Ref{
		{Scheme: store.Glance, Host: "c"}, {Scheme: store.OCI, Host: "r.example", Name: "images"}, {Scheme: store.Artifactory, Host: "a.example", Name: "repo"},
	}
	rev := source.Revision{Commit: strings.Repeat("ab", 20)}
	c := rev.Commit
	for _, x := range []struct {
		target, part, format string
		want                 []string
	}{
		{VM, "", "qcow2", []string{"glance://c/app-" + c, "oci://r.example/images/app:" + c, "artifactory://a.example/repo/app/" + c + "/app-" + c + ".qcow2"}},
		{Baremetal, "", "raw", []string{
			"glance://c/app-" + c + "-baremetal", "oci://r.example/images/app:" + c + "-baremetal",
			"artifactory://a.example/repo/app/" + c + "-baremetal/app-" + c + "-baremetal.raw",
		}},
		{Baremetal, "-kernel", "aki", []string{
			"glance://c/app-" + c + "-baremetal-kernel", "oci://r.example/images/app:" + c + "-baremetal-kernel",
			"artifactory://a.example/repo/app/" + c + "-baremetal-kernel/app-" + c + "-baremetal-kernel.aki",
		}},
	} {
		j := Job{App: "app", Target: x.target, Revision: rev}
		for n, place := range places {
			if got, err := j.in(place, x.part, x.format); err != nil || got.String() != x.want[n] {
				t.Errorf("%s%s: %s, %v; want %s", x.target, x.part, got, err, x.want[n])
			}
		}
	}
}

func TestJobs(t *testing.T) {
	a := &app.Application{Metadata: app.Metadata{Name: "hello"}}
	if jobs := Jobs(a, "/d", source.Revision{}); len(jobs) != 0 {
		t.Errorf("%v", jobs)
	}
	a.Spec.Images.VM = &app.VMImage{Packer: &app.Packer{Template: "t"}, Source: "r@v1"}
	a.Spec.Images.Baremetal = &app.BaremetalImage{DiskImageBuilder: &app.DiskImageBuilder{}}
	jobs := Jobs(a, "/d", source.Revision{})
	if vm := jobs[VM]; vm.Target != VM || vm.Source != "r@v1" || vm.Packer == nil || vm.Elements != nil {
		t.Errorf("%+v", vm)
	}
	if metal := jobs[Baremetal]; metal.Target != Baremetal || metal.Source != "" || metal.Packer != nil || metal.Elements == nil {
		t.Errorf("%+v", metal)
	}
}

func TestChoose(t *testing.T) {
	all := []named{{"1", "m1.small"}, {"2", "m1.large"}, {"3", "twin"}, {"4", "twin"}}
	for want, id := range map[string]string{"m1.small": "1", "2": "2"} {
		if got, err := choose("flavor", want, all); err != nil || got != id {
			t.Errorf("%s: %s, %v", want, got, err)
		}
	}
	for want, text := range map[string]string{"m1.smal": `did you mean "m1.small"`, "twin": "2 of the name flavor", "x": "m1.small, m1.large"} {
		if _, err := choose("flavor", want, all); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v; want %q", want, err, text)
		}
	}
}

func TestComplaint(t *testing.T) {
	for want, lines := range map[string][]string{
		"E: Unable to locate package nosuch":      {"2026-11-25 20:46:16.145 | Reading package lists...", "2026-11-25 20:46:16.145 | E: Unable to locate package nosuch", "2026-11-25 20:46:16.1 | done"},
		"50-hello: line 5: go: command not found": {"2026-11-25 21:02:28.217 | 50-hello: line 5: go: command not found", "2026-11-25 21:02:28.449 | Unmount /tmp/x", "2026-11-25 21:02:29.227 | INFO diskimage_builder.block_device.blockdevice [-] State already cleaned"},
		"": nil,
	} {
		if got := complaint(lines); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := stageOf("2026-11-25 20:37:02.701 | dib-run-parts Running /tmp/in_target.d/install.d/12-debian-locale-gen"); got != "install.d/12-debian-locale-gen" {
		t.Errorf("stage %q", got)
	}
}

// A note outlives whoever wrote it; its lock does not.
func TestNote(t *testing.T) {
	b := &Builder{StateDir: t.TempDir()}
	first, err := b.claim("app", VM)
	if err != nil || first.left() {
		t.Fatal(first, err)
	}
	first.App, first.Name, first.Server = "app", "app-1", serverID
	if err := first.write(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.claim("app", VM); err == nil || !strings.Contains(err.Error(), "under way") {
		t.Errorf("claimed twice: %v", err)
	}
	first.close()
	second, err := b.claim("app", VM)
	if err != nil || second.Server != serverID || !second.left() {
		t.Fatalf("%+v, %v", second, err)
	}
	if err := second.forget(); err != nil || second.left() {
		t.Error(err)
	}
	second.close()
	if third, err := b.claim("app", VM); err != nil || third.left() {
		t.Errorf("%+v, %v", third, err)
	} else {
		third.close()
	}
}

// The inputs are what decides the content: not times, not .git.
func TestInputs(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("main.go", "package main")
	sum := func(more string) string {
		p := &Plan{Job: Job{Dir: dir}, root: dir, Tool: "packer 1"}
		if err := p.sum(map[string]any{"x": more}); err != nil {
			t.Fatal(err)
		}
		if err := p.unchanged(); err != nil {
			t.Error(err)
		}
		return p.Inputs
	}
	first := sum("a")
	write(".git/HEAD", "x")
	if sum("a") != first {
		t.Error(".git counts")
	}
	if sum("b") == first {
		t.Error("what else the builder says does not count")
	}
	write("image/vm.pkr.hcl", "")
	if sum("a") == first {
		t.Error("a new file does not count")
	}
}
