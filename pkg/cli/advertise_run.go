package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ystackdev/ystack/pkg/bgp"
	"github.com/ystackdev/ystack/pkg/bgp/watch"
)

func newAdvertise(env Env) *cobra.Command {
	o := &advertiseRun{}
	cmd := &cobra.Command{
		Use:   "advertise-clusterip [SERVICE…]",
		Short: "Make Services reachable from outside the cluster, through Calico's BGP",
		Long: `Lets Calico announce the ClusterIPs of chosen Services to the routers outside,
each by itself, and shows what was announced before and is now.

What is meant stands on the Service as the annotation
ystack.dev/advertise-clusterip, so that it is followed when the Service comes
back under another address: by the next run, by --sync, or at once by --watch.
Put the annotation into manifests that re-create the Service. In Calico's
BGPConfiguration only entries that ystack has made itself are ever changed.

Before anything is changed, all of it is checked; --peer adds a router, which
must speak with the nodes within --wait, or nothing is changed at all. A
Service whose name is that of a subcommand is written service/NAME.`,
		Example: examples(
			"kubectl ystack advertise-clusterip hello -n hello --peer 192.0.2.1:64512",
			"kubectl ystack advertise-clusterip --dns",
			"kubectl ystack advertise-clusterip --selector public=true -A --diff",
			"kubectl ystack advertise-clusterip --cidr                  # all ClusterIPs",
			"kubectl ystack advertise-clusterip --watch",
			"kubectl ystack advertise-clusterip status"),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), env, args) },
	}
	o.kube = addKubeFlags(cmd)
	o.advertiseOptions.addFlags(cmd)
	o.changeOptions.addFlags(cmd)
	o.addWaitFlag(cmd)
	f := cmd.Flags()
	f.StringSliceVar(&o.Peers, "peer", nil, "router to announce it to, as IP:ASN; peers add knows more about it")
	f.BoolVar(&o.Sync, "sync", false, "only bring what is announced to what is meant")
	f.BoolVar(&o.Watch, "watch", false, "go on following the Services until interrupted, with a log in JSON")
	f.StringVar(&o.Listen, "listen", "127.0.0.1:8445", "with --watch: address of /healthz, /readyz and /metrics; empty for none")
	f.StringVar(&o.LogLevel, "log-level", "info", "with --watch: debug, info, warn or error")
	o.flags = f
	cmd.AddCommand(newAdvertiseWithdraw(env, o.kube), newAdvertiseStatus(env, o.kube), newAdvertisePeers(env, o.kube), newAdvertiseVerify(env, o.kube))
	return cmd
}

type advertiseRun struct {
	advertiseOptions
	changeOptions
	Peers []string
	Sync  bool
	Watch bool

	Listen, LogLevel string // with Watch
	flags            *pflag.FlagSet
}

func (o *advertiseRun) run(ctx context.Context, env Env, args []string) (err error) {
	r, err := o.parse(args)
	if err != nil {
		return err
	}
	ctx, cancel := withTimeout(ctx, o.Timeout)
	defer cancel()
	defer o.diffStatus(&err)
	c, namespace, err := o.cluster(ctx, env)
	if err != nil {
		return err
	}
	o.in(&r, namespace)
	p, err := c.Advertise(ctx, r)
	if err != nil {
		return err
	}
	changed, err := o.changeOptions.run(ctx, env, c, p)
	if err != nil {
		return err
	}
	if changed && o.Wait > 0 && len(p.Services()) > 0 {
		if err := o.await(ctx, env, c, p); err != nil {
			return err
		}
	}
	if !o.Watch {
		return nil
	}
	return o.follow(ctx, env, c)
}

func (o *advertiseRun) parse(args []string) (bgp.Request, error) {
	r, err := o.request(args)
	if err != nil {
		return r, err
	}
	for _, text := range o.Peers {
		n, err := bgp.ParseNeighbour(text)
		if err != nil {
			return r, usagef("%w", err)
		}
		r.Peers = append(r.Peers, bgp.NewPeer{Neighbour: n})
	}
	follow := o.Sync || o.Watch
	switch {
	case nothing(r) && !follow:
		return r, usagef("say what to advertise: a SERVICE, --selector, --dns, --cidr; or --sync, or --watch, for what is meant already")
	case o.Sync && !nothing(r):
		return r, usagef("--sync is about what is meant already: leave out Services and ranges")
	case o.Watch && (o.Diff || o.DryRun != "none"):
		return r, usagef("--watch changes things: leave out --diff and --dry-run")
	}
	for _, name := range []string{"listen", "log-level"} {
		if !o.Watch && o.flags.Changed(name) {
			return r, usagef("--%s goes with --watch", name)
		}
	}
	if _, err := jsonLogger(Env{Err: io.Discard}, o.LogLevel); err != nil {
		return r, err
	}
	return r, o.validate()
}

// diffStatus makes every error of --diff one that does not look like a difference.
func (o *changeOptions) diffStatus(err *error) {
	if o.Diff && *err != nil && !errors.Is(*err, errDifferences) {
		*err = diffError{*err}
	}
}

// await says how it came out. It says so on standard error: the result is the change.
func (o *advertiseRun) await(ctx context.Context, env Env, c *bgp.Cluster, p *bgp.Plan) error {
	rows, err := c.Await(ctx, p.Services(), o.Wait)
	for _, row := range rows {
		switch row.Advertised {
		case bgp.Yes:
			fmt.Fprintf(env.Err, "%s of %s: announced by %s to %s\n", row.Address, row.Service, strings.Join(row.Nodes, ", "), strings.Join(row.Peers, ", "))
		case bgp.Unknown:
			fmt.Fprintf(env.Err, "%s of %s: %s\n", row.Address, row.Service, row.Why)
		}
	}
	return err
}

// follow goes on until it is interrupted, which is how it ends.
func (o *advertiseRun) follow(ctx context.Context, env Env, c *bgp.Cluster) error {
	log, err := jsonLogger(env, o.LogLevel)
	if err != nil {
		return err
	}
	v := versionOf(env)
	log.Info("starting", "version", v.Version, "commit", v.Commit, "server", c.Server())
	return watch.Run(ctx, watch.Options{Cluster: c, Listen: o.Listen, Log: log})
}

func newAdvertiseWithdraw(env Env, k *kubeFlags) *cobra.Command {
	o := &advertiseRun{}
	o.kube = k
	all := false
	cmd := &cobra.Command{
		Use:   "withdraw [SERVICE…]",
		Short: "Undo advertise-clusterip, exactly",
		Long: `Takes away the annotation of the Services, and the entries that ystack has made
for them. Entries that somebody else has made stay.`,
		Example: examples(
			"kubectl ystack advertise-clusterip withdraw hello -n hello",
			"kubectl ystack advertise-clusterip withdraw --cidr",
			"kubectl ystack advertise-clusterip withdraw --all --diff"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			r, err := o.request(args)
			if err != nil {
				return err
			}
			r.All = all
			if nothing(r) {
				return usagef("say what to withdraw: a SERVICE, --selector, --dns, --cidr, or --all")
			}
			if err := o.validate(); err != nil {
				return err
			}
			ctx, cancel := withTimeout(cmd.Context(), o.Timeout)
			defer cancel()
			defer o.diffStatus(&err)
			c, namespace, err := o.cluster(ctx, env)
			if err != nil {
				return err
			}
			o.in(&r, namespace)
			p, err := c.Withdraw(ctx, r)
			if err != nil {
				return err
			}
			_, err = o.changeOptions.run(ctx, env, c, p)
			return err
		},
	}
	o.advertiseOptions.addFlags(cmd)
	o.changeOptions.addFlags(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "everything that ystack advertises")
	return cmd
}
