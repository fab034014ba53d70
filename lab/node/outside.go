//go:build linux

package node

import (
	"context"
	"fmt"
)

// The world outside of the cluster is a top-of-rack router, and a client
// behind it. Each has a network namespace of its own.
const (
	Uplink = "10.89.0.10" // the node, as the router sees it
	Router = "10.89.0.1"  // the router, as the node sees it
	Client = "10.89.1.2"
	// Guarded is the router, too: here it wants a password.
	Guarded = "10.89.0.2"

	routerToClient = "10.89.1.1"
	clients        = "10.89.1.0/24"
)

// FurnishRouter lays a wire from the caller's network namespace, which is
// fresh, to the node's. The node knows the way to the clients, and the router
// the way to the node; that it knows the way to a Service is for BGP to bring about.
func FurnishRouter(ctx context.Context, node int) error {
	inNode := fmt.Sprintf("nsenter --target %d --net ", node)
	_ = commands(ctx, []string{inNode + "ip link delete router0"}) // of a router that ended a moment ago
	if err := commands(ctx, []string{
		"ip link set lo up",
		fmt.Sprintf("ip link add node0 type veth peer name router0 netns %d", node),
		"ip address add " + Router + "/24 dev node0",
		"ip address add " + Guarded + "/24 dev node0",
		"ip link set node0 up",
		"ip route add " + Address + " via " + Uplink,
		inNode + "ip address add " + Uplink + "/24 dev router0",
		inNode + "ip link set router0 up",
		inNode + "ip route add " + clients + " via " + Router,
	}); err != nil {
		return err
	}
	return forwarding()
}

// FurnishClient lays a wire from the caller's network namespace, which is
// fresh, to the router's. The router is the client's only way to anywhere.
func FurnishClient(ctx context.Context, router int) error {
	inRouter := fmt.Sprintf("nsenter --target %d --net ", router)
	_ = commands(ctx, []string{inRouter + "ip link delete client0"})
	return commands(ctx, []string{
		"ip link set lo up",
		fmt.Sprintf("ip link add router0 type veth peer name client0 netns %d", router),
		"ip address add " + Client + "/24 dev router0",
		"ip link set router0 up",
		inRouter + "ip address add " + routerToClient + "/24 dev client0",
		inRouter + "ip link set client0 up",
		"ip route add default via " + routerToClient,
	})
}

// Wire connects this machine itself to a bridge in the node, so that programs on it reach
// what is there. It ends with the node, and so do the address and the route.
func Wire(ctx context.Context, node int, name, address, bridge, route string) error {
	inNode := fmt.Sprintf("nsenter --target %d --net ", node)
	if commands(ctx, []string{"ip link show " + name, inNode + "ip link show host0"}) == nil {
		return nil
	}
	_ = commands(ctx, []string{"ip link delete " + name}) // of a node that ended a moment ago
	return commands(ctx, []string{
		fmt.Sprintf("ip link add %s type veth peer name host0 netns %d", name, node),
		inNode + "ip link set host0 master " + bridge,
		inNode + "ip link set host0 up",
		"ip address add " + address + " dev " + name,
		"ip link set " + name + " up",
		"ip route add " + route,
	})
}
