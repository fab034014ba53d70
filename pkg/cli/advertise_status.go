package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/bgp"
)

var advertisedListing = listing[bgp.ServiceStatus]{
	kind: "AdvertisedService",
	name: func(s bgp.ServiceStatus) string { return s.Service },
	columns: []column[bgp.ServiceStatus]{
		{header: "SERVICE", value: func(s bgp.ServiceStatus) string { return s.Service }},
		{header: "ADDRESS", value: func(s bgp.ServiceStatus) string { return s.Address }},
		{header: "MEANT", value: func(s bgp.ServiceStatus) string { return yesNo(s.Meant) }},
		{header: "ADVERTISED", value: func(s bgp.ServiceStatus) string { return s.Advertised }},
		{header: "FROM", value: func(s bgp.ServiceStatus) string { return shorten(s.Nodes, 3) }},
		{header: "TO", value: func(s bgp.ServiceStatus) string { return shorten(s.Peers, 3) }},
		{header: "ENTRY", wide: true, value: func(s bgp.ServiceStatus) string { return s.Entry }},
		{header: "WHY", value: func(s bgp.ServiceStatus) string { return s.Why }},
	},
}

var bgpNodeListing = listing[bgp.NodeStatus]{
	kind: "AdvertisingNode",
	name: func(n bgp.NodeStatus) string { return n.Name },
	columns: []column[bgp.NodeStatus]{
		{header: "NODE", value: func(n bgp.NodeStatus) string { return n.Name }},
		{header: "ANNOUNCES", value: func(n bgp.NodeStatus) string { return yesNo(n.Announces) }},
		{header: "BIRD", value: func(n bgp.NodeStatus) string { return reported(n, n.BIRD) }},
		{header: "SESSIONS", value: func(n bgp.NodeStatus) string { return reported(n, sessionsOf(n)) }},
		{header: "ROUTES", value: func(n bgp.NodeStatus) string { return reported(n, routesOf(n)) }},
		{header: "ROUTE", wide: true, value: func(n bgp.NodeStatus) string { return strings.Join(n.Routes, ",") }},
	},
}

// advertisementListing is for the formats that show an object: all of it is one.
var advertisementListing = listing[bgp.Status]{
	kind: "AdvertisementStatus",
	name: func(bgp.Status) string { return "status" },
}

func newAdvertiseStatus(env Env, k *kubeFlags) *cobra.Command {
	o := &advertiseOptions{kube: k}
	var output string
	var all, allRoutes bool
	var wait, timeout time.Duration
	cmd := &cobra.Command{
		Use:   "status [SERVICE…]",
		Short: "Which Services are advertised, from which nodes, to which routers, and why not",
		Long: `Shows each address that is meant to be advertised, or is without being meant;
each node's BGP sessions; and where what is configured is not what is meant.

Nodes are asked through CalicoNodeStatus objects, which calico-node fills in
and which are gone afterwards: no login on a node is needed. A node that does
not answer within --wait is "unknown". All are asked for their sessions; of
more than 10, so many are asked for their routes, unless --all-routes is given.`,
		Example: examples(
			"kubectl ystack advertise-clusterip status",
			"kubectl ystack advertise-clusterip status hello -n hello -o wide",
			"kubectl ystack advertise-clusterip status -o jsonpath='{.services[?(@.advertised==\"no\")].service}'"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := withTimeout(cmd.Context(), timeout)
			defer cancel()
			r, err := o.request(args)
			if err != nil {
				return err
			}
			c, namespace, err := o.cluster(ctx, env)
			if err != nil {
				return err
			}
			routes := bgp.SomeRoutes
			if allRoutes {
				routes = bgp.AllRoutes
			}
			status, err := c.Status(ctx, all || len(r.Names) > 0, routes, wait)
			if err != nil {
				return err
			}
			if len(r.Names) > 0 {
				if err := only(status, namespace, r.Names); err != nil {
					return err
				}
			}
			return printAdvertised(env.Out, output, status)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&all, "all", false, "show the Services too that only a range covers, or nothing")
	f.BoolVar(&allRoutes, "all-routes", false, "ask every node for its routes")
	f.DurationVar(&wait, "wait", 5*time.Second, "how long nodes may take to answer (0: do not ask them)")
	f.DurationVar(&timeout, "timeout", 0, "give up after this time, with exit status 124 (0: never)")
	addOutputFlag(cmd, &output)
	addSiteFlag(cmd, &o.Site)
	return cmd
}

// only leaves the Services of these names, which must be there.
func only(s *bgp.Status, namespace string, names []string) error {
	var rows []bgp.ServiceStatus
	for _, name := range names {
		found := slices.DeleteFunc(slices.Clone(s.Services), func(row bgp.ServiceStatus) bool { return row.Service != namespace+"/"+name })
		if len(found) == 0 {
			return fmt.Errorf("no service %q with an address in namespace %q", name, namespace)
		}
		rows = append(rows, found...)
	}
	s.Services = rows
	return nil
}

func printAdvertised(w io.Writer, format string, s *bgp.Status) error {
	switch name, _, _ := strings.Cut(format, "="); name {
	case "", "wide":
		return printAdvertisedText(w, format, s)
	case "name", "custom-columns":
		return advertisedListing.print(w, format, s.Services)
	}
	return advertisementListing.printOne(w, format, *s)
}

func printAdvertisedText(w io.Writer, format string, s *bgp.Status) error {
	if len(s.Services) == 0 {
		fmt.Fprintln(w, "no Service is advertised by itself")
	} else if err := advertisedListing.print(w, format, s.Services); err != nil {
		return err
	}
	for _, e := range s.Entries {
		if e.Origin == "range" || e.Origin == "" {
			whose := "ystack's"
			if e.Origin == "" {
				whose = "not ystack's"
			}
			fmt.Fprintf(w, "entry %s in %s (%s) covers %d addresses\n", e.Entry, e.List, whose, e.Covers)
		}
	}
	fmt.Fprintln(w)
	if err := bgpNodeListing.print(w, format, s.Nodes); err != nil {
		return err
	}
	if len(s.Findings) > 0 {
		fmt.Fprintln(w)
	}
	printFindings(w, s.Findings)
	return nil
}

func sessionsOf(n bgp.NodeStatus) string {
	var out []string
	for _, s := range n.Sessions {
		out = append(out, s.PeerIP+" "+s.State)
	}
	if len(out) == 0 {
		return "none"
	}
	return shorten(out, 3)
}

func routesOf(n bgp.NodeStatus) string {
	if !n.Asked {
		return "not asked"
	}
	return strconv.Itoa(len(n.Routes))
}

func reported(n bgp.NodeStatus, value string) string {
	if !n.Reported {
		return "unknown"
	}
	return value
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// shorten joins the first of many values.
func shorten(values []string, most int) string {
	if len(values) == 0 {
		return "-"
	}
	if len(values) <= most {
		return strings.Join(values, ",")
	}
	return fmt.Sprintf("%s,+%d", strings.Join(values[:most], ","), len(values)-most)
}

// advertiseContext is for commands that need nothing but the cluster.
func advertiseContext(ctx context.Context, env Env, k *kubeFlags, site string) (*bgp.Cluster, string, error) {
	o := &advertiseOptions{kube: k, Site: site}
	return o.cluster(ctx, env)
}
