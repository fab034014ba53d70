//go:build linux

package catalog

import (
	"context"

	"github.com/ystackdev/ystack/lab/bird"
	"github.com/ystackdev/ystack/lab/node"
	"github.com/ystackdev/ystack/lab/process"
	"github.com/ystackdev/ystack/lab/service"
)

const (
	routerAS = "64512"
	nodeAS   = "64513"
	// routerPassword is what the router wants to hear at [node.Guarded].
	routerPassword = "guarded-secret"
)

// The router takes every route that the node announces, and announces none:
// where the clients are, the node knows. It has two sessions for it, one of
// them with a password.
const routerConf = `log stderr all;
router id ` + node.Router + `;
protocol device { scan time 2; }
protocol kernel { ipv4 { export where source = RTS_BGP; }; }
template bgp node {
	strict bind yes;
	ipv4 { import all; export none; add paths rx; };
	connect delay time 1;
	connect retry time 2;
	error wait time 1, 5;
}
protocol bgp ` + nodeName + ` from node { local ` + node.Router + ` as ` + routerAS + `; neighbor ` + node.Uplink + ` as ` + nodeAS + `; }
protocol bgp guarded from node {
	local ` + node.Guarded + ` as ` + routerAS + `;
	neighbor ` + node.Uplink + ` port 1179 as ` + nodeAS + `; # another port than the other's, or BIRD has but one of them up
	passive yes;
	password "` + routerPassword + `";
}
`

// router is the top of the rack: BIRD 2, in a network namespace of its own
// that ends with it.
func router() *service.Service {
	return &service.Service{
		Name:    "router",
		Needs:   []string{service.NodeName},
		Address: node.Router + ", AS " + routerAS,
		Tree:    []string{"bird2"},
		Files:   map[string]string{"router.conf": routerConf},
		Command: func(l *service.Lab) []string {
			return []string{"/usr/bin/unshare", "--net", "--", l.Bin("lab"), "router"}
		},
		Ready: func(ctx context.Context, l *service.Lab) error {
			_, err := bird.Ask(ctx, l.Run("router.ctl"), "show status")
			return err
		},
	}
}

// Router is what its process does before it becomes BIRD.
func Router(ctx context.Context, l *service.Lab) error {
	holder, err := l.Holder()
	if err != nil {
		return err
	}
	if err := node.FurnishRouter(ctx, holder); err != nil {
		return err
	}
	argv := inTree(l, nil, l.Tree("usr/sbin/bird"), "-f", "-c", l.Etc("router.conf"), "-s", l.Run("router.ctl"))
	return process.Become(argv, l.Environ())
}
