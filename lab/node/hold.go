//go:build linux

// Package node makes the one node of the lab's cluster: a network and a mount
// namespace on this machine that every server and every pod lives in. Its
// mounts, addresses and firewall rules end with it, and none shows outside.
package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Address is the node's own address, and Services the range of the ClusterIPs.
const (
	Address  = "10.88.0.1"
	Services = "10.96.0.0/16"
)

// PrivateDirs are the places where programs of a node keep state that no
// option moves. Inside, each is an empty directory in memory.
func PrivateDirs() []string {
	return []string{
		"/run/containerd", "/var/lib/cni", "/var/lib/kubelet", "/var/log/containers",
		"/etc/libvirt", "/run/libvirt", "/var/lib/libvirt", "/var/cache/libvirt", "/var/log/libvirt",
	}
}

// Hold furnishes the fresh namespaces that the caller has been put into, calls
// ready, and keeps them until ctx ends.
func Hold(ctx context.Context, resolvConf string, ready func() error) error {
	if err := mounts(resolvConf); err != nil {
		return err
	}
	if err := network(ctx); err != nil {
		return err
	}
	if err := ready(); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// mounts shares the tree among the namespaces that containers make of it (and
// with nobody outside), and covers the private directories.
func mounts(resolvConf string) error {
	if err := errors.Join(
		unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
		unix.Mount("", "/", "", unix.MS_REC|unix.MS_SHARED, ""),
	); err != nil {
		return fmt.Errorf("propagation of /: %w", err)
	}
	for _, dir := range PrivateDirs() {
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=755"); err != nil {
			return fmt.Errorf("mount %s: %w", dir, err)
		}
	}
	target, err := filepath.EvalSymlinks("/etc/resolv.conf")
	if err != nil {
		return nil // no resolver is configured: none to cover
	}
	return os.NewSyscallError("mount "+target, unix.Mount(resolvConf, target, "", unix.MS_BIND, ""))
}

// network gives the node its address. It lies on a veth pair rather than on a
// dummy device, which not every kernel has; and ClusterIPs need some route, or
// a packet to one is refused before the rules of kube-proxy see it.
func network(ctx context.Context) error {
	if err := commands(ctx, []string{
		"ip link set lo up",
		"ip link add node0 type veth peer name node1",
		"ip address add " + Address + "/24 dev node0",
		"ip link set node0 up",
		"ip link set node1 up",
		"ip route add " + Services + " dev node0",
	}); err != nil {
		return err
	}
	if err := forwarding(); err != nil {
		return err
	}
	// Pods on the same bridge must meet kube-proxy's rules too.
	err := os.WriteFile("/proc/sys/net/bridge/bridge-nf-call-iptables", []byte("1"), 0)
	if err != nil {
		return fmt.Errorf("the kernel module br_netfilter is not loaded: %w", err)
	}
	return nil
}

// commands runs one line after the other.
func commands(ctx context.Context, lines []string) error {
	for _, line := range lines {
		argv := strings.Fields(line)
		if out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", line, err, strings.TrimSpace(string(out)))
		}
	}
	return nil
}

// forwarding lets packets through that are for others.
func forwarding() error {
	return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0)
}
