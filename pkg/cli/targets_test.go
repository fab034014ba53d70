package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/deploy"
	"github.com/ystackdev/ystack/pkg/image/store"
	"github.com/ystackdev/ystack/pkg/pipeline"
)

// threeTargets are the events of a run in which one target fails and the others go on.
func threeTargets() []pipeline.Event {
	at := func(s int) time.Time { return time.Unix(int64(s), 0).UTC() }
	server := func(n, state string) deploy.Item { return deploy.Item{Name: "server/hello-" + n, State: state} }
	return []pipeline.Event{
		{Time: at(0), Type: pipeline.StepStarted, Target: "container", Step: "check"},
		{Time: at(0), Type: pipeline.StepStarted, Target: "vm", Step: "check"},
		{Time: at(1), Type: pipeline.StepDone, Target: "vm", Step: "check", Message: "cloud lab"},
		{Time: at(2), Type: pipeline.StepDone, Target: "container", Step: "check", Message: "cluster lab, namespace hello"},
		{Time: at(2), Run: "hello-1", Type: pipeline.RunStarted, Subject: &pipeline.Subject{
			App: "hello", Target: "container,vm", Revision: strings.Repeat("a", 40), By: "jane", Dir: "/src/hello", Targets: []pipeline.Aim{
				{Target: "container", Place: "cluster lab, namespace hello", Steps: []string{"check", "build", "deploy", "verify"}},
				{Target: "vm", Place: "cloud lab", Steps: []string{"check", "build", "archive", "deploy", "verify"}},
			},
		}},
		{Time: at(2), Type: pipeline.StepStarted, Target: "vm", Step: "build"},
		{Time: at(3), Type: pipeline.StepStarted, Target: "container", Step: "deploy"},
		{Time: at(4), Type: pipeline.StepProgress, Target: "vm", Step: "build", Message: "packer: booting"},
		{Time: at(4), Type: pipeline.StepProgress, Target: "container", Step: "deploy", Items: []deploy.Item{server("0", "Ready")}},
		{Time: at(5), Type: pipeline.StepFailed, Target: "vm", Step: "build", Message: "packer: no valid host"},
		{Time: at(6), Type: pipeline.StepDone, Target: "container", Step: "deploy", Message: "1/1 ready"},
		{Time: at(6), Type: pipeline.StepStarted, Target: "container", Step: "verify"},
		{Time: at(7), Type: pipeline.StepDone, Target: "container", Step: "verify", Message: "GET / answered 200", Output: map[string]string{"a": "b"}},
		{Time: at(7), Type: pipeline.RunFailed, Message: "vm/build: packer: no valid host"},
	}
}

func TestProgressOfSeveralTargets(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(Env{Err: &out, Getenv: func(string) string { return "" }}, "container", "vm")
	for _, e := range threeTargets() {
		p.event(e)
	}
	p.close()
	golden(t, "progress-targets.txt", out.Bytes())
}

// TestLiveProgressOfSeveralTargets: each step under way has a line, and keeps it.
func TestLiveProgressOfSeveralTargets(t *testing.T) {
	var out bytes.Buffer
	p := &liveProgress{w: &out, width: 80, names: newStepNames([]string{"container", "vm"}), done: make(chan struct{})}
	for _, e := range threeTargets() {
		p.event(e)
		got := strings.Join(screen(out.String()), "\n")
		if e.Type == pipeline.StepProgress && e.Target == "vm" {
			for _, want := range []string{"container/deploy   running", "vm/build           running", "packer: booting"} {
				if !strings.Contains(got, want) {
					t.Errorf("no %q in:\n%s", want, got)
				}
			}
		}
	}
	p.close()
	got := strings.Join(screen(out.String()), "\n")
	for _, want := range []string{"✗ vm/build           failed    3.0s  packer: no valid host", "✓ container/verify   done      1.0s"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
	if strings.Contains(got, "running") {
		t.Errorf("left over:\n%s", got)
	}
}

// TestNewest: the image of the revision, the last one of several; others are told of.
func TestNewest(t *testing.T) {
	image := func(id, revision, target string, day int) store.Info {
		return store.Info{ID: id, State: store.Active, Created: time.Unix(int64(day)*86400, 0), Properties: map[string]string{
			store.Revision: revision, store.Target: target, store.SHA256: "00",
		}}
	}
	half := image("half", "r2", "vm", 9)
	half.State = "saving"
	all := []store.Info{image("old", "r1", "vm", 1), image("metal", "r2", "baremetal", 3), image("first", "r2", "vm", 2), image("second", "r2", "vm", 3), half}
	for name, tc := range map[string]struct{ revision, want, said string }{
		"there":     {"r2", "second", ""},
		"old":       {"r1", "old", ""},
		"not built": {"r3", "", "glance://lab/second"},
	} {
		got, err := newest(all, "vm", deploy.Release{App: "hello", Revision: tc.revision}, "lab")
		if got.ID != tc.want || (err != nil) != (tc.said != "") || err != nil && !strings.Contains(err.Error(), tc.said) {
			t.Errorf("%s: %s, %v", name, got.ID, err)
		}
	}
}

// TestKindsToDeploy: an image goes to the targets that it is for.
func TestKindsToDeploy(t *testing.T) {
	three := app.Deploy{Container: &app.ContainerDeploy{}, VM: &app.VMDeploy{}, Baremetal: &app.BaremetalDeploy{}}
	for name, tc := range map[string]struct {
		deploy  app.Deploy
		image   string
		targets []string
		want    string
		err     string
	}{
		"all":                   {deploy: three, want: "container vm baremetal"},
		"chosen":                {deploy: three, targets: []string{"baremetal", "container"}, want: "container baremetal"},
		"a container's image":   {deploy: three, image: "registry.example/x:1", want: "container"},
		"a machine's image":     {deploy: three, image: "glance://lab/x", targets: []string{"vm"}, want: "vm"},
		"whose image":           {deploy: three, image: "glance://lab/x", err: "say which with --target"},
		"the only machines":     {deploy: app.Deploy{VM: &app.VMDeploy{}}, image: "glance://lab/x", want: "vm"},
		"no such target":        {deploy: three, targets: []string{"mv"}, err: `--target "mv": container, vm or baremetal`},
		"not described":         {deploy: app.Deploy{VM: &app.VMDeploy{}}, targets: []string{"baremetal"}, err: "spec.deploy.baremetal is needed to deploy to Ironic"},
		"no machines described": {deploy: app.Deploy{Container: &app.ContainerDeploy{}}, image: "glance://lab/x", err: "spec.deploy.vm or spec.deploy.baremetal is needed"},
	} {
		o := &deployImageOptions{Image: tc.image, Targets: tc.targets}
		got, err := o.kinds(&app.Application{Spec: app.ApplicationSpec{Deploy: tc.deploy}})
		if strings.Join(got, " ") != tc.want || (err != nil) != (tc.err != "") || err != nil && !strings.Contains(err.Error(), tc.err) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
