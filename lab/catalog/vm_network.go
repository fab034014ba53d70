//go:build linux

package catalog

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/ystackdev/ystack/lab/node"
	"github.com/ystackdev/ystack/lab/process"
	"github.com/ystackdev/ystack/lab/service"
)

// The network that machines are in: a bridge inside the node, of addresses
// that are for documentation, so that nobody else has them. Floating addresses
// are translated by the node.
const (
	vmBridge  = "vms"
	vmGateway = "198.51.100.1"
	vmHost    = "198.51.100.2" // this machine, as machines see it
	vmWire    = "ystack-vms"   // its end of the wire to them
	vmNet     = "198.51.100.0/24"
	vmFirst   = "198.51.100.10"
	vmLast    = "198.51.100.200"

	floatingNet   = "198.18.51.0/24"
	floatingFirst = "198.18.51.10"
	floatingLast  = "198.18.51.200"
)

// vmNetwork is the bridge, a wire from this machine to it, and the DHCP server
// on it. Neutron tells that who is to have which address.
func vmNetwork() *service.Service {
	return &service.Service{
		Name:      "vm-network",
		Needs:     []string{service.NodeName},
		Address:   vmNet + ", floating " + floatingNet,
		Tree:      []string{"dnsmasq-base"},
		Configure: makeBridge,
		Command: func(l *service.Lab) []string {
			network, _, _ := strings.Cut(vmNet, "/")
			return inTree(l, nil, l.Tree("usr/sbin/dnsmasq"), "--keep-in-foreground", "--conf-file=/dev/null", "--port=0",
				"--interface="+vmBridge, "--bind-dynamic", "--except-interface=lo",
				"--dhcp-range="+network+",static,255.255.255.0,1h", "--dhcp-option=3", "--dhcp-option=6",
				"--dhcp-hostsfile="+l.Run("dhcp-hosts"), "--dhcp-leasefile="+l.Run("dhcp-leases"), "--dhcp-authoritative",
				"--pid-file="+l.Run("dhcp.pid"), "--user=root", "--log-facility=-")
		},
		Ready: func(_ context.Context, l *service.Lab) error {
			if _, err := os.Stat(l.Run("dhcp.pid")); err != nil {
				return errors.New("it has not started yet")
			}
			return nil
		},
	}
}

// makeBridge is run before each start; the node may have got a bridge before.
func makeBridge(ctx context.Context, l *service.Lab) error {
	_ = os.Remove(l.Run("dhcp.pid"))
	if _, err := os.Stat(l.Run("dhcp-hosts")); err != nil {
		if err := process.WriteFile(l.Run("dhcp-hosts"), nil, 0o644); err != nil {
			return err
		}
	}
	if _, err := run(ctx, l, "/usr/sbin/ip", "link", "show", vmBridge); err != nil {
		// The last is because a packet needs some route before it is translated.
		for _, args := range []string{
			"link add " + vmBridge + " type bridge stp_state 0 forward_delay 0",
			"address add " + vmGateway + "/24 dev " + vmBridge,
			"link set " + vmBridge + " up",
			"route add " + floatingNet + " dev " + vmBridge,
		} {
			if _, err := run(ctx, l, append([]string{"/usr/sbin/ip"}, strings.Fields(args)...)...); err != nil {
				return err
			}
		}
	}
	holder, err := l.Holder()
	if err != nil {
		return err
	}
	return node.Wire(ctx, holder, vmWire, vmHost+"/24", vmBridge, floatingNet+" via "+vmGateway)
}
