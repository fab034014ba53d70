package pipeline

import (
	"context"

	"github.com/ystackdev/ystack/pkg/deploy/kubernetes"
)

// Deploy is a run's last steps by themselves: apply the release, wait until it
// runs, see that it answers. It leaves no record beside the workload's own.
func Deploy(ctx context.Context, d *kubernetes.Deployer, r kubernetes.Release, report func(Event)) error {
	j := &journal{report: report}
	for _, s := range []step{
		{"deploy", func(ctx context.Context, w work) (result, error) { return deploy(ctx, d, r, w, func() {}) }},
		{"verify", func(ctx context.Context, _ work) (result, error) { return verify(ctx, d, r) }},
	} {
		if _, err := j.do(ctx, s, func(string) {}); err != nil {
			return err
		}
	}
	return nil
}

// Await waits for workloads that something else changed, such as a rollback.
func Await(ctx context.Context, d *kubernetes.Deployer, workloads []kubernetes.Workload, report func(Event)) error {
	j := &journal{report: report}
	_, err := j.do(ctx, step{"wait", func(ctx context.Context, w work) (result, error) {
		ready, err := wait(ctx, d, workloads, w)
		return result{message: ready}, err
	}}, func(string) {})
	return err
}
