package bgp

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"sort"
	"strings"
)

// judge knows what covers what, and who announces it.
type judge struct {
	f       *Facts
	reports map[string]NodeReport
	sets    map[List]prefixSet
	filters map[netip.Addr][]*Filter // of the peer with that address
}

func newJudge(f *Facts, reports map[string]NodeReport) *judge {
	j := &judge{f, reports, map[List]prefixSet{}, map[netip.Addr][]*Filter{}}
	for _, l := range Lists() {
		j.sets[l] = newPrefixSet(f.Entries[l])
	}
	for i := range f.Peers {
		ip, ok := f.Peers[i].IP()
		for _, name := range f.Peers[i].Spec.Filters {
			if filter, known := f.Filters[name]; ok && known {
				j.filters[ip] = append(j.filters[ip], &filter)
			}
		}
	}
	return j
}

func (j *judge) nodes() []NodeStatus {
	var out []NodeStatus
	for i := range j.f.Nodes {
		n := &j.f.Nodes[i]
		report, ok := j.reports[n.Metadata.Name]
		out = append(out, NodeStatus{n.Metadata.Name, n.announces(), ok, report})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}

// asked counts the nodes whose routes are known, and those that have answered.
func (j *judge) asked() (routes, answered int) {
	for _, r := range j.reports {
		answered++
		if r.Asked {
			routes++
		}
	}
	return routes, answered
}

// service judges the addresses of a Service that somebody means, or that get
// out although nobody does.
func (j *judge) service(s *Service, all bool) []ServiceStatus {
	intent, _ := s.intent()
	var out []ServiceStatus
	for _, l := range Lists() {
		meant := slices.Contains(intent, l)
		addresses := s.Addresses(l)
		if meant && len(addresses) == 0 {
			out = append(out, ServiceStatus{Service: s.Ref(), Meant: true, Advertised: No, Why: s.advertisable(l).Error()})
		}
		for _, p := range addresses {
			entry, covered := j.sets[l].find(p)
			leaks := l == ClusterIPs && !covered && s.exportsAnyway() && len(j.f.Entries[ClusterIPs]) > 0
			byName := covered && entry == p
			if !meant && !byName && !leaks && (!all || l != ClusterIPs && !covered) {
				continue
			}
			row := ServiceStatus{Service: s.Ref(), Address: p.Addr().String(), Meant: meant}
			switch {
			case covered:
				row.Entry = entry.String()
				j.announced(&row, entry)
			case leaks:
				row.Advertised, row.Why = Yes, "externalTrafficPolicy: Local: Calico announces it from nodes with endpoints"
				j.announced(&row, p)
				if routes, answered := j.asked(); row.Advertised == No && routes < answered {
					row.Advertised, row.Why = Unknown, "externalTrafficPolicy: Local: Calico announces it from nodes with endpoints, and not all were asked (--all-routes)"
				}
			default:
				row.Advertised, row.Why = No, "no entry covers it"
				if meant {
					row.Why = "meant, but no entry covers it yet; `kubectl ystack advertise-clusterip --sync` adds it"
				}
			}
			if !meant && row.Advertised != No && row.Why == "" {
				row.Why = "nobody means it: " + j.blame(l, entry)
			}
			out = append(out, row)
		}
	}
	return out
}

func (j *judge) blame(l List, entry netip.Prefix) string {
	switch origin := j.f.Record[l][entry.String()]; origin {
	case "":
		return "an entry covers it that is not ystack's"
	case rangeOrigin:
		return "the range " + entry.String() + " covers it"
	default:
		return "the entry was made for " + origin
	}
}

// announced fills in which nodes announce a range to whom, and what is missing.
func (j *judge) announced(row *ServiceStatus, p netip.Prefix) {
	asked, peers := 0, map[string]bool{}
	hidden := 0
	for i := range j.f.Nodes {
		n := &j.f.Nodes[i]
		report, ok := j.reports[n.Metadata.Name]
		if !n.announces() || !ok || !report.Asked {
			continue
		}
		asked++
		if !report.has(p) {
			continue
		}
		sent := false
		for _, session := range report.Sessions {
			if !session.Established() {
				continue
			}
			if !j.lets(session.PeerIP, p) {
				hidden++
				continue
			}
			sent = true
			peers[session.PeerIP] = true
		}
		if sent {
			row.Nodes = append(row.Nodes, n.Metadata.Name)
		}
	}
	for ip := range peers {
		row.Peers = append(row.Peers, ip)
	}
	slices.Sort(row.Peers)
	slices.Sort(row.Nodes)
	if len(row.Nodes) > 0 {
		row.Advertised = Yes
		return
	}
	row.Advertised, row.Why = No, j.missing(p, asked, hidden)
	if row.Why == "" {
		row.Advertised, row.Why = Unknown, "configured; no node reports whether it announces it"
	}
}

func (j *judge) lets(peerIP string, p netip.Prefix) bool {
	ip, err := netip.ParseAddr(peerIP)
	if err != nil {
		return true
	}
	for _, f := range j.filters[ip] {
		if !f.lets(p) {
			return false
		}
	}
	return true
}

// missing names the first link that is not there.
func (j *judge) missing(p netip.Prefix, asked, hidden int) string {
	switch {
	case len(j.f.Nodes) > 0 && !slices.ContainsFunc(j.f.Nodes, func(n Node) bool { return n.announces() }):
		return "every node is excluded by " + excludeLabel
	case len(j.f.Peers) == 0:
		return "no BGPPeer: nobody to announce it to"
	case asked == 0:
		return ""
	}
	var states []string
	routes := 0
	for _, name := range j.f.nodeNames() {
		report, ok := j.reports[name]
		if !ok {
			continue
		}
		if report.has(p) {
			routes++
		}
		for _, s := range report.Sessions {
			if s.Type != "NodeMesh" {
				states = append(states, fmt.Sprintf("%s with %s: %s", name, s.PeerIP, s.State))
			}
		}
		if report.BIRD != "Ready" {
			states = append(states, fmt.Sprintf("%s: BIRD is %s", name, cmp.Or(report.BIRD, "silent")))
		}
	}
	switch {
	case hidden > 0:
		return "a BGPFilter keeps the peers from learning it"
	case routes == 0:
		return fmt.Sprintf("no node has a route for it (yet), of %d that were asked", asked)
	case len(states) == 0:
		return "no session: no BGPPeer selects these nodes"
	}
	return "no session (" + few(states) + "): check address, AS number and password, and that TCP port 179 is open"
}

// drift finds what is configured otherwise than meant.
func (j *judge) drift() []Finding {
	wanted, problems := want(j.f.Services, j.f.Record, j.f.Record.ranges(), nil)
	changes, _ := plan(j.f.Entries, j.f.Record, wanted)
	var out []Finding
	for _, c := range changes {
		var parts []string
		if len(c.Added) > 0 {
			parts = append(parts, "lacks "+few(c.Added))
		}
		if len(c.Removed) > 0 {
			parts = append(parts, "still has "+few(j.withOrigin(c.List, c.Removed)))
		}
		out = append(out, warn("%s %s; `kubectl ystack advertise-clusterip --sync` puts it right", c.List, strings.Join(parts, " and ")))
	}
	for _, p := range problems {
		out = append(out, warn("%v", p))
	}
	return out
}

func (j *judge) withOrigin(l List, entries []string) []string {
	out := make([]string, len(entries))
	for i, e := range entries {
		out[i] = fmt.Sprintf("%s (of %s)", e, j.f.Record[l][normal(e)])
	}
	return out
}
