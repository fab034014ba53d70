//go:build linux

// Package catalog holds the lab's services, one file each.
package catalog

import (
	"slices"

	"github.com/ystackdev/ystack/lab/service"
)

// All lists every service. A new one is a file beside this one and a line here.
func All() []*service.Service {
	return []*service.Service{
		nodeService(),
		forward(),
		etcd(),
		kubeAPIServer(),
		kubeControllerManager(),
		kubeScheduler(),
		containerd(),
		kubelet(),
		kubeProxy(),
		coreDNS(),
		registry("registry", registryAddress, seedRegistry),
		registry("hub", hubAddress, seedHub),
		memcached(),
		keystone(),
		glance(),
		authWebhook(),
		router(),
		client(),
		confd(),
		birdService(),
		nodeStatus(),
		gitea(),
		placement(),
		neutron(),
		vmNetwork(),
		libvirt(),
		nova(),
		ironicImages(),
		ironic(),
	}
}

// Profiles are names for several services at once; up knows them too.
func Profiles() map[string][]string {
	return map[string][]string{
		"all":        usual(),
		"kubernetes": {"kubelet", "kube-proxy", "kube-scheduler", "kube-controller-manager", "coredns", "forward"},
		"registries": {"registry", "hub", "forward"},
		"openstack":  {"keystone", "glance", "forward"},
		"bgp":        {"router", "client", "bird", "node-status", "kube-proxy", "kube-scheduler", "kube-controller-manager", "coredns", "forward"},
		"code":       {"gitea"},
		"vms":        {"nova", "forward"},
		"metal":      {"ironic", "forward"},
	}
}

// usual is everything but machines: these cost a GiB of memory, and an image of
// a system that takes minutes to make.
func usual() []string {
	return slices.DeleteFunc(service.Names(All()), func(name string) bool {
		return slices.Contains([]string{"placement", "neutron", "vm-network", "libvirt", "nova"}, name)
	})
}

// Expand replaces the profiles among names by their services; none means all.
func Expand(names []string) []string {
	if len(names) == 0 {
		names = []string{"all"}
	}
	var out []string
	for _, name := range names {
		if profile, ok := Profiles()[name]; ok {
			out = append(out, profile...)
		} else {
			out = append(out, name)
		}
	}
	return out
}

// HostPorts are the addresses that must be free on the machine.
func HostPorts() []string {
	return []string{apiAddress, registryAddress, hubAddress, keystoneAddress, glanceAddress, placementAddress, neutronAddress, novaAddress, ironicAddress}
}
