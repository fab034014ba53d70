package bgp

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func established(peerIP string, routes ...string) NodeReport {
	return NodeReport{Asked: true, BIRD: "Ready", Sessions: []Session{{PeerIP: peerIP, Type: "GlobalPeer", State: "Established"}}, Routes: routes}
}

func TestStatus(t *testing.T) {
	const route = "10.96.0.7/32"
	hello := service("default/hello", "true", "10.96.0.7")
	entries := map[List][]string{ClusterIPs: {route}}
	own := record(ClusterIPs, route, "default/hello")
	down := NodeReport{Asked: true, BIRD: "Ready", Routes: []string{route}, Sessions: []Session{{PeerIP: "10.89.0.1", Type: "GlobalPeer", State: "Active"}}}
	mesh := NodeReport{Asked: true, BIRD: "Ready", Routes: []string{route}, Sessions: []Session{{PeerIP: "10.89.0.11", Type: "NodeMesh", State: "Established"}}}
	filtered := peer(t)
	filtered.Spec.Filters = []string{"none"}
	for name, c := range map[string]struct {
		facts   Facts
		reports map[string]NodeReport
		want    string // ADVERTISED FROM TO, and a part of WHY
	}{
		"yes":         {Facts{Entries: entries, Record: own, Peers: []Peer{peer(t)}}, map[string]NodeReport{"n1": established("10.89.0.1", route)}, "yes n1 10.89.0.1 "},
		"no entry":    {Facts{Peers: []Peer{peer(t)}}, nil, "no   meant, but no entry covers it yet"},
		"no peer":     {Facts{Entries: entries, Record: own}, map[string]NodeReport{"n1": {Asked: true, BIRD: "Ready", Routes: []string{route}}}, "no   no BGPPeer"},
		"no session":  {Facts{Entries: entries, Record: own, Peers: []Peer{peer(t)}}, map[string]NodeReport{"n1": down}, "no   no session (n1 with 10.89.0.1: Active)"},
		"mesh only":   {Facts{Entries: entries, Record: own, Peers: []Peer{peer(t)}}, map[string]NodeReport{"n1": mesh}, "no   no session: no BGPPeer selects"},
		"no route":    {Facts{Entries: entries, Record: own, Peers: []Peer{peer(t)}}, map[string]NodeReport{"n1": established("10.89.0.1")}, "no   no node has a route"},
		"filtered":    {Facts{Entries: entries, Record: own, Peers: []Peer{filtered}, Filters: map[string]Filter{"none": *filterOf(`{"exportV4": [{"action": "Reject"}]}`)}}, map[string]NodeReport{"n1": established("10.89.0.1", route)}, "no   a BGPFilter"},
		"nobody says": {Facts{Entries: entries, Record: own, Peers: []Peer{peer(t)}}, nil, "unknown   configured; no node reports"},
		"excluded":    {Facts{Entries: entries, Record: own, Peers: []Peer{peer(t)}, Nodes: []Node{node(t, "n1", `"`+excludeLabel+`": "true"`)}}, map[string]NodeReport{"n1": established("10.89.0.1")}, "no   every node is excluded"},
		"not ours":    {Facts{Entries: map[List][]string{ClusterIPs: {"10.96.0.0/16"}}, Peers: []Peer{peer(t)}}, map[string]NodeReport{"n1": established("10.89.0.1", "10.96.0.0/16")}, "yes n1 10.89.0.1 "},
	} {
		c.facts.Services = []Service{hello}
		if c.facts.Nodes == nil {
			c.facts.Nodes = []Node{node(t, "n1", "")}
		}
		s := c.facts.status(c.reports, false)
		if len(s.Services) != 1 {
			t.Errorf("%s: %+v", name, s.Services)
			continue
		}
		row := s.Services[0]
		got := fmt.Sprintf("%s %s %s %s", row.Advertised, strings.Join(row.Nodes, ","), strings.Join(row.Peers, ","), row.Why)
		if !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// What is not meant shows when it is named, or leaks; what a range covers only on demand.
func TestStatusOfWhatNobodyMeans(t *testing.T) {
	local := service("a/local", "", "10.96.0.9")
	local.Spec.Type, local.Spec.ExternalTrafficPolicy = "NodePort", "Local"
	f := Facts{
		Services: []Service{local, service("a/named", "", "10.96.0.8"), service("a/none", "", "10.97.0.1"), service("a/ranged", "", "10.98.0.1")},
		Entries:  map[List][]string{ClusterIPs: {"10.96.0.8/32", "10.98.0.0/16"}},
		Record:   record(ClusterIPs, "10.98.0.0/16", "range"),
	}
	names := func(all bool) string {
		var out []string
		for _, row := range f.status(nil, all).Services {
			out = append(out, row.Service+" "+row.Advertised)
		}
		return strings.Join(out, ", ")
	}
	if got := names(false); got != "a/local no, a/named no" {
		t.Errorf("by default: %s", got)
	}
	if got := names(true); got != "a/local no, a/named no, a/none no, a/ranged no" {
		t.Errorf("all: %s", got)
	}
	want := []EntryStatus{{ClusterIPs, "10.96.0.8/32", "", 1}, {ClusterIPs, "10.98.0.0/16", "range", 1}}
	if diff := cmp.Diff(want, f.status(nil, false).Entries); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}

func TestDrift(t *testing.T) {
	f := Facts{
		Services: []Service{service("a/moved", "true", "10.96.0.8")},
		Entries:  map[List][]string{ClusterIPs: {"10.96.0.7/32"}},
		Record:   record(ClusterIPs, "10.96.0.7/32", "a/moved"),
		Peers:    []Peer{peer(t)}, Override: "10.0.0.0/8",
	}
	s := f.status(nil, false)
	var texts []string
	for _, finding := range s.Findings {
		texts = append(texts, finding.Text)
	}
	got := strings.Join(texts, "\n")
	for _, want := range []string{"makes it ignore the BGPConfiguration", "lacks 10.96.0.8/32 and still has 10.96.0.7/32 (of a/moved)"} {
		if !strings.Contains(got, want) {
			t.Errorf("no finding says %q:\n%s", want, got)
		}
	}
}

func TestReport(t *testing.T) {
	o := decode[statusObject](t, `{"spec": {"node": "n1", "classes": ["Agent", "BGP", "Routes"]}, "status": {"lastUpdated": "2026-11-25T20:04:27Z",
		"agent": {"birdV4": {"state": "Ready"}}, "bgp": {"peersV4": [{"peerIP": "10.89.0.1", "type": "GlobalPeer", "state": "Established", "since": "20:04:15"}]},
		"routes": {"routesV4": [{"destination": "10.96.0.0/16", "learnedFrom": {"sourceType": "Kernel"}}, {"destination": "10.96.0.7/32", "learnedFrom": {"sourceType": "Static"}}]}}}`)
	want := NodeReport{"Ready", []Session{{"10.89.0.1", "GlobalPeer", "Established", "20:04:15"}}, true, []string{"10.96.0.7/32"}}
	if diff := cmp.Diff(want, o.report()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// Of many nodes as many as wanted are asked for their routes, all over the list.
func TestClasses(t *testing.T) {
	for _, c := range []struct {
		nodes  int
		routes Routes
		want   int
	}{{1, SomeRoutes, 1}, {10, SomeRoutes, 10}, {11, SomeRoutes, 10}, {500, SomeRoutes, 10}, {500, AllRoutes, 500}, {500, NoRoutes, 0}, {7, 3, 3}} {
		q := &inquiry{nodes: make([]string, c.nodes), routes: c.routes}
		with, gap, longest := 0, 0, 0
		for i := range c.nodes {
			if gap++; slices.Contains(q.classes(i), classRoutes) {
				with, gap = with+1, 0
			}
			longest = max(longest, gap)
		}
		if with != c.want || c.want > 0 && longest > c.nodes/c.want {
			t.Errorf("%d nodes, %d with routes: %d, with %d between", c.nodes, c.routes, with, longest)
		}
	}
}

// Only nodes with endpoints announce what is local: who is not asked may be one.
func TestLocalUnknown(t *testing.T) {
	s := service("a/local", "", "10.96.0.9")
	s.Spec.Type, s.Spec.ExternalTrafficPolicy = "LoadBalancer", "Local"
	f := Facts{
		Services: []Service{s}, Nodes: []Node{node(t, "n1", ""), node(t, "n2", "")}, Peers: []Peer{peer(t)},
		Entries: map[List][]string{ClusterIPs: {"10.96.0.7/32"}},
	}
	silent := established("10.89.0.1")
	silent.Asked = false
	for want, n2 := range map[string]NodeReport{No: established("10.89.0.1"), Unknown: silent} {
		status := f.status(map[string]NodeReport{"n1": established("10.89.0.1"), "n2": n2}, false)
		if len(status.Services) != 1 || status.Services[0].Advertised != want {
			t.Errorf("%+v, want %s", status.Services, want)
		}
		if told := slices.ContainsFunc(status.Findings, func(f Finding) bool { return strings.Contains(f.Text, "1 of 2 nodes") }); told != (want == Unknown) {
			t.Errorf("%+v", status.Findings)
		}
	}
}
