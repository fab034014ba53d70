package bgp

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// Finding is what a person should know before, or after, something is advertised.
type Finding struct {
	Level string `json:"level"` // Warning or Note
	Text  string `json:"text"`
}

const (
	Warning = "warning"
	Note    = "note"
)

func warn(format string, args ...any) Finding { return Finding{Warning, fmt.Sprintf(format, args...)} }
func note(format string, args ...any) Finding { return Finding{Note, fmt.Sprintf(format, args...)} }

// refuse finds among what is added what would break the network, or have no effect at all.
func (f *Facts) refuse(changes []Change) error {
	for _, c := range changes {
		if c.List == ClusterIPs && f.Override != "" && len(c.Added) > 0 {
			return f.overridden()
		}
		for _, entry := range c.Added {
			if p, err := ParsePrefix(entry); err == nil {
				if what := f.overlap(p); what != "" {
					return &failure{ErrRefused, fmt.Sprintf("%s overlaps %s: every node would announce it and drop what comes", p, what)}
				}
			}
		}
	}
	return nil
}

func (f *Facts) overridden() error {
	return &failure{ErrRefused, fmt.Sprintf("calico-node has %s=%s in its environment, which makes it ignore the BGPConfiguration; "+
		"move the range there (--cidr=%[2]s), and remove the variable: kubectl set env daemonset/calico-node %[1]s-", overrideVariable, f.Override)}
}

// overlap names a network that is no Service's and meets the range.
func (f *Facts) overlap(p netip.Prefix) string {
	for _, pool := range f.Pools {
		if pool.Overlaps(p) {
			return "the pods' range " + pool.String()
		}
	}
	for i := range f.Nodes {
		for _, n := range f.Nodes[i].networks() {
			if n.Overlaps(p) {
				return fmt.Sprintf("%s of node %s", n, f.Nodes[i].Metadata.Name)
			}
		}
	}
	for i := range f.Peers {
		if ip, ok := f.Peers[i].IP(); ok && p.Contains(ip) {
			return fmt.Sprintf("the address %s of BGPPeer %s", ip, f.Peers[i].Metadata.Name)
		}
	}
	return ""
}

// checkPeer refuses an address that is the cluster's own.
func (f *Facts) checkPeer(ip netip.Addr) error {
	for _, pool := range f.Pools {
		if pool.Contains(ip) {
			return &failure{ErrRefused, fmt.Sprintf("peer %s lies in the pods' range %s; name the router's address", ip, pool)}
		}
	}
	for _, r := range f.Ranges {
		if r.Prefix.Contains(ip) {
			return &failure{ErrRefused, fmt.Sprintf("peer %s lies in the Services' range %s; name the router's address", ip, r.Prefix)}
		}
	}
	for i := range f.Nodes {
		for _, n := range f.Nodes[i].networks() {
			if n == single(ip) {
				return &failure{ErrRefused, fmt.Sprintf("peer %s is node %s itself; name the router's address", ip, f.Nodes[i].Metadata.Name)}
			}
		}
	}
	return nil
}

// check finds what works otherwise than people expect.
func (f *Facts) check(wanted Record) []Finding {
	var out []Finding
	if f.Override != "" {
		out = append(out, warn("%v", f.overridden()))
	}
	if len(wanted[ClusterIPs]) > 0 || len(f.Entries[ClusterIPs]) > 0 {
		out = append(out, f.checkLocal(wanted)...)
	}
	out = append(out, f.checkNodes()...)
	if f.Proxy.Known && !f.Proxy.masquerades() {
		out = append(out, warn("kube-proxy cannot tell pods from outsiders (no clusterCIDR, detectLocalMode or masqueradeAll), so it does not masquerade "+
			"what comes from outside, and replies go astray unless every node routes them back the same way; set clusterCIDR to the pods' range"))
	}
	if len(f.Peers) == 0 {
		out = append(out, warn("there is no BGPPeer: no router outside learns of it; add one with --peer IP:ASN"))
	}
	out = append(out, f.checkRanges(wanted)...)
	for _, text := range f.Unknown {
		out = append(out, note("not checked: %s", text))
	}
	return out
}

// checkLocal names the Services that get exported although nobody asked.
func (f *Facts) checkLocal(wanted Record) []Finding {
	meant := f.covered(wanted)
	var names []string
	for i := range f.Services {
		s := &f.Services[i]
		if s.exportsAnyway() && slices.ContainsFunc(s.Addresses(ClusterIPs), func(p netip.Prefix) bool { _, ok := meant.find(p); return !ok }) {
			names = append(names, s.Ref())
		}
	}
	if len(names) == 0 {
		return nil
	}
	return []Finding{warn("Calico announces the ClusterIPs of Services with externalTrafficPolicy: Local as soon as it announces any, whatever the list says: %s; "+
		"a peer with --exact does not learn of them", few(names))}
}

// covered is what the list holds once it is as wanted.
func (f *Facts) covered(wanted Record) prefixSet {
	return newPrefixSet(slices.Concat(slices.Collect(maps.Keys(wanted[ClusterIPs])), f.foreign()))
}

// foreign are the entries for ClusterIPs that are not ystack's.
func (f *Facts) foreign() []string {
	return slices.DeleteFunc(slices.Clone(f.Entries[ClusterIPs]), func(e string) bool {
		_, mine := f.Record[ClusterIPs][normal(e)]
		return mine
	})
}

// checkNodes tells which nodes announce.
func (f *Facts) checkNodes() []Finding {
	var out []Finding
	var mislabelled, control []string
	announcing := 0
	for i := range f.Nodes {
		n := &f.Nodes[i]
		value, labelled := n.Metadata.Labels[excludeLabel]
		if labelled && value != "true" {
			mislabelled = append(mislabelled, n.Metadata.Name)
		}
		if n.announces() {
			announcing++
			if n.controlPlane() {
				control = append(control, n.Metadata.Name)
			}
		}
	}
	if len(mislabelled) > 0 {
		out = append(out, warn("the label %s keeps a node from announcing only with the value \"true\", which these lack: %s", excludeLabel, few(mislabelled)))
	}
	if len(control) > 0 && len(control) < announcing {
		out = append(out, note("control-plane nodes announce Services too: %s; kubectl label node NAME %s=true keeps one from it", few(control), excludeLabel))
	}
	switch {
	case len(f.Nodes) > 0 && announcing == 0:
		out = append(out, warn("every node has the label %s=true: none announces anything", excludeLabel))
	case announcing > 1:
		out = append(out, note("%d nodes announce each address: let the router use several paths at once (ECMP; maximum-paths, or BIRD's merge paths), "+
			"with a resilient hash if it has one, or one node carries all", announcing))
	}
	return out
}

// checkRanges finds ranges of ClusterIPs that are left out while others are
// advertised whole.
func (f *Facts) checkRanges(wanted Record) []Finding {
	set := f.covered(wanted)
	var in, left []string
	for _, r := range f.Ranges {
		if _, ok := set.find(r.Prefix); ok {
			in = append(in, r.Prefix.String())
		} else {
			left = append(left, fmt.Sprintf("%s (ServiceCIDR %s)", r.Prefix, r.Name))
		}
	}
	if len(in) == 0 || len(left) == 0 {
		return nil
	}
	return []Finding{warn("%s is advertised, but not %s, where Services get addresses too; `kubectl ystack advertise-clusterip --cidr` advertises all",
		strings.Join(in, ", "), strings.Join(left, ", "))}
}

// few lists the first of many names.
func few(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
