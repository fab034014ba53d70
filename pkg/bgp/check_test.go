package bgp

import (
	"encoding/json"
	"errors"
	"net/netip"
	"strings"
	"testing"
)

// decode makes a T of the JSON that the API server would send.
func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var out T
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func node(t *testing.T, name, labels string) Node {
	return decode[Node](t, `{"metadata": {"name": "`+name+`", "labels": {`+labels+`}, "annotations": {"projectcalico.org/IPv4Address": "10.89.0.10/24"}},
		"status": {"addresses": [{"type": "InternalIP", "address": "10.88.0.1"}, {"type": "Hostname", "address": "`+name+`"}]}}`)
}

func peer(t *testing.T) Peer {
	return decode[Peer](t, `{"metadata": {"name": "tor"}, "spec": {"peerIP": "10.89.0.1:1179", "asNumber": 64512}}`)
}

func TestRefuse(t *testing.T) {
	f := Facts{Nodes: []Node{node(t, "node1", "")}, Peers: []Peer{peer(t)}, Pools: []netip.Prefix{netip.MustParsePrefix("10.244.0.0/16")}}
	for entry, want := range map[string]string{
		"10.96.0.1/32": "", "10.96.0.0/16": "", "fd00::1/128": "",
		"10.244.0.0/24": "overlaps the pods' range 10.244.0.0/16", "10.88.0.0/16": "overlaps 10.88.0.1/32 of node node1",
		"10.89.0.1/32": "overlaps 10.89.0.0/24 of node node1",
	} {
		err := f.refuse([]Change{{List: ClusterIPs, Added: []string{entry}}})
		if (err != nil) != (want != "") || err != nil && (!strings.Contains(err.Error(), want) || !errors.Is(err, ErrRefused)) {
			t.Errorf("%s: %v; want %q", entry, err, want)
		}
	}
	f.Nodes, f.Override = nil, "10.96.0.0/12"
	if err := f.refuse([]Change{{List: ExternalIPs, Added: []string{"10.89.0.1/32"}}}); err == nil || !strings.Contains(err.Error(), "BGPPeer tor") {
		t.Errorf("the peer's own address: %v", err)
	}
	if err := f.refuse([]Change{{List: ClusterIPs, Added: []string{"10.96.0.1/32"}}}); err == nil || !strings.Contains(err.Error(), "CALICO_ADVERTISE_CLUSTER_IPS=10.96.0.0/12") {
		t.Errorf("the variable: %v", err)
	}
	if err := f.refuse([]Change{{List: ClusterIPs, Removed: []string{"10.96.0.1/32"}}}); err != nil {
		t.Errorf("withdrawing: %v", err)
	}
}

func TestCheckPeer(t *testing.T) {
	f := Facts{
		Nodes: []Node{node(t, "node1", "")}, Pools: []netip.Prefix{netip.MustParsePrefix("10.244.0.0/16")},
		Ranges: []ServiceRange{{"kubernetes", netip.MustParsePrefix("10.96.0.0/16")}},
	}
	for ip, want := range map[string]string{
		"10.89.0.1": "", "10.244.0.9": "pods' range", "10.96.0.9": "Services' range", "10.88.0.1": "is node node1 itself",
	} {
		err := f.checkPeer(netip.MustParseAddr(ip))
		if (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", ip, err, want)
		}
	}
}

func TestCheck(t *testing.T) {
	local := service("shop/local", "", "10.96.0.9")
	local.Spec.Type, local.Spec.ExternalTrafficPolicy = "LoadBalancer", "Local"
	wanted := record(ClusterIPs, "10.96.0.7/32", "default/hello")
	ranges := []ServiceRange{{"kubernetes", netip.MustParsePrefix("10.96.0.0/16")}, {"second", netip.MustParsePrefix("10.97.0.0/16")}}
	for name, c := range map[string]struct {
		facts  Facts
		wanted Record
		want   []string // parts of the findings, in their order
	}{
		"nothing to say":     {Facts{Peers: []Peer{peer(t)}, Nodes: []Node{node(t, "n", "")}}, wanted, nil},
		"no peer":            {Facts{}, wanted, []string{"no BGPPeer"}},
		"Local is exported":  {Facts{Peers: []Peer{peer(t)}, Services: []Service{local}}, wanted, []string{"shop/local"}},
		"Local, and meant":   {Facts{Peers: []Peer{peer(t)}, Services: []Service{local}}, record(ClusterIPs, "10.96.0.9/32", "shop/local"), nil},
		"Local, by others":   {Facts{Peers: []Peer{peer(t)}, Services: []Service{local}, Entries: map[List][]string{ClusterIPs: {"10.96.0.0/16"}}}, wanted, nil},
		"wrong label":        {Facts{Peers: []Peer{peer(t)}, Nodes: []Node{node(t, "n", `"`+excludeLabel+`": ""`)}}, wanted, []string{`only with the value "true", which these lack: n`}},
		"all excluded":       {Facts{Peers: []Peer{peer(t)}, Nodes: []Node{node(t, "n", `"`+excludeLabel+`": "true"`)}}, wanted, []string{"none announces anything"}},
		"two nodes, control": {Facts{Peers: []Peer{peer(t)}, Nodes: []Node{node(t, "a", ""), node(t, "b", `"node-role.kubernetes.io/control-plane": ""`)}}, wanted, []string{"control-plane nodes announce Services too: b", "ECMP"}},
		"kube-proxy":         {Facts{Peers: []Peer{peer(t)}, Proxy: proxySettings{Known: true}}, wanted, []string{"kube-proxy cannot tell"}},
		"kube-proxy can":     {Facts{Peers: []Peer{peer(t)}, Proxy: proxySettings{Known: true, Mode: "NodeCIDR"}}, wanted, nil},
		"second range":       {Facts{Peers: []Peer{peer(t)}, Ranges: ranges}, record(ClusterIPs, "10.96.0.0/16", "range"), []string{"10.96.0.0/16 is advertised, but not 10.97.0.0/16 (ServiceCIDR second)"}},
		"one Service only":   {Facts{Peers: []Peer{peer(t)}, Ranges: ranges}, wanted, nil},
		"cannot look":        {Facts{Peers: []Peer{peer(t)}, Unknown: []string{"nodes: may not"}}, wanted, []string{"not checked: nodes: may not"}},
	} {
		findings := c.facts.check(c.wanted)
		if len(findings) != len(c.want) {
			t.Errorf("%s: %v", name, findings)
			continue
		}
		for i, want := range c.want {
			if !strings.Contains(findings[i].Text, want) {
				t.Errorf("%s: %q does not say %q", name, findings[i].Text, want)
			}
		}
	}
}

func TestProxyFlags(t *testing.T) {
	for argv, masquerades := range map[string]bool{
		"kube-proxy --v=2": false, "kube-proxy --cluster-cidr=10.0.0.0/8": true, "kube-proxy --detect-local-mode=ClusterCIDR": false,
		"kube-proxy --detect-local-mode=NodeCIDR": true, "kube-proxy --masquerade-all": true, "kube-proxy --masquerade-all=false": false,
	} {
		var p proxySettings
		p.flags(strings.Fields(argv))
		if p.masquerades() != masquerades {
			t.Errorf("%s: %+v", argv, p)
		}
	}
}

func TestFilter(t *testing.T) {
	v4, v6 := exactRules(record(ClusterIPs, "10.96.0.7/32", "a/b", "fd00::7/128", "a/b"))
	var exact Filter
	exact.Spec.ExportV4, exact.Spec.ExportV6 = v4, v6
	for rules, cases := range map[*Filter]map[string]bool{
		&exact: {"10.96.0.7/32": true, "10.96.0.8/32": false, "10.244.0.0/26": false, "fd00::7/128": true, "fd00::8/128": false},
		filterOf(`{"exportV4": [{"action": "Reject", "matchOperator": "NotIn", "cidr": "10.96.0.0/16"}]}`):                                    {"10.96.0.7/32": true, "10.97.0.7/32": false, "fd00::7/128": true},
		filterOf(`{"exportV4": [{"action": "Accept", "matchOperator": "NotEqual", "cidr": "10.96.0.7/32"}, {"action": "Reject"}]}`):           {"10.96.0.7/32": false, "10.96.0.8/32": true},
		filterOf(`{"exportV4": [{"action": "Reject", "source": "RemotePeers"}, {"action": "Reject", "matchOperator": "In", "cidr": "bad"}]}`): {"10.96.0.7/32": true},
	} {
		for p, want := range cases {
			if got := rules.lets(netip.MustParsePrefix(p)); got != want {
				t.Errorf("%+v, %s: %v", rules.Spec, p, got)
			}
		}
	}
}

func filterOf(spec string) *Filter {
	var f Filter
	if err := json.Unmarshal([]byte(`{"spec": `+spec+`}`), &f); err != nil {
		panic(err)
	}
	return &f
}
