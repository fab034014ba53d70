package kubernetes

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/deploy"
	"github.com/ystackdev/ystack/pkg/kube"
)

// TestClusterLifecycle follows an application from nothing through updates.
func TestClusterLifecycle(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	r := l.release(t)
	r.Spec.Env["EXTRA"] = "1"

	first := l.deploy(t, r)
	want := map[string]deploy.Action{"service/hello": deploy.Created, "deployment.apps/hello": deploy.Created}
	if diff := cmp.Diff(want, actions(first.Changes)); diff != "" {
		t.Fatal(diff)
	}
	version := func() string {
		return l.kubectl(t, "", "get", "service/hello", "deployment/hello", "-o", "jsonpath={.items[*].metadata.resourceVersion} {.items[*].metadata.generation}")
	}
	before := version()

	// The same release, of another run and by somebody else: nothing is written.
	again := r
	again.Run, again.By = "run-2", "another"
	if result := l.apply(t, again); result.Changed() {
		t.Fatalf("second deploy: %v", result.Changes)
	}
	if after := version(); after != before {
		t.Errorf("versions changed from %s to %s", before, after)
	}
	if plan, err := l.Plan(t.Context(), again); err != nil {
		t.Fatal(err)
	} else if changes, err := l.Diff(t.Context(), plan); err != nil || Differs(changes) {
		t.Errorf("diff of the same release: %v, %v", changes, err)
	}

	// A variable is removed and another changed: the removed one has to go.
	r2 := l.release(t)
	r2.Revision = strings.Repeat("2", 40)
	r2.Spec.Env = map[string]string{"GREETING": "the second"}
	plan, err := l.Plan(t.Context(), r2)
	if err != nil {
		t.Fatal(err)
	}
	changes, err := l.Diff(t.Context(), plan)
	if err != nil || !Differs(changes) {
		t.Fatalf("diff: %v, %v", changes, err)
	}
	for _, c := range changes {
		t.Logf("%s %s\n%s", c.Object, c.Action, c.Diff)
	}
	if dry, err := l.Apply(t.Context(), plan, DryRunServer); err != nil || actions(dry.Changes)["deployment.apps/hello"] != deploy.Configured {
		t.Errorf("server dry run: %v, %v", dry, err)
	}
	if after := version(); after != before {
		t.Errorf("diff or dry run wrote: versions changed from %s to %s", before, after)
	}
	second := l.deploy(t, r2)
	if got := actions(second.Changes); got["deployment.apps/hello"] != deploy.Configured || got["service/hello"] != deploy.Unchanged {
		t.Errorf("update: %v", got)
	}
	if env := l.kubectl(t, "", "get", "deployment/hello", "-o", "jsonpath={.spec.template.spec.containers[0].env}"); strings.Contains(env, "EXTRA") || !strings.Contains(env, "the second") {
		t.Errorf("environment after the second deploy: %s", env)
	}

	l.checkAnswer(t, r2)
	current, err := l.Current(t.Context(), l.namespace, "hello")
	if err != nil || current.Image != r2.Image || current.Spec.Env["GREETING"] != "the second" || current.Health.HTTP.Path != "/healthz" {
		t.Errorf("Current: %+v, %v", current, err)
	}

	// Without ports the Service goes; somebody else's objects stay.
	l.kubectl(t, "", "create", "-n", l.namespace, "service", "clusterip", "other", "--tcp=80")
	r3 := r2
	r3.Spec.Ports, r3.Health = nil, &app.Health{TCP: &app.TCPHealth{Port: 8080}}
	third := l.deploy(t, r3)
	if got := actions(third.Changes); got["service/hello"] != deploy.Deleted || len(got) != 2 {
		t.Errorf("removed ports: %v", got)
	}
	if left := l.kubectl(t, "", "get", "services", "-o", "name"); left != "service/other\n" {
		t.Errorf("services left: %q", left)
	}
	if probe := l.kubectl(t, "", "get", "deployment/hello", "-o", "jsonpath={.spec.template.spec.containers[0].readinessProbe} {.spec.template.spec.containers[0].ports}"); strings.Contains(probe, "httpGet") || strings.Contains(probe, "containerPort") {
		t.Errorf("probe and ports: %s", probe)
	}
}

func (l *lab) checkAnswer(t *testing.T, r Release) {
	t.Helper()
	answer, err := l.Answer(t.Context(), r)
	if err != nil || answer.DNS != "hello."+l.namespace+".svc" || len(answer.URLs) != 1 || !strings.HasPrefix(answer.URLs[0], "http://") {
		t.Errorf("Answer: %+v, %v", answer, err)
	}
	check, err := l.Check(t.Context(), r)
	if err != nil || check.Outcome != Answered || check.Status != 200 || string(check.Body) != "ok\n" {
		t.Errorf("Check: %+v %q, %v", check, check.Body, err)
	}
	t.Logf("%+v %+v", answer, check)
}

// TestClusterReplicas: replicas that are not set are an autoscaler's.
func TestClusterReplicas(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	r := l.release(t)
	r.Spec.Replicas = nil
	l.deploy(t, r)
	l.kubectl(t, "", "scale", "deployment/hello", "--replicas=2")
	r.Spec.Env["GREETING"] = "another"
	l.deploy(t, r)
	if n := l.kubectl(t, "", "get", "deployment/hello", "-o", "jsonpath={.spec.replicas}"); n != "2" {
		t.Errorf("replicas: %s, want those that kubectl scale set", n)
	}
	// Set by us now, they are in somebody else's hand. (Not by kubectl scale:
	// the server notes no owner where there was none before.)
	l.kubectl(t, "", "patch", "deployment/hello", "-p", `{"spec":{"replicas":1}}`)
	three := int32(3)
	r.Spec.Replicas = &three
	plan, err := l.Plan(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.Apply(t.Context(), plan, DryRunNone)
	if err == nil || !strings.Contains(err.Error(), ".spec.replicas") || !strings.Contains(err.Error(), `"kubectl-patch"`) || !errors.Is(err, kube.ErrConflict) {
		t.Errorf("field conflict: %v", err)
	}
	t.Log(err)
	l.Force = true
	l.deploy(t, r)
}

func TestClusterHistoryAndRollback(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	r := l.release(t)
	r.Spec.Env["EXTRA"] = "1"
	l.deploy(t, r)
	if _, err := l.Rollback(t.Context(), l.namespace, "hello", 0, DryRunNone); err == nil || !strings.Contains(err.Error(), "none to go back to") {
		t.Errorf("rollback with one revision: %v", err)
	}
	r2 := l.release(t)
	r2.Revision, r2.Run, r2.Spec.Env = strings.Repeat("2", 40), "run-2", map[string]string{"GREETING": "second"}
	l.deploy(t, r2)

	if _, err := l.Rollback(t.Context(), l.namespace, "hello", 9, DryRunNone); err == nil || !strings.Contains(err.Error(), "no revision 9; it has 2 (current), 1") {
		t.Errorf("rollback to an unknown revision: %v", err)
	}
	if dry, err := l.Rollback(t.Context(), l.namespace, "hello", 1, DryRunServer); err != nil || dry[0].Action != deploy.Configured {
		t.Errorf("dry run: %+v, %v", dry, err)
	}
	for i, want := range []string{r.Revision, r2.Revision, r.Revision} {
		results, err := l.Rollback(t.Context(), l.namespace, "hello", 0, DryRunNone)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.wait(t, Result{Workloads: []Workload{results[0].Workload}}, time.Minute); err != nil {
			t.Fatal(err)
		}
		history, err := l.History(t.Context(), l.namespace, "hello")
		if err != nil || len(history) != 2 {
			t.Fatalf("history: %v, %v", history, err)
		}
		t.Logf("%+v", history)
		if got := history[0]; got.Revision != want || !got.Current || got.State != deploy.StateReady || got.Number != int64(i+3) || got.Image != r.Image || got.By != "tester" {
			t.Errorf("rollback %d: %+v, want revision %s", i+1, got, want)
		}
	}
	if results, err := l.Rollback(t.Context(), l.namespace, "hello", 5, DryRunNone); err != nil || results[0].Action != deploy.Unchanged {
		t.Errorf("rollback to the current: %+v, %v", results, err)
	}
	// What runs now is the first release; deploying it changes nothing that matters …
	before := l.kubectl(t, "", "get", "deployment/hello", "-o", "jsonpath={.metadata.generation}")
	l.deploy(t, r)
	if after := l.kubectl(t, "", "get", "deployment/hello", "-o", "jsonpath={.metadata.generation}"); after != before {
		t.Errorf("deploying what was rolled back to: generation %s, then %s", before, after)
	}
	// … and what the rollback brought back goes with the next that has it not.
	l.deploy(t, r2)
	if env := l.kubectl(t, "", "get", "deployment/hello", "-o", "jsonpath={.spec.template.spec.containers[0].env[*].name}"); env != "GREETING" {
		t.Errorf("environment: %s", env)
	}
	if result := l.apply(t, r2); result.Changed() {
		t.Errorf("second deploy after a rollback: %v", result.Changes)
	}
}

// TestClusterInterruptedCreation: a run that was killed right after the POST
// leaves fields that the next one, which has them not, still removes.
func TestClusterInterruptedCreation(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	r := l.release(t)
	r.Spec.Env["EXTRA"] = "1"
	plan, err := l.Plan(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range plan.Objects {
		if _, err := l.create(t.Context(), o, DryRunNone); err != nil {
			t.Fatal(err)
		}
	}
	r = l.release(t)
	// Nor are they in the way of a look ahead, with another image.
	other := r
	other.Image = labImage + "@sha256:" + strings.Repeat("0", 64)
	if _, err := l.target(other).Plan(t.Context(), other.Release); err != nil {
		t.Error(err)
	}
	if plan, err = l.Plan(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	if changes, err := l.Diff(t.Context(), plan); err != nil || !Differs(changes) {
		t.Errorf("diff: %v, %v", changes, err)
	}
	l.deploy(t, r)
	if env := l.kubectl(t, "", "get", "deployment/hello", "-o", "jsonpath={.spec.template.spec.containers[0].env[*].name}"); env != "GREETING" {
		t.Errorf("environment: %s", env)
	}
	if result := l.apply(t, r); result.Changed() {
		t.Errorf("next deploy: %v", result.Changes)
	}
}
