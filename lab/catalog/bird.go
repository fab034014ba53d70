//go:build linux

package catalog

import (
	"context"

	"github.com/ystackdev/ystack/lab/bird"
	"github.com/ystackdev/ystack/lab/node"
	"github.com/ystackdev/ystack/lab/service"
)

// birdService is the node's BIRD, of the version that Calico's templates are
// written for. The router has BIRD 2, and Debian's packages of both exclude
// each other.
func birdService() *service.Service {
	return &service.Service{
		Name:    "bird",
		Needs:   []string{"confd", "router"}, // the wire to the router has the address that it speaks from
		Address: node.Uplink + ", AS " + nodeAS,
		Unpack:  []string{"bird"},
		Command: func(l *service.Lab) []string {
			return []string{l.Cache("bird/usr/sbin/bird"), "-f", "-c", l.State("confd/config/bird.cfg"), "-s", l.Run("bird.ctl")}
		},
		Ready: func(ctx context.Context, l *service.Lab) error {
			_, err := bird.Ask(ctx, l.Run("bird.ctl"), "show status")
			return err
		},
	}
}
