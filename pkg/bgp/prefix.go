package bgp

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// ParsePrefix reads a range, such as 10.96.0.0/16; an address alone is the
// range that holds nothing else.
func ParsePrefix(s string) (netip.Prefix, error) {
	if !strings.Contains(s, "/") {
		ip, err := netip.ParseAddr(s)
		if err != nil || ip.Zone() != "" || ip.Is4In6() {
			return netip.Prefix{}, fmt.Errorf("%q is neither a range such as 10.96.0.0/16 nor an IP address", s)
		}
		return single(ip), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil || p.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("%q is no range; write it as 10.96.0.0/16", s)
	}
	if p != p.Masked() {
		return netip.Prefix{}, fmt.Errorf("%q is not the beginning of a range; did you mean %s?", s, p.Masked())
	}
	return p, nil
}

// ParsePrefixes reads ranges separated by commas.
func ParsePrefixes(s string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for part := range strings.SplitSeq(s, ",") {
		p, err := ParsePrefix(strings.TrimSpace(part))
		if err != nil {
			return nil, err
		}
		if p.Bits() == 0 {
			return nil, fmt.Errorf("%s would draw all traffic of the outside to the cluster; name the range of the Services", p)
		}
		out = append(out, p)
	}
	return out, nil
}

// single is the range that holds nothing but ip.
func single(ip netip.Addr) netip.Prefix { return netip.PrefixFrom(ip, ip.BitLen()) }

// covers reports whether all of p lies in q.
func covers(q, p netip.Prefix) bool { return q.Bits() <= p.Bits() && q.Contains(p.Addr()) }

// prefixSet answers which of many ranges holds an address, at once.
type prefixSet struct {
	bits []int // the lengths that occur, longest first
	all  map[netip.Prefix]string
}

// newPrefixSet takes the entries as they are written; what is no range holds nothing.
func newPrefixSet(entries []string) prefixSet {
	s := prefixSet{all: map[netip.Prefix]string{}}
	for _, e := range entries {
		p, err := ParsePrefix(e)
		if err != nil {
			continue
		}
		s.all[p] = e
		if !slices.Contains(s.bits, p.Bits()) {
			s.bits = append(s.bits, p.Bits())
		}
	}
	slices.Sort(s.bits)
	slices.Reverse(s.bits)
	return s
}

// find returns the narrowest range that holds all of p.
func (s prefixSet) find(p netip.Prefix) (netip.Prefix, bool) {
	for _, bits := range s.bits {
		if bits > p.Bits() {
			continue
		}
		q, err := p.Addr().Prefix(bits)
		if err != nil { // a length of the other family
			continue
		}
		if _, ok := s.all[q]; ok {
			return q, true
		}
	}
	return netip.Prefix{}, false
}
