//go:build linux

package catalog

import (
	"context"

	"github.com/ystackdev/ystack/lab/node"
	"github.com/ystackdev/ystack/lab/service"
)

// client is somebody outside of the cluster, behind the router. Its resolver
// is the cluster's DNS, which it can reach once that is advertised.
func client() *service.Service {
	return &service.Service{
		Name:    "client",
		Needs:   []string{"router"},
		Address: node.Client + " (lab shell --in client)",
		// It names the router, so that up sees when there is another one than
		// before: the wire to that one is gone.
		Command: func(l *service.Lab) []string {
			r, _ := l.Record("router")
			return []string{"/usr/bin/unshare", "--net", "--", l.Bin("lab"), "client", r.ID()}
		},
		Ready: func(_ context.Context, l *service.Lab) error { return furnished(l, "client") },
	}
}

// Client is what its process does.
func Client(ctx context.Context, l *service.Lab) error {
	r, _ := l.Record("router")
	if err := node.FurnishClient(ctx, r.PID); err != nil {
		return err
	}
	if err := sayFurnished(l, "client"); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}
