package kubernetes

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/ystackdev/ystack/pkg/deploy"
)

// TestClusterTarget takes one application through everything that a deploy.Target does.
func TestClusterTarget(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	full := l.release(t)
	to, r := l.target(full), full.Release
	var _ deploy.Target = to
	if _, err := to.Current(t.Context()); !errors.Is(err, deploy.ErrNotDeployed) {
		t.Errorf("current of nothing: %v", err)
	}
	if _, err := to.History(t.Context()); !errors.Is(err, deploy.ErrNotDeployed) {
		t.Errorf("history of nothing: %v", err)
	}
	carryOut(t, to, r, "deployment.apps/hello created", "service/hello created")

	// Who deploys it again, and in which run, changes nothing; what it is of does.
	again := r
	again.By, again.Run = "somebody else", "run-2"
	carryOut(t, to, again)
	again.Revision = strings.Repeat("2", 40)
	to.Release.Spec.Env = map[string]string{"GREETING": "second"}
	carryOut(t, to, again, "deployment.apps/hello configured")

	// A deployment that lost its pods is not well, though nothing of it differs.
	l.kubectl(t, "", "scale", "deployment/hello", "--replicas=0")
	live, err := to.Current(t.Context())
	if err != nil || live.Revision != again.Revision || live.By != "somebody else" || live.Deployed.IsZero() {
		t.Errorf("current: %+v, %v", live, err)
	}
	carryOut(t, to, again, "deployment.apps/hello configured")

	plan, err := to.Rollback(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if c := plan.Changes(); len(c) != 1 || !strings.Contains(c[0].Detail, "number 1 (0123456789ab) in place of 2 (222222222222)") {
		t.Errorf("%+v", c)
	}
	if err := plan.Apply(t.Context(), func(string, ...deploy.Item) {}); err != nil {
		t.Fatal(err)
	}
	list, err := to.History(t.Context())
	if err != nil || len(list) != 2 || list[0].Number != 3 || list[0].Revision != r.Revision || list[0].State != deploy.StateReady || list[1].Revision != again.Revision {
		t.Errorf("history: %+v, %v", list, err)
	}
	if _, err := to.Rollback(t.Context(), 9); !errors.Is(err, deploy.ErrNoRevision) {
		t.Errorf("rollback to what was never there: %v", err)
	}
}

// carryOut applies a plan, which must come to these changes, and finds nothing left to do.
func carryOut(t *testing.T, to *Target, r deploy.Release, want ...string) {
	t.Helper()
	plan, err := to.Plan(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range plan.Changes() {
		got = append(got, c.Object+" "+string(c.Action))
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("changes: %q, want %q", got, want)
	}
	if err := plan.Apply(t.Context(), func(string, ...deploy.Item) {}); err != nil {
		t.Fatal(err)
	}
	if urls, err := plan.Endpoints(t.Context()); err != nil || len(urls) != 1 || !strings.HasPrefix(urls[0], "http://") {
		t.Errorf("endpoints: %q, %v", urls, err)
	}
	if plan, err = to.Plan(t.Context(), r); err != nil || len(plan.Changes()) > 0 {
		t.Errorf("not done: %v, %v", plan.Changes(), err)
	}
}
