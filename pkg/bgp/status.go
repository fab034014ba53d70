package bgp

import (
	"cmp"
	"context"
	"slices"
	"sort"
	"time"
)

// What ServiceStatus.Advertised says.
const (
	Yes     = "yes"
	No      = "no"
	Unknown = "unknown"
)

// Status is how everything is.
type Status struct {
	Services []ServiceStatus `json:"services"`
	Nodes    []NodeStatus    `json:"nodes"`
	Entries  []EntryStatus   `json:"entries"`
	Findings []Finding       `json:"findings"`
}

// ServiceStatus is one address of a Service.
type ServiceStatus struct {
	Service    string   `json:"service"`
	Address    string   `json:"address"`
	Meant      bool     `json:"meant"`
	Advertised string   `json:"advertised"`
	Entry      string   `json:"entry,omitempty"` // that covers it
	Nodes      []string `json:"nodes,omitempty"` // that announce it
	Peers      []string `json:"peers,omitempty"` // that learn of it
	Why        string   `json:"why,omitempty"`
}

// NodeStatus is one node.
type NodeStatus struct {
	Name      string `json:"name"`
	Announces bool   `json:"announces"` // it is not excluded by its label
	Reported  bool   `json:"reported"`
	NodeReport
}

// EntryStatus is an entry of the BGPConfiguration.
type EntryStatus struct {
	List   List   `json:"list"`
	Entry  string `json:"entry"`
	Origin string `json:"origin,omitempty"` // NAMESPACE/NAME of a Service, or range; empty: not ystack's
	Covers int    `json:"covers"`           // addresses of Services
}

// Status reads and judges everything. wait bounds how long nodes may take to
// answer; with 0 they are not asked.
func (c *Cluster) Status(ctx context.Context, all bool, routes Routes, wait time.Duration) (*Status, error) {
	f, err := c.gather(ctx)
	if err != nil {
		return nil, err
	}
	return c.statusOf(ctx, f, all, routes, wait)
}

func (c *Cluster) statusOf(ctx context.Context, f *Facts, all bool, routes Routes, wait time.Duration) (*Status, error) {
	reports := map[string]NodeReport{}
	if wait > 0 {
		var err error
		if reports, err = c.AskNodes(ctx, f.nodeNames(), routes, wait); err != nil {
			why, expected := explainSilence(err)
			if !expected {
				return nil, err
			}
			f.Unknown = append(f.Unknown, why)
		}
	}
	return f.status(reports, all), nil
}

func (f *Facts) nodeNames() []string {
	var names []string
	for i := range f.Nodes {
		names = append(names, f.Nodes[i].Metadata.Name)
	}
	slices.Sort(names)
	return names
}

// status judges. Without all, the Services are left out that nobody means and
// that only a range covers: with a range these are all there are.
func (f *Facts) status(reports map[string]NodeReport, all bool) *Status {
	j := newJudge(f, reports)
	s := &Status{Nodes: j.nodes(), Services: []ServiceStatus{}}
	covered := map[string]int{}
	for i := range f.Services {
		s.Services = append(s.Services, j.service(&f.Services[i], all)...)
		for _, l := range Lists() {
			for _, p := range f.Services[i].Addresses(l) {
				if q, ok := j.sets[l].find(p); ok {
					covered[string(l)+q.String()]++
				}
			}
		}
	}
	sort.Slice(s.Services, func(i, j int) bool {
		a, b := &s.Services[i], &s.Services[j]
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Address, b.Address)) < 0
	})
	for _, l := range Lists() {
		for _, e := range f.Entries[l] {
			s.Entries = append(s.Entries, EntryStatus{l, e, f.Record[l][normal(e)], covered[string(l)+normal(e)]})
		}
	}
	s.Findings = append(j.drift(), f.check(f.Record)...)
	if asked, answered := j.asked(); asked < answered {
		s.Findings = append(s.Findings, note("%d of %d nodes were asked for their routes, which stand for all; --all-routes asks every node", asked, answered))
	}
	return s
}
