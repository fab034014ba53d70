package pipeline

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/deploy"
	"github.com/ystackdev/ystack/pkg/source"
)

// world is what the targets of these tests change: images that are kept, and what runs.
type world struct {
	mu      sync.Mutex
	images  map[string]bool   // by target and inputs
	running map[string]string // image by target
	did     []string
}

func (w *world) do(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.did = append(w.did, what)
}

// site is a target in that world; it stands for a cluster or a cloud.
type site struct {
	*Goal
	w      *world
	kind   string
	input  string
	broken string // the step that fails
}

func (s *site) Kind() string  { return s.kind }
func (s *site) Place() string { return "here" }
func (s *site) Current(context.Context) (deploy.Release, error) {
	return deploy.Release{Image: s.w.running[s.kind]}, nil
}

func (s *site) Plan(_ context.Context, r deploy.Release) (deploy.Plan, error) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	p := &sitePlan{s, r.Image, nil}
	if s.w.running[s.kind] != r.Image {
		p.changes = []deploy.Change{{Object: "server/x", Action: deploy.Created}}
	}
	return p, nil
}

func (s *site) History(context.Context) ([]deploy.Entry, error) { return nil, deploy.ErrNotDeployed }

func (s *site) Rollback(context.Context, int64) (deploy.Plan, error) {
	return nil, deploy.ErrNoRevision
}

type sitePlan struct {
	s       *site
	image   string
	changes []deploy.Change
}

func (p *sitePlan) Changes() []deploy.Change                    { return p.changes }
func (p *sitePlan) Endpoints(context.Context) ([]string, error) { return []string{"http://x"}, nil }
func (p *sitePlan) Apply(ctx context.Context, _ deploy.Report) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if p.s.broken == "deploy" {
		return errors.New("no valid host")
	}
	if len(p.changes) > 0 {
		p.s.w.do(p.s.kind + " deploy")
	}
	p.s.w.mu.Lock()
	defer p.s.w.mu.Unlock()
	p.s.w.running[p.s.kind] = p.image
	return nil
}

func (s *site) place() deploy.Target     { return s }
func (s *site) where() map[string]string { return map[string]string{} }
func (s *site) aim() Aim {
	return Aim{Target: s.kind, Inputs: s.inputs, Key: "key-" + s.kind, Steps: steps}
}

func (s *site) check(context.Context, work) (result, error) {
	if s.broken == "check" {
		return result{}, errors.New("no such flavor")
	}
	return result{}, nil
}

func (s *site) resolve(context.Context, work) (result, error) {
	s.inputs = s.input
	return result{}, nil
}
func (s *site) name() string { return s.kind + " " + s.input }
func (s *site) found(context.Context) (string, error) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	if s.w.images[s.name()] {
		return s.name(), nil
	}
	return "", nil
}

func (s *site) making() []step {
	return []step{{"build", func(ctx context.Context, _ work) (result, error) {
		if ctx.Err() != nil {
			return result{}, context.Cause(ctx)
		}
		if image, _ := s.found(ctx); image == "" {
			s.w.do(s.kind + " build")
		}
		s.w.mu.Lock()
		defer s.w.mu.Unlock()
		s.w.images[s.name()] = true
		return result{}, nil
	}}, {"publish", func(context.Context, work) (result, error) {
		s.image = s.name()
		return result{}, nil
	}}}
}

// trial runs the three targets with these inputs, and says what was done.
func (w *world) trial(t *testing.T, s *Store, inputs map[string]string, change func(map[string]*site), kill string) (Result, []string, error) {
	t.Helper()
	w.did = nil
	all := map[string]*site{}
	var targets []Target
	for _, kind := range deploy.Kinds {
		if inputs[kind] == "" {
			continue
		}
		all[kind] = &site{Goal: &Goal{App: &app.Application{Metadata: app.Metadata{Name: "hello"}}, Revision: source.Revision{Commit: strings.Repeat("a", 40)}}, w: w, kind: kind, input: inputs[kind]}
		targets = append(targets, all[kind])
	}
	if change != nil {
		change(all)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	boundary := func(point string) {
		if point == kill {
			cancel(errors.New("killed"))
		}
	}
	r, err := Do(ctx, targets, Options{Store: s, Jobs: 1, Report: func(Event) {}, Boundary: boundary})
	slices.Sort(w.did)
	return r, w.did, err
}

func TestFlow(t *testing.T) {
	s := OpenStore(t.TempDir())
	w := &world{images: map[string]bool{}, running: map[string]string{}}
	inputs := map[string]string{"container": "1", "vm": "1", "baremetal": "1"}
	all := []string{"baremetal build", "baremetal deploy", "container build", "container deploy", "vm build", "vm deploy"}
	expect := func(name string, did, want []string) {
		t.Helper()
		if diff := cmp.Diff(want, did); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	r, did, err := w.trial(t, s, inputs, nil, "")
	if err != nil || r.UpToDate || r.Run == "" {
		t.Fatalf("%+v, %v", r, err)
	}
	expect("all", did, all)
	if r, did, err = w.trial(t, s, inputs, nil, ""); err != nil || !r.UpToDate || r.Run != "" {
		t.Errorf("again: %+v, %v", r, err)
	}
	expect("again", did, nil)

	inputs["vm"] = "2"
	r, did, err = w.trial(t, s, inputs, nil, "")
	if err != nil || !r.Outcomes[0].UpToDate || r.Outcomes[1].UpToDate {
		t.Errorf("one target's inputs: %+v, %v", r, err)
	}
	expect("one target's inputs", did, []string{"vm build", "vm deploy"})
	if run, _ := s.Get(r.Run); run.Target != "vm" || run.State != Succeeded || run.TargetState("vm") != Succeeded {
		t.Errorf("the record: %+v", run)
	}

	for _, where := range []string{"deploy", "check"} {
		inputs["baremetal"], inputs["container"] = "of "+where, "of "+where
		r, did, err = w.trial(t, s, inputs, func(all map[string]*site) { all["baremetal"].broken = where }, "")
		var failed *StepError
		if !errors.As(err, &failed) || failed.Step != "baremetal/"+where || r.Outcomes[0].Err != nil || r.Outcomes[2].Err == nil {
			t.Errorf("one fails: %+v, %v", r, err)
		}
		if !slices.Contains(did, "container deploy") || slices.Contains(did, "baremetal deploy") {
			t.Errorf("the others go on: %q", did)
		}
		run, _ := s.Get(r.Run)
		if run.State != Failed || run.TargetState("container") != Succeeded || run.TargetState("baremetal") != Failed {
			t.Errorf("the record: %+v", run)
		}
		if _, did, err = w.trial(t, s, inputs, nil, ""); err != nil || !slices.Contains(did, "baremetal deploy") || len(did) > 2 {
			t.Errorf("only what failed is done again: %q, %v", did, err)
		}
	}
}

// TestFlowIsTakenUp ends a run at each of its points: the same command again finishes that
// very run, and does nothing twice.
func TestFlowIsTakenUp(t *testing.T) {
	for _, target := range []string{"container", "vm"} {
		for _, name := range append([]string{}, steps...) {
			for _, moment := range []string{"before", "acted", "recorded"} {
				point := target + "/" + name + ":" + moment
				t.Run(point, func(t *testing.T) {
					s := OpenStore(t.TempDir())
					w := &world{images: map[string]bool{}, running: map[string]string{}}
					inputs := map[string]string{"container": "1", "vm": "1"}
					_, first, _ := w.trial(t, s, inputs, nil, point)
					first = slices.Clone(first)
					_, did, err := w.trial(t, s, inputs, nil, "")
					if err != nil {
						t.Fatal(err)
					}
					whole := append(first, did...)
					slices.Sort(whole)
					if want := []string{"container build", "container deploy", "vm build", "vm deploy"}; !slices.Equal(whole, want) {
						t.Errorf("done in all: %q", whole)
					}
					runs, err := s.List()
					if err != nil || len(runs) > 1 {
						t.Errorf("%d runs, %v", len(runs), err)
					}
					for _, r := range runs {
						if r.State != Succeeded {
							t.Errorf("run %s is %s", r.ID, r.State)
						}
					}
					if r, did, err := w.trial(t, s, inputs, nil, ""); err != nil || !r.UpToDate || len(did) > 0 {
						t.Errorf("a third time: %+v, %v, %q", r, err, did)
					}
				})
			}
		}
	}
}

// TestLogsOfSeveralTargets: lines say which target they are of, also those of text logs, and
// a step can be asked for alone.
func TestLogsOfSeveralTargets(t *testing.T) {
	s := OpenStore(t.TempDir())
	j := &journal{report: func(Event) {}}
	aims := []Aim{{Target: deploy.Container, Key: "a"}, {Target: deploy.VM, Key: "b"}}
	if err := j.open(t.Context(), s, "hello-1", Event{Type: RunStarted, Subject: &Subject{App: "hello", Targets: aims}}); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{deploy.Container, deploy.VM} {
		tr := track{journal: j, target: target, several: true, boundary: func(string) {}}
		_, err := tr.do(t.Context(), step{"build", func(_ context.Context, w work) (result, error) {
			_, _ = w.log.Write([]byte("STEP 1\nSTEP 2\n"))
			return result{message: "made it"}, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	j.close()
	container := "container/build: STEP 1\ncontainer/build: STEP 2\ncontainer/build: made it\n"
	vm := strings.ReplaceAll(container, "container/", "vm/")
	for step, want := range map[string]string{"": container + vm, "build": container + vm, "vm/build": vm, "container/build": container} {
		var out strings.Builder
		if err := s.Logs(t.Context(), "hello-1", step, false, &out); err != nil || out.String() != want {
			t.Errorf("%q: %v\n%s", step, err, out.String())
		}
	}
	if err := s.Logs(t.Context(), "hello-1", "baremetal/build", false, &strings.Builder{}); err == nil {
		t.Error("a step that is not there")
	}
	for key, want := range map[string]string{"a": "hello-1", "b": "hello-1", "c": ""} {
		if r, err := s.Latest(key); err != nil || (r == nil) != (want == "") {
			t.Errorf("latest of %s: %v, %v", key, r, err)
		}
	}
}

// TestOldLogs: a log from before there were targets is one of a container.
func TestOldLogs(t *testing.T) {
	var r Run
	for _, line := range []string{
		`{"run":"hello-1","type":"run.started","subject":{"app":"hello","target":"container","revision":"r1","image":"x:r1","cluster":"https://c","namespace":"n","inputs":"i1","key":"k"}}`,
		`{"run":"hello-1","type":"step.started","step":"verify"}`,
		`{"run":"hello-1","type":"step.done","step":"verify"}`,
		`{"run":"hello-1","type":"run.succeeded"}`,
	} {
		for _, e := range parseEvents([]byte(line)) {
			r.apply(e)
		}
	}
	if r.TargetState(deploy.Container) != Succeeded || r.aim(deploy.Container).Inputs != "i1" || r.Label(deploy.Container, "verify") != "verify" {
		t.Errorf("%+v", r)
	}
}
