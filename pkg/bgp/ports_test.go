package bgp

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func prefixes(text string) []netip.Prefix {
	var out []netip.Prefix
	for s := range strings.FieldsSeq(text) {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func TestLacks(t *testing.T) {
	need := prefixes("10.96.0.0/16 10.244.0.0/16 fd00:96::/112")
	const mac = `"mac_address": "fa:16:3e:00:00:01", `
	for port, want := range map[string]string{
		`{}`:                               "10.96.0.0/16 10.244.0.0/16 fd00:96::/112",
		`{"port_security_enabled": true}`:  "10.96.0.0/16 10.244.0.0/16 fd00:96::/112",
		`{"port_security_enabled": false}`: "",
		`{"allowed_address_pairs": [{"ip_address": "10.0.0.0/8"}, {"ip_address": "fd00::/16"}]}`:                               "",
		`{"allowed_address_pairs": [{"ip_address": "0.0.0.0/0"}]}`:                                                             "fd00:96::/112",
		`{"allowed_address_pairs": [{"ip_address": "10.96.0.0/16"}, {"ip_address": "10.244.0.0/17"}, {"ip_address": "::/0"}]}`: "10.244.0.0/16",
		`{"allowed_address_pairs": [{"ip_address": "10.96.0.1"}, {"ip_address": "10.244.7.9/17"}, {"ip_address": "x"}]}`:       "10.96.0.0/16 10.244.0.0/16 fd00:96::/112",
		// Several that make up a range; one of them is missing below.
		`{"allowed_address_pairs": [{"ip_address": "10.96.0.0/17"}, {"ip_address": "10.96.128.0/18"}, {"ip_address": "10.96.192.0/18"}]}`: "10.244.0.0/16 fd00:96::/112",
		`{"allowed_address_pairs": [{"ip_address": "10.96.0.0/17"}, {"ip_address": "10.96.192.0/18"}]}`:                                   "10.96.0.0/16 10.244.0.0/16 fd00:96::/112",
		// An address of another machine's that may move here lets nothing of ours through.
		`{` + mac + `"allowed_address_pairs": [{"ip_address": "0.0.0.0/0", "mac_address": "00:00:5e:00:01:01"}, {"ip_address": "::/0", "mac_address": "FA:16:3E:00:00:01"}]}`: "10.96.0.0/16 10.244.0.0/16",
	} {
		p := decode[neutronPort](t, port)
		if got := strings.Join(texts(p.lacks(need)), " "); got != want {
			t.Errorf("%s lacks %q, want %q", port, got, want)
		}
	}
}

// TestWithin compares with every address by itself.
func TestWithin(t *testing.T) {
	ranges := prefixes("10.0.0.0/30 10.0.0.4/31 10.0.0.6/32 10.0.0.8/29 10.0.0.7/32")
	for n := range len(ranges) + 1 {
		for bits := 27; bits <= 32; bits++ {
			for first := 0; first < 32; first += 1 << (32 - bits) {
				p := netip.MustParsePrefix(fmt.Sprintf("10.0.0.%d/%d", first, bits))
				want := true
				for a := p.Addr(); p.Contains(a); a = a.Next() {
					want = want && slices.ContainsFunc(ranges[:n], func(q netip.Prefix) bool { return q.Contains(a) })
				}
				if got := within(p, ranges[:n]); got != want {
					t.Fatalf("%s within %v: %v", p, ranges[:n], got)
				}
			}
		}
	}
}

func TestRouted(t *testing.T) {
	f := Facts{
		Pools:   prefixes("10.244.0.0/16 fd00:244::/64"),
		Ranges:  []ServiceRange{{"kubernetes", netip.MustParsePrefix("10.96.0.0/16")}, {"kubernetes", netip.MustParsePrefix("fd00:96::/112")}},
		Entries: map[List][]string{ClusterIPs: {"10.96.0.7/32", "10.96.0.0/16", "fd00:96::7/128"}, ExternalIPs: {"203.0.113.7", "nonsense"}},
	}
	const want = "10.96.0.0/16 10.244.0.0/16 203.0.113.7/32 fd00:96::/112 fd00:244::/64"
	if got := strings.Join(texts(f.routed()), " "); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestNodePorts(t *testing.T) {
	port := func(id, device string) neutronPort { return neutronPort{ID: id, Device: device} }
	bgp, internal := netip.MustParseAddr("10.89.0.10"), netip.MustParseAddr("10.88.0.1")
	for name, c := range map[string]struct {
		provider string
		at       map[netip.Addr][]neutronPort
		want     string // ids, or why there are none
	}{
		"by what it speaks BGP from": {"", map[netip.Addr][]neutronPort{bgp: {port("a", "")}, internal: {port("b", "")}}, "a"},
		"by what it is known by":     {"", map[netip.Addr][]neutronPort{internal: {port("b", "")}}, "b"},
		"none":                       {"", nil, "no Neutron port that this project may see"},
		"two":                        {"", map[netip.Addr][]neutronPort{bgp: {port("a", "m1"), port("b", "m2")}}, "2 ports have the address 10.89.0.10"},
		"two, one its own":           {"openstack:///m2", map[netip.Addr][]neutronPort{bgp: {port("a", "m1"), port("b", "m2")}}, "b"},
		"with a region":              {"openstack://west/m2", map[netip.Addr][]neutronPort{bgp: {port("a", "m1"), port("b", "m2")}}, "b"},
		"another machine's":          {"openstack:///m3", map[netip.Addr][]neutronPort{bgp: {port("a", "m1")}}, "no Neutron port that this project may see"},
		"another provider":           {"aws:///m2", map[netip.Addr][]neutronPort{bgp: {port("a", "m1")}}, "a"},
	} {
		n := node(t, "n1", "")
		n.Spec.ProviderID = c.provider
		ports, got := n.ports(c.at)
		for _, p := range ports {
			got += p.ID
		}
		if !strings.HasPrefix(got, c.want) || len(ports) > 0 && got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestUndo(t *testing.T) {
	before := []AddressPair{{"192.0.2.7", "fa:16:3e:00:00:09"}}
	c := PortChange{"n1", "id", "fa:16:3e:00:00:01", before, append(before[:1:1], AddressPair{Address: "10.96.0.0/16"})}
	if got := c.Undo(); got != "openstack port unset --allowed-address ip-address=10.96.0.0/16,mac-address=fa:16:3e:00:00:01 id" {
		t.Error(got)
	}
}
