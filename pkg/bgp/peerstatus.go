package bgp

import (
	"context"
	"time"
)

// PeerStatus is a BGPPeer, and how many nodes speak with it.
type PeerStatus struct {
	Name        string   `json:"peer"`
	Address     string   `json:"address"`
	AS          string   `json:"asNumber"`
	Nodes       string   `json:"nodes"`
	Ours        bool     `json:"ours"`
	Secret      string   `json:"passwordSecret,omitempty"`
	Filters     []string `json:"filters,omitempty"`
	Reported    bool     `json:"reported"`
	Sessions    int      `json:"sessions"`
	Established int      `json:"established"`
}

// PeerStatus lists the peers. wait bounds how long nodes may take to answer;
// with 0 they are not asked.
func (c *Cluster) PeerStatus(ctx context.Context, wait time.Duration) ([]PeerStatus, error) {
	f, err := c.gather(ctx)
	if err != nil {
		return nil, err
	}
	reports := map[string]NodeReport{}
	if wait > 0 {
		if reports, err = c.AskNodes(ctx, f.nodeNames(), NoRoutes, wait); err != nil {
			if _, expected := explainSilence(err); !expected {
				return nil, err
			}
		}
	}
	out := []PeerStatus{}
	for i := range f.Peers {
		out = append(out, f.Peers[i].status(reports))
	}
	return out, nil
}

func (p *Peer) status(reports map[string]NodeReport) PeerStatus {
	s := PeerStatus{
		Name: p.Metadata.Name, Address: p.Spec.PeerIP, AS: p.Spec.AS.String(), Nodes: p.Nodes(),
		Ours: p.Ours(), Secret: p.Secret(), Filters: p.Spec.Filters, Reported: len(reports) > 0,
	}
	if s.Address == "" {
		s.Address = "nodes with " + p.Spec.PeerSelector
		s.Reported = false
	}
	ip, _ := p.IP()
	for _, r := range reports {
		for _, session := range r.Sessions {
			if session.PeerIP != ip.String() {
				continue
			}
			s.Sessions++
			if session.State == "Established" {
				s.Established++
			}
		}
	}
	return s
}
