package kubernetes

import (
	"context"
	"fmt"

	"github.com/ystackdev/ystack/pkg/deploy"
)

// rollingOut is a deploy.Plan of a release.
type rollingOut struct {
	*Target
	plan    *Plan
	changes []deploy.Change
}

// Changes are what the server would do.
func (p *rollingOut) Changes() []deploy.Change { return p.changes }

// Apply writes the objects and follows the rollout.
func (p *rollingOut) Apply(ctx context.Context, report deploy.Report) error {
	done, err := p.Deployer.Apply(ctx, p.plan, DryRunNone)
	for _, c := range done.Changes {
		report(fmt.Sprintf("%s %s", c.Object, c.Action))
	}
	if err != nil {
		return err
	}
	if p.Boundary != nil {
		p.Boundary("applied")
	}
	return p.await(ctx, done.Workloads, report)
}

// Endpoints are where the Service answers.
func (p *rollingOut) Endpoints(ctx context.Context) ([]string, error) {
	a, err := p.Target.Answer(ctx)
	return a.URLs, err
}

// Verify fetches the application's health path the way a user's request would
// come: through its Service.
func (p *rollingOut) Verify(ctx context.Context) (string, error) {
	check, err := p.Check(ctx, p.plan.Release)
	if err != nil {
		return "", err
	}
	switch check.Outcome {
	case Answered:
		if check.Status < 200 || check.Status > 399 {
			return "", fmt.Errorf("GET %s answered %d: %s", check.Path, check.Status, firstLine(check.Body))
		}
		return fmt.Sprintf("GET %s answered %d", check.Path, check.Status), nil
	case NoEndpoints, NoAnswer:
		return "", fmt.Errorf("GET %s through the Service: %s: %s", check.Path, check.Outcome, check.Detail)
	}
	return "not asked: " + string(check.Outcome), nil
}

func firstLine(b []byte) string {
	for i, c := range b {
		if c == '\n' {
			return string(b[:i])
		}
	}
	return string(b)
}

// await follows the rollout of what was written.
func (t *Target) await(ctx context.Context, workloads []Workload, report deploy.Report) error {
	return t.Wait(ctx, workloads, func(s Status) { report(statusLine(s), items(s)...) })
}

func statusLine(s Status) string {
	line := fmt.Sprintf("%s: %d/%d ready", s.Object, newReady(s), s.Desired)
	if s.Old > 0 {
		line += fmt.Sprintf(", %d of the old revision left", s.Old)
	}
	if s.Note != "" {
		line += " (" + s.Note + ")"
	}
	return line
}

// newReady counts the ready replicas of the new revision. The workload's own
// totals include the old ones; they serve where the pods may not be seen.
func newReady(s Status) int32 {
	if len(s.Replicas) == 0 {
		return min(s.Updated, max(0, s.Available-s.Old))
	}
	var n int32
	for _, r := range s.Replicas {
		if r.Phase == Ready {
			n++
		}
	}
	return n
}

func items(s Status) []deploy.Item {
	list := make([]deploy.Item, len(s.Replicas))
	for i, r := range s.Replicas {
		list[i] = deploy.Item{Name: "pod/" + r.Pod, State: string(r.Phase), Detail: r.Message}
	}
	return list
}

// goingBack is a deploy.Plan of a rollback.
type goingBack struct {
	*Target
	number  int64
	results []RollbackResult
}

// Changes say which number takes the place of which.
func (p *goingBack) Changes() []deploy.Change {
	var list []deploy.Change
	for _, r := range p.results {
		if r.Action != deploy.Unchanged {
			list = append(list, deploy.Change{Object: "deployment.apps/" + r.To.Deployment, Action: r.Action, Detail: fmt.Sprintf("number %d (%s) in place of %d (%s)",
				r.To.Number, r.To.Short(), r.From.Number, r.From.Short())})
		}
	}
	return list
}

// Apply goes back, and follows the rollout.
func (p *goingBack) Apply(ctx context.Context, report deploy.Report) error {
	results, err := p.Deployer.Rollback(ctx, p.namespace(), p.Release.App, p.number, DryRunNone)
	var workloads []Workload
	for _, r := range results {
		workloads = append(workloads, r.Workload)
	}
	if err != nil {
		return err
	}
	return p.await(ctx, workloads, report)
}

// Endpoints are where the Service answers.
func (p *goingBack) Endpoints(ctx context.Context) ([]string, error) {
	a, err := p.Target.Answer(ctx)
	return a.URLs, err
}
