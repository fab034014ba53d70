package bgp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"
)

// Step is one link of the way from here to a Service.
type Step struct {
	Target string `json:"target"` // a Service, or an address
	Link   string `json:"link"`
	Result string `json:"result"` // OK, Failed, Skipped
	Detail string `json:"detail"`
}

const (
	OK      = "ok"
	Failed  = "FAILED"
	Skipped = "skipped"
)

// Target is what is to be reached from here.
type Target struct {
	Name  string
	Addr  netip.Addr
	Ports []Port
	DNS   *Question
}

// Question is what a DNS server is to answer.
type Question struct {
	Server netip.Addr
	Name   string
	Want   netip.Addr
}

// Verification is what to prove.
type Verification struct {
	Request
	Domain string        // of the cluster
	Wait   time.Duration // how long nodes may take to answer; 0: they are not asked
	Each   time.Duration // how long a connection or an answer may take
	Ports  Ports
}

// Verify proves each link of the way to the Services, the cluster's side by
// what is configured and reported, then from this machine. A link after one
// that is missing is not looked at.
func (c *Cluster) Verify(ctx context.Context, v Verification) ([]Step, error) {
	r := v.Request
	f, err := c.gather(ctx)
	if err != nil {
		return nil, err
	}
	selected, err := c.selected(ctx, &r)
	if err != nil {
		return nil, err
	}
	withDNS := r.DNS
	r.DNS = r.DNS && len(r.Names) == 0 && r.Selector == "" // it alone is verified, or the others with its help
	services, err := r.pick(f, selected)
	if err != nil {
		return nil, err
	}
	status, err := c.statusOf(ctx, f, true, SomeRoutes, v.Wait)
	if err != nil {
		return nil, err
	}
	dns, err := f.dnsFor(withDNS)
	if err != nil {
		return nil, err
	}
	ports, err := v.Ports.links(ctx, f)
	if err != nil {
		return nil, err
	}
	blocked := failed(ports)
	var steps []Step
	for _, s := range services {
		if err := s.advertisable(ClusterIPs); err != nil {
			return nil, err
		}
		for _, p := range s.Addresses(ClusterIPs) {
			t := Target{Name: s.Ref(), Addr: p.Addr(), Ports: s.Spec.Ports}
			if server, ok := sameFamily(dns, p); ok {
				t.DNS = &Question{server, s.Metadata.Name + "." + s.Metadata.Namespace + ".svc." + v.Domain, p.Addr()}
			}
			configured := status.links(t)
			steps = append(steps, configured...)
			if failed(configured) {
				continue
			}
			steps = append(steps, ports...) // once: they are the same for all
			ports = nil
			if !blocked {
				steps = append(steps, Probe(ctx, t, v.Each)...)
			}
		}
	}
	return steps, nil
}

func failed(steps []Step) bool {
	return slices.ContainsFunc(steps, func(s Step) bool { return s.Result == Failed })
}

// dnsFor is the cluster's DNS Service, if it is meant to be reached from outside.
func (f *Facts) dnsFor(insist bool) (*Service, error) {
	s, err := f.dns()
	if err != nil && insist {
		return nil, err
	}
	if err != nil {
		return nil, nil
	}
	intent, _ := s.intent()
	_, covered := newPrefixSet(f.Entries[ClusterIPs]).find(s.Addresses(ClusterIPs)[0])
	if insist || covered || slices.Contains(intent, ClusterIPs) {
		return s, nil
	}
	return nil, nil
}

func sameFamily(dns *Service, p netip.Prefix) (netip.Addr, bool) {
	if dns == nil {
		return netip.Addr{}, false
	}
	for _, q := range dns.Addresses(ClusterIPs) {
		if q.Addr().Is4() == p.Addr().Is4() {
			return q.Addr(), true
		}
	}
	return netip.Addr{}, false
}

// links are those that the cluster itself knows of.
func (s *Status) links(t Target) []Step {
	i := slices.IndexFunc(s.Services, func(row ServiceStatus) bool { return row.Service == t.Name && row.Address == t.Addr.String() })
	if i < 0 {
		return []Step{{t.Name, "entry", Failed, fmt.Sprintf("no entry covers %s; `kubectl ystack advertise-clusterip` adds one", t.Addr)}}
	}
	row := s.Services[i]
	if row.Entry == "" && row.Advertised == No {
		return []Step{{t.Name, "entry", Failed, row.Why}}
	}
	entry := fmt.Sprintf("%s covers %s", row.Entry, t.Addr)
	if row.Entry == "" {
		entry = "none, and none needed: " + row.Why
	}
	steps := []Step{{t.Name, "entry", OK, entry}}
	switch row.Advertised {
	case Yes:
		return append(steps, Step{t.Name, "session", OK, fmt.Sprintf("%s to %s", few(row.Nodes), few(row.Peers))})
	case No:
		return append(steps, Step{t.Name, "session", Failed, row.Why})
	}
	return append(steps, Step{t.Name, "session", Skipped, row.Why})
}

// Probe tries the way from this machine: a connection to each TCP port, then
// the name, by UDP and by TCP.
func Probe(ctx context.Context, t Target, timeout time.Duration) []Step {
	var steps []Step
	routed := false
	for _, port := range t.Ports {
		link := fmt.Sprintf("%s %d", port.Protocol, port.Port)
		if port.Protocol != "TCP" && port.Protocol != "" {
			steps = append(steps, Step{t.Name, link, Skipped, "only TCP tells whether anybody listens"})
			continue
		}
		link = fmt.Sprintf("tcp %d", port.Port)
		address := netip.AddrPortFrom(t.Addr, port.Port).String()
		began := time.Now()
		conn, err := (&net.Dialer{Timeout: timeout}).DialContext(ctx, "tcp", address)
		if err != nil {
			step := refusal(t.Name, link, t.Addr, err)
			steps = append(steps, step)
			if step.Link == "route" {
				return steps
			}
			continue
		}
		_ = conn.Close()
		routed = true
		steps = append(steps, Step{t.Name, link, OK, fmt.Sprintf("connected to %s in %v", address, time.Since(began).Round(time.Millisecond))})
	}
	if t.DNS == nil || !routed && len(t.Ports) > 0 {
		return steps
	}
	for _, network := range []string{"udp", "tcp"} {
		steps = append(steps, t.ask(ctx, network, timeout))
	}
	return steps
}

// refusal tells a missing route from a missing answer.
func refusal(target, link string, addr netip.Addr, err error) Step {
	switch {
	case unreachable(err):
		return Step{target, "route", Failed, fmt.Sprintf("no route to %s from here: the router has not learned it, or this machine does not go through that router", addr)}
	case refused(err):
		return Step{target, link, Failed, "refused: the route is there, but nothing is behind the port (no ready endpoint?)"}
	case isTimeout(err):
		return Step{target, link, Failed, "route but no answer: packets get lost on the way there (firewall, port security, a node that drops them) or back (kube-proxy does not masquerade)"}
	}
	return Step{target, link, Failed, err.Error()}
}

// ask sends the question over one protocol.
func (t Target) ask(ctx context.Context, network string, timeout time.Duration) Step {
	server := net.JoinHostPort(t.DNS.Server.String(), strconv.Itoa(53))
	link := "dns " + network
	resolver := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, server)
	}}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	family := "ip6"
	if t.DNS.Want.Is4() {
		family = "ip4"
	}
	got, err := resolver.LookupNetIP(ctx, family, t.DNS.Name+".") // the dot keeps search domains out
	switch {
	case err != nil:
		return Step{t.Name, link, Failed, fmt.Sprintf("%s does not resolve at %s: %s", t.DNS.Name, server, dnsReason(err))}
	case !slices.ContainsFunc(got, func(ip netip.Addr) bool { return ip.Unmap() == t.DNS.Want }):
		return Step{t.Name, link, Failed, fmt.Sprintf("%s is %v at %s, not %s", t.DNS.Name, got, server, t.DNS.Want)}
	}
	return Step{t.Name, link, OK, fmt.Sprintf("%s is %s at %s", t.DNS.Name, t.DNS.Want, server)}
}

// dnsReason is what went wrong, without the server that this machine would
// have asked by itself.
func dnsReason(err error) string {
	var failed *net.DNSError
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err.Error()
}
