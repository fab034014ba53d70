//go:build linux

package catalog

import (
	"context"
	"os/exec"
	"strings"

	"github.com/ystackdev/ystack/lab/node"
	"github.com/ystackdev/ystack/lab/service"
)

const (
	clusterDomain = "cluster.local"
	clusterDNS    = "10.96.0.10"
)

// nodeService holds the namespaces that all the others run in.
func nodeService() *service.Service {
	return &service.Service{
		Name:     service.NodeName,
		Host:     true,
		Address:  node.Address,
		Packages: map[string]string{"iproute2": "/usr/sbin/ip", "util-linux": "/usr/bin/nsenter", "kmod": "/usr/sbin/modprobe"},
		Files: map[string]string{
			"resolv.conf": "nameserver " + clusterDNS + "\nsearch default.svc." + clusterDomain + " svc." + clusterDomain + " " + clusterDomain + "\noptions ndots:5 timeout:2\n",
		},
		Configure: prepareMachine,
		Command: func(l *service.Lab) []string {
			return []string{"/usr/bin/unshare", "--mount", "--net", "--propagation", "private", "--", l.Bin("lab"), "hold"}
		},
		Ready: func(_ context.Context, l *service.Lab) error { return furnished(l, service.NodeName) },
	}
}

// Hold is what the node's process does; see node.Hold.
func Hold(ctx context.Context, l *service.Lab) error {
	return node.Hold(ctx, l.Etc("resolv.conf"), func() error { return sayFurnished(l, service.NodeName) })
}

// prepareMachine makes the control groups, loads what a kernel may have as
// modules, and notes what is changed, to be given back at the end.
func prepareMachine(ctx context.Context, l *service.Lab) error {
	group, err := l.Cgroup()
	if err != nil {
		return err
	}
	if err := group.Create(); err != nil {
		return err
	}
	for _, module := range strings.Fields("overlay br_netfilter veth bridge nf_conntrack nf_tables") {
		_ = exec.CommandContext(ctx, "/usr/sbin/modprobe", "-q", module).Run() // it may be built in
	}
	return node.Borrow(l.Borrowed())
}
