package bgp

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/ystackdev/ystack/pkg/kube"
)

// excludeLabel keeps a node from announcing Services, if its value is "true".
const excludeLabel = "node.kubernetes.io/exclude-from-external-load-balancers"

// Facts are what decides whether an address is announced, and whether it works.
type Facts struct {
	Services []Service
	Nodes    []Node
	Peers    []Peer
	Filters  map[string]Filter
	Pools    []netip.Prefix    // of pods
	Ranges   []ServiceRange    // of ClusterIPs; empty where the cluster does not say
	Entries  map[List][]string // of the BGPConfiguration
	Record   Record            // which of them are ystack's
	Override string            // value of the environment variable that wins over the BGPConfiguration
	Proxy    proxySettings     // kube-proxy
	Unknown  []string          // what could not be read, as sentences

	config  config
	version string // of the list of Services
}

// Node is a node of the cluster.
type Node struct {
	Metadata meta `json:"metadata"`
	Spec     struct {
		ProviderID string `json:"providerID"`
	} `json:"spec"`
	Status struct {
		Addresses []struct {
			Type    string `json:"type"`
			Address string `json:"address"`
		} `json:"addresses"`
	} `json:"status"`
}

// announces reports whether Calico lets the node announce Services.
func (n *Node) announces() bool { return n.Metadata.Labels[excludeLabel] != "true" }

func (n *Node) controlPlane() bool {
	_, ok := n.Metadata.Labels["node-role.kubernetes.io/control-plane"]
	return ok
}

// networks are what the node speaks BGP from, each with its range, and its
// other addresses.
func (n *Node) networks() []netip.Prefix {
	var out []netip.Prefix
	for _, key := range []string{"projectcalico.org/IPv4Address", "projectcalico.org/IPv6Address"} {
		if p, err := netip.ParsePrefix(n.Metadata.Annotations[key]); err == nil {
			out = append(out, p.Masked())
		}
	}
	for _, a := range n.Status.Addresses {
		if ip, err := netip.ParseAddr(a.Address); err == nil {
			out = append(out, single(ip))
		}
	}
	return out
}

// ServiceRange is a range that the cluster takes ClusterIPs from.
type ServiceRange struct {
	Name   string
	Prefix netip.Prefix
}

// gather reads all of it at once. What decides what is announced must be
// readable; what only warns need not be.
func (c *Cluster) gather(ctx context.Context) (*Facts, error) {
	f := &Facts{}
	group, ctx := errgroup.WithContext(ctx)
	missing := make([]string, 5)
	optional := func(i int, what string, read func() error) {
		group.Go(func() error {
			err := read()
			if errors.Is(err, kube.ErrForbidden) || errors.Is(err, kube.ErrNotFound) {
				missing[i] = fmt.Sprintf("%s: %v", what, err)
				return nil
			}
			return err
		})
	}
	group.Go(func() (err error) { return c.readAdvertised(ctx, f) })
	group.Go(func() (err error) { f.Peers, err = list[Peer](ctx, c.client, c.calico("bgppeers"), ""); return err })
	optional(0, "nodes", func() (err error) { f.Nodes, err = list[Node](ctx, c.client, "/api/v1/nodes", ""); return err })
	optional(1, "IP pools", func() (err error) { f.Pools, err = c.pools(ctx); return err })
	optional(2, "filters", func() (err error) { f.Filters, err = c.filters(ctx); return err })
	optional(3, "calico-node's environment", func() (err error) { f.Override, err = c.override(ctx); return err })
	optional(4, "kube-proxy's settings", func() (err error) { f.Proxy, err = c.proxy(ctx); return err })
	group.Go(func() (err error) { f.Ranges, err = c.ranges(ctx); return err })
	if err := group.Wait(); err != nil {
		return nil, err
	}
	f.Unknown = slices.DeleteFunc(missing, func(s string) bool { return s == "" })
	return f, nil
}

// readAdvertised reads the configuration first and the Services after it:
// whoever added an entry had annotated its Service before.
func (c *Cluster) readAdvertised(ctx context.Context, f *Facts) error {
	var err error
	if f.config, err = c.readConfig(ctx); err != nil {
		return err
	}
	f.Entries = f.config.all()
	if f.Record, err = f.config.record(); err != nil {
		return err
	}
	f.Services, f.version, err = listAs[Service](ctx, c.client, servicesPath(""), "", "application/json")
	return err
}

func (c *Cluster) pools(ctx context.Context) ([]netip.Prefix, error) {
	type pool struct {
		Spec struct {
			CIDR     string `json:"cidr"`
			Disabled bool   `json:"disabled"`
		} `json:"spec"`
	}
	pools, err := list[pool](ctx, c.client, c.calico("ippools"), "")
	var out []netip.Prefix
	for _, p := range pools {
		if prefix, err := netip.ParsePrefix(p.Spec.CIDR); err == nil {
			out = append(out, prefix.Masked())
		}
	}
	return out, err
}

// ranges are those of the ServiceCIDR objects, which Kubernetes 1.33 and newer
// have. They may be hidden from the user, or not be there.
func (c *Cluster) ranges(ctx context.Context) ([]ServiceRange, error) {
	type serviceCIDR struct {
		Metadata meta `json:"metadata"`
		Spec     struct {
			CIDRs []string `json:"cidrs"`
		} `json:"spec"`
	}
	var out []ServiceRange
	for _, version := range []string{"v1", "v1beta1"} {
		objects, err := list[serviceCIDR](ctx, c.client, "/apis/networking.k8s.io/"+version+"/servicecidrs", "")
		if errors.Is(err, kube.ErrNotFound) || errors.Is(err, kube.ErrForbidden) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, o := range objects {
			for _, text := range o.Spec.CIDRs {
				if p, err := netip.ParsePrefix(text); err == nil {
					out = append(out, ServiceRange{o.Metadata.Name, p.Masked()})
				}
			}
		}
		break
	}
	return out, nil
}
