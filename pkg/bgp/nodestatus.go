package bgp

import (
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/ystackdev/ystack/pkg/kube"
)

// NodeReport is what calico-node on a node says of its BIRD.
type NodeReport struct {
	BIRD     string    `json:"bird"` // Ready, NotReady
	Sessions []Session `json:"sessions,omitempty"`
	Asked    bool      `json:"routesAsked"`      // the routes are known, too
	Routes   []string  `json:"routes,omitempty"` // that the node itself originates, sorted
}

// Session is a BGP session.
type Session struct {
	PeerIP string `json:"peerIP"`
	Type   string `json:"type"`
	State  string `json:"state"`
	Since  string `json:"since,omitempty"`
}

// Established reports whether routes flow to a router outside: the sessions
// between the nodes carry none out.
func (s Session) Established() bool { return s.State == "Established" && s.Type != "NodeMesh" }

// statusObject is a CalicoNodeStatus.
type statusObject struct {
	Spec struct {
		Node    string   `json:"node"`
		Classes []string `json:"classes"`
	} `json:"spec"`
	Status struct {
		LastUpdated *time.Time `json:"lastUpdated"`
		Agent       struct {
			V4 struct {
				State string `json:"state"`
			} `json:"birdV4"`
			V6 struct {
				State string `json:"state"`
			} `json:"birdV6"`
		} `json:"agent"`
		BGP struct {
			V4 []Session `json:"peersV4"`
			V6 []Session `json:"peersV6"`
		} `json:"bgp"`
		Routes struct {
			V4 []statusRoute `json:"routesV4"`
			V6 []statusRoute `json:"routesV6"`
		} `json:"routes"`
	} `json:"status"`
}

type statusRoute struct {
	Destination string `json:"destination"`
	LearnedFrom struct {
		SourceType string `json:"sourceType"`
	} `json:"learnedFrom"`
}

func (o *statusObject) report() NodeReport {
	r := NodeReport{
		BIRD: o.Status.Agent.V4.State, Sessions: slices.Concat(o.Status.BGP.V4, o.Status.BGP.V6),
		Asked: slices.Contains(o.Spec.Classes, classRoutes),
	}
	if r.BIRD == "" {
		r.BIRD = o.Status.Agent.V6.State
	}
	for _, route := range slices.Concat(o.Status.Routes.V4, o.Status.Routes.V6) {
		if route.LearnedFrom.SourceType == "Static" { // Calico's way to originate a route
			r.Routes = append(r.Routes, route.Destination)
		}
	}
	slices.Sort(r.Routes)
	return r
}

// has reports whether the node originates the range.
func (r *NodeReport) has(p netip.Prefix) bool {
	_, ok := slices.BinarySearch(r.Routes, p.String())
	return ok
}

// explainSilence says why nobody can be asked; nil if that is worth an error.
func explainSilence(err error) (string, bool) {
	switch {
	case errors.Is(err, kube.ErrNotFound):
		return "the cluster knows no CalicoNodeStatus, which Calico has since 3.21", true
	case errors.Is(err, kube.ErrForbidden):
		return "nodes cannot be asked: " + err.Error(), true
	}
	return "", false
}
