package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/bgp"
)

func newAdvertisePeers(env Env, k *kubeFlags) *cobra.Command {
	return group("peers", "The routers that nodes announce Services to",
		newPeersList(env, k), newPeersAdd(env, k), newPeersRemove(env, k))
}

var peerListing = listing[bgp.PeerStatus]{
	kind: "Peer",
	name: func(p bgp.PeerStatus) string { return p.Name },
	columns: []column[bgp.PeerStatus]{
		{header: "NAME", value: func(p bgp.PeerStatus) string { return p.Name }},
		{header: "ADDRESS", value: func(p bgp.PeerStatus) string { return p.Address }},
		{header: "AS", value: func(p bgp.PeerStatus) string { return p.AS }},
		{header: "NODES", value: func(p bgp.PeerStatus) string { return p.Nodes }},
		{header: "SESSIONS", value: func(p bgp.PeerStatus) string {
			if !p.Reported {
				return "unknown"
			}
			return fmt.Sprintf("%d/%d", p.Established, p.Sessions)
		}},
		{header: "OURS", value: func(p bgp.PeerStatus) string { return yesNo(p.Ours) }},
		{header: "PASSWORD", wide: true, value: func(p bgp.PeerStatus) string { return p.Secret }},
		{header: "FILTERS", wide: true, value: func(p bgp.PeerStatus) string { return strings.Join(p.Filters, ",") }},
	},
}

func newPeersList(env Env, k *kubeFlags) *cobra.Command {
	var output, site string
	var wait time.Duration
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List them, and on how many nodes the session is established",
		Example: examples("kubectl ystack advertise-clusterip peers list -o wide"),
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, _, err := advertiseContext(cmd.Context(), env, k, site)
			if err != nil {
				return err
			}
			peers, err := c.PeerStatus(cmd.Context(), wait)
			if err != nil {
				return err
			}
			return peerListing.print(env.Out, output, peers)
		},
	}
	cmd.Flags().DurationVar(&wait, "wait", 5*time.Second, "how long nodes may take to answer (0: do not ask them)")
	addOutputFlag(cmd, &output)
	addSiteFlag(cmd, &site)
	return cmd
}

func newPeersAdd(env Env, k *kubeFlags) *cobra.Command {
	var o changeOptions
	var n bgp.NewPeer
	var site string
	cmd := &cobra.Command{
		Use:   "add IP:ASN",
		Short: "Let nodes speak BGP with a router",
		Long: `Makes a BGPPeer, and waits until a node speaks with it. If none does within
--wait, the BGPPeer is removed again and the error says what the nodes see.

With --exact the router learns what ystack advertises and nothing else: neither
the pods' routes nor what others have configured.`,
		Example: examples(
			"kubectl ystack advertise-clusterip peers add 192.0.2.1:64512",
			"kubectl ystack advertise-clusterip peers add 192.0.2.1:64512 --node-selector \"rack == 'r1'\" --password-secret bgp/rack1",
			"kubectl ystack advertise-clusterip peers add [2001:db8::1]:64512 --exact"),
		Args: exactlyOne("say which router, as IP:ASN"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if n.Neighbour, err = bgp.ParseNeighbour(args[0]); err != nil {
				return usagef("%w", err)
			}
			if err := o.validate(); err != nil {
				return err
			}
			ctx, cancel := withTimeout(cmd.Context(), o.Timeout)
			defer cancel()
			defer o.diffStatus(&err)
			c, _, err := advertiseContext(ctx, env, k, site)
			if err != nil {
				return err
			}
			p, err := c.PlanPeers(ctx, n)
			if err != nil {
				return err
			}
			_, err = o.run(ctx, env, c, p)
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&n.As, "name", "", "name of the BGPPeer (default: from the address)")
	f.Uint16Var(&n.Port, "port", 0, "TCP port of the router (default: BGP's own, 179)")
	f.StringVar(&n.NodeSelector, "node-selector", "", "the nodes that speak with it, in Calico's language (default: all)")
	f.StringVar(&n.Secret, "password-secret", "", "NAME/KEY of the Secret with the session's password, in calico-node's namespace")
	f.BoolVar(&n.Exact, "exact", false, "it learns what ystack advertises, and nothing else")
	o.addFlags(cmd)
	o.addWaitFlag(cmd)
	addSiteFlag(cmd, &site)
	return cmd
}

func newPeersRemove(env Env, k *kubeFlags) *cobra.Command {
	var foreign bool
	var dryRun, site string
	cmd := &cobra.Command{
		Use:     "remove NAME|IP",
		Short:   "End it",
		Example: examples("kubectl ystack advertise-clusterip peers remove 192.0.2.1"),
		Args:    exactlyOne("say which peer: its name or address"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if dryRun != "none" && dryRun != "client" && dryRun != "server" {
				return usagef("--dry-run %q: none, client or server", dryRun)
			}
			c, _, err := advertiseContext(cmd.Context(), env, k, site)
			if err != nil {
				return err
			}
			name, err := c.RemovePeer(cmd.Context(), args[0], foreign, bgp.DryRun(dryRun))
			if err != nil {
				return err
			}
			suffix := ""
			if dryRun != "none" {
				suffix = " (" + dryRun + " dry run)"
			}
			fmt.Fprintf(env.Out, "bgppeer/%s removed%s\n", name, suffix)
			return nil
		},
	}
	f := cmd.Flags()
	f.BoolVar(&foreign, "foreign", false, "also one that ystack has not made")
	f.StringVar(&dryRun, "dry-run", "none", "none, client or server")
	f.Lookup("dry-run").NoOptDefVal = "client"
	addSiteFlag(cmd, &site)
	return cmd
}

func exactlyOne(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usagef("%s; got %s arguments", what, strconv.Itoa(len(args)))
		}
		return nil
	}
}
