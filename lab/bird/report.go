package bird

import (
	"context"
	"regexp"
	"strings"
)

// Report is how a node's BIRD is, in the words of Calico's CalicoNodeStatus.
// Of the two address families this BIRD speaks IPv4.
type Report struct {
	Agent  Agent  `json:"agent"`
	BGP    BGP    `json:"bgp"`
	Routes Routes `json:"routes"`
}

type Agent struct {
	BIRDv4 Daemon `json:"birdV4"`
}

type Daemon struct {
	State        string `json:"state"`
	Version      string `json:"version,omitempty"`
	RouterID     string `json:"routerID,omitempty"`
	LastBoot     string `json:"lastBootTime,omitempty"`
	Reconfigured string `json:"lastReconfigurationTime,omitempty"`
}

type BGP struct {
	EstablishedV4    int    `json:"numberEstablishedV4"`
	EstablishedV6    int    `json:"numberEstablishedV6"`
	NotEstablishedV4 int    `json:"numberNotEstablishedV4"`
	NotEstablishedV6 int    `json:"numberNotEstablishedV6"`
	PeersV4          []Peer `json:"peersV4"`
}

type Peer struct {
	PeerIP string `json:"peerIP"`
	Type   string `json:"type"`
	State  string `json:"state"`
	Since  string `json:"since"`
}

type Routes struct {
	RoutesV4 []Route `json:"routesV4"`
}

type Route struct {
	Type        string `json:"type"` // FIB: in use; RIB: known
	Destination string `json:"destination"`
	Gateway     string `json:"gateway"`
	Interface   string `json:"interface"`
	LearnedFrom Source `json:"learnedFrom"`
}

type Source struct {
	SourceType string `json:"sourceType"`
	PeerIP     string `json:"peerIP,omitempty"`
}

// Read asks the BIRD behind a control socket for all of it. A BIRD that does
// not answer is reported as not ready.
func Read(ctx context.Context, socket string) Report {
	status, err := Ask(ctx, socket, "show status")
	protocols, err2 := Ask(ctx, socket, "show protocols")
	routes, err3 := Ask(ctx, socket, "show route")
	r := Report{Agent: Agent{daemon(status)}, BGP: sessions(protocols), Routes: Routes{parseRoutes(routes)}}
	if err != nil || err2 != nil || err3 != nil {
		r.Agent.BIRDv4.State = "NotReady"
	}
	return r
}

func daemon(lines []string) Daemon {
	d := Daemon{State: "NotReady"}
	for _, line := range lines {
		after := func(prefix string, to *string) {
			if rest, ok := strings.CutPrefix(line, prefix); ok {
				*to = rest
			}
		}
		after("BIRD ", &d.Version)
		after("Router ID is ", &d.RouterID)
		after("Last reboot on ", &d.LastBoot)
		after("Last reconfiguration on ", &d.Reconfigured)
		if line == "Daemon is up and running" {
			d.State = "Ready"
		}
	}
	return d
}

// kinds are the types of peers, by how Calico's templates name their protocols.
var kinds = map[string]string{"Global": "GlobalPeer", "Node": "NodePeer", "Mesh": "NodeMesh"}

// peerOf reads the name of a protocol, such as Global_192_0_2_1 or Node_192_0_2_1_port_1179.
func peerOf(protocol string) (kind, ip string, ok bool) {
	prefix, rest, _ := strings.Cut(protocol, "_")
	rest, _, _ = strings.Cut(rest, "_port_")
	kind, ok = kinds[prefix]
	return kind, strings.ReplaceAll(rest, "_", "."), ok
}

// sessions reads NAME PROTO TABLE STATE SINCE INFO, where the first word of
// the info of a BGP protocol is the state of its session.
func sessions(lines []string) BGP {
	b := BGP{PeersV4: []Peer{}}
	for _, line := range lines {
		fields := strings.Fields(line)
		if len(fields) < 5 || fields[1] != "BGP" {
			continue
		}
		kind, ip, ok := peerOf(fields[0])
		if !ok {
			continue
		}
		peer := Peer{PeerIP: ip, Type: kind, State: "Idle", Since: fields[4]}
		if len(fields) > 5 {
			peer.State = fields[5]
		}
		if peer.State == "Established" {
			b.EstablishedV4++
		} else {
			b.NotEstablishedV4++
		}
		b.PeersV4 = append(b.PeersV4, peer)
	}
	return b
}

// A line of a route: DESTINATION HOW [PROTOCOL SINCE…] *, where the
// destination is missing when it is that of the line before.
var routeLine = regexp.MustCompile(`^(\S*)\s+(?:via (\S+) on (\S+)|dev (\S+)|(blackhole|unreachable|prohibited))\s+\[(\S+)[^\]]*\](\s+\*)?`)

func parseRoutes(lines []string) []Route {
	routes, destination := []Route{}, ""
	for _, line := range lines {
		m := routeLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if m[1] != "" {
			destination = m[1]
		}
		r := Route{Type: "RIB", Destination: destination, Gateway: "N/A", Interface: m[3] + m[4] + m[5], LearnedFrom: source(m[6])}
		if m[2] != "" {
			r.Gateway = m[2]
		}
		if m[7] != "" {
			r.Type = "FIB"
		}
		routes = append(routes, r)
	}
	return routes
}

func source(protocol string) Source {
	for prefix, kind := range map[string]string{"kernel": "Kernel", "static": "Static", "direct": "Direct"} {
		if strings.HasPrefix(protocol, prefix) {
			return Source{SourceType: kind}
		}
	}
	kind, ip, _ := peerOf(protocol)
	if kind == "NodeMesh" {
		return Source{kind, ip}
	}
	return Source{"BGPPeer", ip}
}
