package bgp

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/ystackdev/ystack/pkg/keystone"
)

// Ports says how to look at the Neutron ports of nodes that are machines of OpenStack's:
// what is routed to a Service, and what comes back, has addresses that are not the port's
// own, and Neutron drops that unless it is told otherwise.
type Ports struct {
	Cloud *keystone.Session // nil: they are not looked at
	Why   string            // not
	// Insist makes a cloud that cannot be asked an error.
	Insist bool
	// Fix adds what is missing; with DryRun it is only told what would be.
	Fix, DryRun bool
	Changed     func(PortChange)
}

// PortChange is a port that lets more through than before, or is to.
type PortChange struct {
	Node, Port, MAC string
	Before, After   []AddressPair
}

func (p AddressPair) String() string {
	if p.MAC == "" {
		return p.Address
	}
	return p.Address + " from " + p.MAC
}

// Undo is the command that takes away what was added, and nothing else.
func (c PortChange) Undo() string {
	out := []string{"openstack port unset"}
	for _, p := range c.After[len(c.Before):] {
		// Neutron has filled in the port's own.
		out = append(out, "--allowed-address ip-address="+p.Address+",mac-address="+c.MAC)
	}
	return strings.Join(append(out, c.Port), " ")
}

// links is a step for each port that is not as it should be, or one for all of them.
func (o Ports) links(ctx context.Context, f *Facts) ([]Step, error) {
	const target, link = "nodes", "port"
	if o.Cloud == nil {
		return []Step{{target, link, Skipped, o.Why}}, nil
	}
	n, need := neutron{o.Cloud}, f.routed()
	found, err := n.ports(ctx, f.portAddresses())
	if err != nil && (o.Insist || ctx.Err() != nil) {
		return nil, err
	} else if err != nil {
		return []Step{{target, link, Skipped, "not checked: " + err.Error()}}, nil
	}
	at := map[netip.Addr][]neutronPort{}
	for _, p := range found {
		for _, fixed := range p.Fixed {
			at[fixed.Address] = append(at[fixed.Address], p)
		}
	}
	var steps []Step
	good := 0
	for i := range f.Nodes {
		name := f.Nodes[i].Metadata.Name
		ports, why := f.Nodes[i].ports(at)
		if len(ports) == 0 {
			steps = append(steps, Step{name, link, Skipped, "not checked: " + why})
		}
		for _, p := range ports {
			lacks, err := o.mend(ctx, n, name, p, need)
			if err != nil {
				return nil, fmt.Errorf("node %s: %w", name, err)
			}
			if len(lacks) == 0 {
				good++
				continue
			}
			steps = append(steps, Step{name, link, Failed, fmt.Sprintf("Neutron drops packets of %s at port %s: port security is on, "+
				"and the allowed address pairs lack them; --fix adds them", few(texts(lacks)), p.ID)})
		}
	}
	if good > 0 {
		steps = append(steps, Step{target, link, OK, fmt.Sprintf("%d Neutron ports let %s through", good, few(texts(need)))})
	}
	return steps, nil
}

// portTries bound how often somebody else may be faster.
const portTries = 10

// mend adds what a port lacks, if that is wanted, and returns what it lacks then.
func (o Ports) mend(ctx context.Context, n neutron, node string, p neutronPort, need []netip.Prefix) ([]netip.Prefix, error) {
	for range portTries {
		lacks := p.lacks(need)
		if len(lacks) == 0 || !o.Fix {
			return lacks, nil
		}
		after := slices.Clone(p.Pairs)
		for _, l := range lacks {
			after = append(after, AddressPair{Address: l.String()})
		}
		change := PortChange{node, p.ID, p.MAC, p.Pairs, after}
		if o.DryRun {
			o.Changed(change)
			return lacks, nil
		}
		taken, err := n.setPairs(ctx, p, after)
		if err != nil {
			return nil, err
		}
		if taken {
			o.Changed(change)
			return nil, nil
		}
		if p, err = n.port(ctx, p.ID); err != nil {
			return nil, err
		}
	}
	return nil, errors.New("port " + p.ID + " is being changed all the time by somebody else; the same command again goes on")
}

// lacks are the ranges whose packets Neutron drops at the port.
func (p neutronPort) lacks(need []netip.Prefix) []netip.Prefix {
	if p.Security != nil && !*p.Security {
		return nil
	}
	var has []netip.Prefix
	for _, pair := range p.Pairs {
		if pair.MAC != "" && !strings.EqualFold(pair.MAC, p.MAC) {
			continue // that of another machine, as with VRRP
		}
		if q, err := netip.ParsePrefix(pair.Address); err == nil {
			has = append(has, q.Masked())
		} else if a, err := netip.ParseAddr(pair.Address); err == nil {
			has = append(has, single(a))
		}
	}
	return slices.DeleteFunc(slices.Clone(need), func(q netip.Prefix) bool { return within(q, has) })
}

// within reports whether all of p lies in ranges, be it in several.
func within(p netip.Prefix, ranges []netip.Prefix) bool {
	var parts []netip.Prefix
	for _, q := range ranges {
		if covers(q, p) {
			return true
		}
		if covers(p, q) {
			parts = append(parts, q)
		}
	}
	if len(parts) == 0 {
		return false
	}
	low, high := halves(p)
	return within(low, parts) && within(high, parts)
}

// halves of a range that holds more than one address.
func halves(p netip.Prefix) (low, high netip.Prefix) {
	bits := p.Bits()
	low = netip.PrefixFrom(p.Addr(), bits+1)
	up := p.Addr().AsSlice()
	up[bits/8] |= 0x80 >> (bits % 8)
	a, _ := netip.AddrFromSlice(up)
	return low, netip.PrefixFrom(a, bits+1)
}

// routed are the ranges of what is no node's own address and still comes and goes: of
// pods, of Services, and what else is announced. None lies in another.
func (f *Facts) routed() []netip.Prefix {
	all := slices.Clone(f.Pools)
	for _, r := range f.Ranges {
		all = append(all, r.Prefix)
	}
	for _, l := range Lists() {
		for _, e := range f.Entries[l] {
			if p, err := ParsePrefix(e); err == nil {
				all = append(all, p)
			}
		}
	}
	slices.SortFunc(all, netip.Prefix.Compare)
	var out []netip.Prefix
	for _, p := range slices.Compact(all) {
		if !slices.ContainsFunc(all, func(q netip.Prefix) bool { return q != p && covers(q, p) }) {
			out = append(out, p)
		}
	}
	return out
}

// speaks are the addresses by which packets come to the node: those that it speaks BGP
// from, and where nothing tells these, those by which the cluster knows it.
func (n *Node) speaks() (bgp, internal []netip.Addr) {
	for _, key := range []string{"projectcalico.org/IPv4Address", "projectcalico.org/IPv6Address"} {
		if p, err := netip.ParsePrefix(n.Metadata.Annotations[key]); err == nil {
			bgp = append(bgp, p.Addr())
		}
	}
	for _, a := range n.Status.Addresses {
		if ip, err := netip.ParseAddr(a.Address); err == nil && a.Type == "InternalIP" {
			internal = append(internal, ip)
		}
	}
	return bgp, internal
}

func (f *Facts) portAddresses() []netip.Addr {
	var all []netip.Addr
	for i := range f.Nodes {
		bgp, internal := f.Nodes[i].speaks()
		all = append(append(all, bgp...), internal...)
	}
	slices.SortFunc(all, netip.Addr.Compare)
	return slices.Compact(all)
}

// instance is the machine's id in Nova, empty where the node does not say.
func (n *Node) instance() string {
	path, ok := strings.CutPrefix(n.Spec.ProviderID, "openstack://")
	if !ok {
		return ""
	}
	return path[strings.LastIndex(path, "/")+1:]
}

// ports are the node's, or why none is known to be. Networks of different projects may
// have the same addresses: a port that may be another machine's is not taken.
func (n *Node) ports(at map[netip.Addr][]neutronPort) (ports []neutronPort, why string) {
	bgp, internal := n.speaks()
	for _, addresses := range [][]netip.Addr{bgp, internal} {
		for _, a := range addresses {
			of := at[a]
			if id := n.instance(); id != "" {
				of = slices.DeleteFunc(slices.Clone(of), func(p neutronPort) bool { return p.Device != id })
			}
			if len(of) > 1 {
				return nil, fmt.Sprintf("%d ports have the address %s, and the node has no spec.providerID that tells which is its own", len(of), a)
			}
			if len(of) == 1 && !slices.ContainsFunc(ports, func(p neutronPort) bool { return p.ID == of[0].ID }) {
				ports = append(ports, of[0])
			}
		}
		if len(ports) > 0 {
			return ports, ""
		}
	}
	return nil, fmt.Sprintf("no Neutron port that this project may see is that of the node (%s)", few(texts(slices.Concat(bgp, internal))))
}

func texts[T fmt.Stringer](values []T) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = v.String()
	}
	return out
}
