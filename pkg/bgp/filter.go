package bgp

import (
	"context"
	"maps"
	"net/netip"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// filterName is the BGPFilter that lets through what ystack advertises, and
// nothing else; peers that are to learn exactly that refer to it.
const filterName = "ystack-advertised"

// Filter is a BGPFilter.
type Filter struct {
	Metadata meta `json:"metadata"`
	Spec     struct {
		ExportV4 []filterRule `json:"exportV4,omitempty"`
		ExportV6 []filterRule `json:"exportV6,omitempty"`
	} `json:"spec"`
}

type filterRule struct {
	Action        string `json:"action"`
	MatchOperator string `json:"matchOperator,omitempty"`
	CIDR          string `json:"cidr,omitempty"`
	Source        string `json:"source,omitempty"`
	Interface     string `json:"interface,omitempty"`
}

func (c *Cluster) filters(ctx context.Context) (map[string]Filter, error) {
	all, err := list[Filter](ctx, c.client, c.calico("bgpfilters"), "")
	out := map[string]Filter{}
	for _, f := range all {
		out[f.Metadata.Name] = f
	}
	return out, err
}

// lets reports whether the filter lets a peer learn of a range. A rule about
// where a route comes from says nothing of Services, whose routes are the nodes' own.
func (f *Filter) lets(p netip.Prefix) bool {
	rules := f.Spec.ExportV4
	if p.Addr().Is6() {
		rules = f.Spec.ExportV6
	}
	for _, r := range rules {
		if r.Source == "" && r.Interface == "" && r.matches(p) {
			return r.Action == "Accept"
		}
	}
	return true
}

func (r filterRule) matches(p netip.Prefix) bool {
	if r.CIDR == "" {
		return true
	}
	q, err := netip.ParsePrefix(r.CIDR)
	if err != nil {
		return false
	}
	q = q.Masked()
	switch r.MatchOperator {
	case "Equal":
		return p == q
	case "NotEqual":
		return p != q
	case "In":
		return covers(q, p)
	case "NotIn":
		return !covers(q, p)
	}
	return false
}

// exactRules let through the entries of a record and nothing else.
func exactRules(record Record) (v4, v6 []filterRule) {
	entries := map[netip.Prefix]bool{}
	for _, l := range Lists() {
		for entry := range record[l] {
			if p, err := ParsePrefix(entry); err == nil {
				entries[p] = true
			}
		}
	}
	for _, p := range slices.SortedFunc(maps.Keys(entries), netip.Prefix.Compare) {
		r := filterRule{Action: "Accept", MatchOperator: "Equal", CIDR: p.String()}
		if p.Addr().Is4() {
			v4 = append(v4, r)
		} else {
			v6 = append(v6, r)
		}
	}
	v4 = append(v4, filterRule{Action: "Reject", MatchOperator: "In", CIDR: "0.0.0.0/0"})
	v6 = append(v6, filterRule{Action: "Reject", MatchOperator: "In", CIDR: "::/0"})
	return v4, v6
}

// ensureFilter brings the filter to what the record says. Without create it
// only keeps up one that is there.
func (c *Cluster) ensureFilter(ctx context.Context, record Record, create, dry bool) error {
	resource := c.client.Dynamic.Resource(c.gvr("bgpfilters"))
	var dryRun []string
	if dry {
		dryRun = []string{metav1.DryRunAll}
	}
	u, err := resource.Get(ctx, filterName, metav1.GetOptions{})
	absent := apierrors.IsNotFound(err)
	switch {
	case absent && !create:
		return nil
	case absent:
		u = c.newObject("BGPFilter", filterName)
	case apierrors.IsForbidden(err) && !create:
		return nil
	case err != nil:
		return c.client.Explain(err)
	}
	v4, v6 := exactRules(record)
	before := u.DeepCopy()
	if err := setSpec(u, map[string]any{"exportV4": v4, "exportV6": v6}); err != nil {
		return err
	}
	switch {
	case absent:
		_, err = resource.Create(ctx, u, metav1.CreateOptions{FieldManager: manager, DryRun: dryRun})
	case equalSpec(before, u):
		return nil
	default:
		_, err = resource.Update(ctx, u, metav1.UpdateOptions{FieldManager: manager, DryRun: dryRun})
	}
	return c.client.Explain(err)
}
