package bgp

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// Probe against a port that somebody listens on and one where nobody does.
func TestProbe(t *testing.T) {
	open, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	at := func(l net.Listener) uint16 { return l.Addr().(*net.TCPAddr).AddrPort().Port() }
	steps := Probe(t.Context(), Target{Name: "a/b", Addr: netip.MustParseAddr("127.0.0.1"), Ports: []Port{
		{Protocol: "TCP", Port: at(open)}, {Protocol: "TCP", Port: at(closed)}, {Protocol: "UDP", Port: 53},
	}}, 10*time.Second)
	if len(steps) != 3 || steps[0].Result != OK || steps[1].Result != Failed || !strings.Contains(steps[1].Detail, "refused") || steps[2].Result != Skipped {
		t.Errorf("%+v", steps)
	}
}

// The same over IPv6.
func TestProbeIPv6(t *testing.T) {
	open, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("no IPv6 here:", err)
	}
	defer open.Close()
	steps := Probe(t.Context(), Target{Name: "a/b", Addr: netip.MustParseAddr("::1"), Ports: []Port{
		{Protocol: "TCP", Port: open.Addr().(*net.TCPAddr).AddrPort().Port()}, {Protocol: "TCP", Port: 1},
	}}, 10*time.Second)
	if len(steps) != 2 || steps[0].Result != OK || !strings.Contains(steps[0].Detail, "[::1]:") || steps[1].Result != Failed || !strings.Contains(steps[1].Detail, "refused") {
		t.Errorf("%+v", steps)
	}
}

// A link that the cluster knows to be missing is named, and no packet is sent.
func TestLinks(t *testing.T) {
	target := Target{Name: "a/b", Addr: netip.MustParseAddr("10.96.0.7")}
	row := ServiceStatus{Service: "a/b", Address: "10.96.0.7", Advertised: Yes, Entry: "10.96.0.7/32", Nodes: []string{"n1"}, Peers: []string{"10.89.0.1"}}
	for name, c := range map[string]struct {
		change func(*ServiceStatus)
		want   string
	}{
		"all":        {func(*ServiceStatus) {}, "entry ok, session ok"},
		"no row":     {func(r *ServiceStatus) { r.Address = "10.96.0.8" }, "entry FAILED"},
		"no entry":   {func(r *ServiceStatus) { r.Entry, r.Advertised = "", No }, "entry FAILED"},
		"no session": {func(r *ServiceStatus) { r.Advertised = No }, "entry ok, session FAILED"},
		"unknown":    {func(r *ServiceStatus) { r.Advertised = Unknown }, "entry ok, session skipped"},
	} {
		r := row
		c.change(&r)
		var got []string
		for _, s := range (&Status{Services: []ServiceStatus{r}}).links(target) {
			got = append(got, s.Link+" "+s.Result)
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
