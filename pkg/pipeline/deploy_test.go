package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/deploy"
)

// shelf is a deploy.Target that keeps the numbers of what it ran, and may break with a
// release.
type shelf struct {
	ran    []string
	breaks string // the image that does not work
}

func (s *shelf) Kind() string  { return deploy.VM }
func (s *shelf) Place() string { return "here" }
func (s *shelf) Current(context.Context) (deploy.Release, error) {
	return deploy.Release{}, nil
}

func (s *shelf) Plan(_ context.Context, r deploy.Release) (deploy.Plan, error) {
	return &shelfPlan{s, r.Image}, nil
}

func (s *shelf) History(context.Context) ([]deploy.Entry, error) {
	if len(s.ran) == 0 {
		return nil, deploy.ErrNotDeployed
	}
	n := len(s.ran)
	return []deploy.Entry{{Number: int64(n), Current: true, Release: deploy.Release{Image: s.ran[n-1]}}}, nil
}

func (s *shelf) Rollback(_ context.Context, number int64) (deploy.Plan, error) {
	return &shelfPlan{s, s.ran[number-1]}, nil
}

type shelfPlan struct {
	s     *shelf
	image string
}

func (p *shelfPlan) Changes() []deploy.Change                    { return nil }
func (p *shelfPlan) Endpoints(context.Context) ([]string, error) { return nil, nil }
func (p *shelfPlan) Apply(ctx context.Context, _ deploy.Report) error {
	p.s.ran = append(p.s.ran, p.image)
	if p.image == p.s.breaks {
		return errors.New("it does not start")
	}
	return ctx.Err()
}

// TestDeployRollsBack: what fails goes back to what it ran, the others stay, and nothing is
// undone for somebody who interrupts.
func TestDeployRollsBack(t *testing.T) {
	for name, tc := range map[string]struct {
		before    []string
		back      bool
		interrupt bool
		want      []string
		err       string
	}{
		"back":        {before: []string{"1", "2"}, back: true, want: []string{"1", "2", "3", "2"}, err: "vm@b/deploy: it does not start"},
		"not asked":   {before: []string{"1"}, want: []string{"1", "3"}, err: "it does not start"},
		"first":       {back: true, want: []string{"3"}, err: "it was not deployed before"},
		"interrupted": {before: []string{"1"}, back: true, interrupt: true, want: []string{"1", "3"}, err: "stop"},
	} {
		good, bad := &shelf{ran: []string{"2"}}, &shelf{ran: slices.Clone(tc.before), breaks: "3"}
		list := []*Delivery{{To: good, Release: deploy.Release{Image: "3"}, Place: "a"}, {To: bad, Release: deploy.Release{Image: "3"}, Place: "b"}}
		ctx, cancel := context.WithCancelCause(t.Context())
		if tc.interrupt {
			cancel(errors.New("stop"))
		}
		var mu sync.Mutex
		var events []string
		Deploy(ctx, list, DeployOptions{Parallel: 1, Rollback: tc.back, Boundary: func(string) {}, Report: func(e Event) {
			mu.Lock()
			defer mu.Unlock()
			events = append(events, fmt.Sprintf("%s %s/%s", e.Type, e.Name(), e.Step))
		}})
		cancel(nil)
		if list[1].Err == nil || !strings.Contains(list[1].Err.Error(), tc.err) || !slices.Equal(bad.ran, tc.want) {
			t.Errorf("%s: %v, ran %q, want %q", name, list[1].Err, bad.ran, tc.want)
		}
		if !tc.interrupt && (list[0].Err != nil || !slices.Equal(good.ran, []string{"2", "3"})) {
			t.Errorf("%s: the other one: %v, %q", name, list[0].Err, good.ran)
		}
		if rolled := slices.Contains(events, "step.done vm@b/rollback"); rolled != (name == "back") {
			t.Errorf("%s: %q", name, events)
		}
	}
}

func TestTargetsOfAnApplication(t *testing.T) {
	full := app.ApplicationSpec{
		Images: app.Images{Container: &app.ContainerImage{}, VM: &app.VMImage{}, Baremetal: &app.BaremetalImage{}},
		Deploy: app.Deploy{Container: &app.ContainerDeploy{}, VM: &app.VMDeploy{}},
	}
	for name, tc := range map[string]struct {
		spec   app.ApplicationSpec
		wanted []string
		want   string
		err    string
	}{
		"all that are whole": {full, nil, "container vm", ""},
		"one":                {full, []string{"vm"}, "vm", ""},
		"half":               {full, []string{"baremetal"}, "", "spec.images.baremetal and spec.deploy.baremetal are both needed"},
		"unknown":            {full, []string{"metal"}, "", `there is no target "metal": container, vm, baremetal`},
		"none":               {app.ApplicationSpec{}, nil, "", "nothing to run"},
	} {
		got, err := Targets(&app.Application{Spec: tc.spec}, tc.wanted)
		if strings.Join(got, " ") != tc.want || (err != nil) != (tc.err != "") || err != nil && !strings.Contains(err.Error(), tc.err) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	text, err := Jenkinsfile(&app.Application{Spec: full}, ".", "ystack")
	if err != nil || !strings.Contains(text, "pipeline run . --target vm'") || !strings.Contains(text, "agent { label 'ystack-vm' }") {
		t.Errorf("%v\n%s", err, text)
	}
}
