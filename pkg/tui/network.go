package tui

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/ystackdev/ystack/pkg/bgp"
)

const (
	// answerIn is how long nodes may take to say what they announce.
	answerIn = 5 * time.Second
	// askAgain is for what the routers do without telling the cluster.
	askAgain = time.Minute
)

// announcing are the kinds whose changes may change what is announced. Which of the two
// groups has Calico's is the cluster's matter.
var announcing = []kindPath{
	{path: "/api/v1/services"},
	{path: "/apis/crd.projectcalico.org/v1/bgpconfigurations"},
	{path: "/apis/crd.projectcalico.org/v1/bgppeers"},
	{path: "/apis/projectcalico.org/v3/bgpconfigurations"},
	{path: "/apis/projectcalico.org/v3/bgppeers"},
}

// network shows what is announced: first what is meant, as that is known at once, then
// what the nodes say. Asking them makes objects, so a read-only view does not.
func (h *hub) network(ctx context.Context, f *feed) error {
	client, err := h.client(f.origin)
	if err != nil {
		return err
	}
	cluster, err := bgp.Open(ctx, client)
	if err != nil {
		return err
	}
	status, err := cluster.Status(ctx, true, bgp.SomeRoutes, 0)
	if err != nil {
		return err
	}
	note := "nodes are not asked: read-only"
	if !h.ReadOnly {
		note = "asking the nodes"
	}
	showNetwork(f, status, note)
	for ctx.Err() == nil {
		marks := mark(ctx, client, announcing)
		for _, rest := range []time.Duration{askAgain / 12, askAgain} { // routers take a moment to follow a change
			wait := answerIn
			if h.ReadOnly {
				wait = 0
			}
			if status, err = cluster.Status(ctx, true, bgp.SomeRoutes, wait); err != nil {
				return err
			}
			if !h.ReadOnly {
				note = "nodes asked at " + time.Now().Format(clock)
			}
			showNetwork(f, status, note)
			if f.await(ctx, client, marks, rest) {
				break
			}
		}
	}
	return ctx.Err()
}

func showNetwork(f *feed, s *bgp.Status, note string) {
	var services, sessions, findings []Row
	for i := range s.Services {
		services = append(services, serviceRow(&s.Services[i]))
	}
	for i := range s.Nodes {
		sessions = append(sessions, sessionRows(&s.Nodes[i])...)
	}
	for _, x := range s.Findings {
		tone := Plain
		if x.Level == bgp.Warning {
			tone = Warn
		}
		findings = append(findings, Row{Key: x.Text, Object: []Line{{x.Text, tone}}, Cells: []Cell{{x.Level + ": " + x.Text, tone}}})
	}
	f.rowsOf("services", services, note)
	f.rowsOf("sessions", sessions, "")
	f.rowsOf("findings", findings, "")
}

func serviceRow(s *bgp.ServiceStatus) Row {
	tone, meant := Faint, "no"
	if s.Meant {
		meant = "yes"
		tone = map[string]Tone{bgp.Yes: Good, bgp.No: Bad, bgp.Unknown: Warn}[s.Advertised]
	} else if s.Advertised == bgp.Yes {
		tone = Warn
	}
	return Row{
		Key: s.Service + " " + s.Address,
		Cells: []Cell{
			{Text: s.Service},
			{Text: s.Address},
			{Text: meant},
			{s.Advertised, tone},
			{Text: strings.Join(s.Nodes, ",")},
			{Text: s.Why},
		},
		Object: []Line{
			{Text: "service     " + s.Service},
			{Text: "address     " + s.Address},
			{Text: "meant       " + meant},
			{"advertised  " + s.Advertised, tone},
			{Text: "why         " + s.Why},
			{Text: "entry       " + s.Entry},
			{Text: "nodes       " + strings.Join(s.Nodes, ", ")},
			{Text: "routers     " + strings.Join(s.Peers, ", ")},
		},
	}
}

func sessionRows(n *bgp.NodeStatus) []Row {
	bird := Cell{"unknown", Faint}
	if n.Reported {
		bird = Cell{n.BIRD, Bad}
		if n.BIRD == "Ready" {
			bird.Tone = Good
		}
	}
	routes := strconv.Itoa(len(n.Routes))
	if !n.Reported || !n.Asked {
		routes = ""
	}
	details := []Line{{Text: "node    " + n.Name}, {"bird    " + bird.Text, bird.Tone}, {Text: "routes that it originates:"}}
	for _, r := range n.Routes {
		details = append(details, Line{Text: "  " + r})
	}
	if len(n.Sessions) == 0 {
		return []Row{{Key: n.Name, Object: details, Cells: []Cell{{Text: n.Name}, bird, {Text: "-"}, {}, {Text: routes}, {}}}}
	}
	var rows []Row
	for _, s := range n.Sessions {
		state := Cell{s.State, Bad}
		if s.State == "Established" {
			state.Tone = Good
		}
		rows = append(rows, Row{
			Key: n.Name + " " + s.PeerIP, Object: details,
			Cells: []Cell{{Text: n.Name}, bird, {Text: s.PeerIP}, state, {Text: routes}, {Text: s.Since}},
		})
	}
	return rows
}
