package cli

import (
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/bgp"
)

var stepListing = listing[bgp.Step]{
	kind: "VerifyStep",
	name: func(s bgp.Step) string { return s.Target + ":" + s.Link },
	columns: []column[bgp.Step]{
		{header: "TARGET", value: func(s bgp.Step) string { return s.Target }},
		{header: "LINK", value: func(s bgp.Step) string { return s.Link }},
		{header: "RESULT", value: func(s bgp.Step) string { return s.Result }},
		{header: "DETAIL", value: func(s bgp.Step) string { return s.Detail }},
	},
}

type verifyOptions struct {
	advertiseOptions
	Domain, DNSServer, Name string
	Wait, Each, Timeout     time.Duration
	Output                  string
}

func newAdvertiseVerify(env Env, k *kubeFlags) *cobra.Command {
	o := &verifyOptions{}
	o.kube = k
	cmd := &cobra.Command{
		Use:   "verify SERVICE… | IP:PORT…",
		Short: "Prove, from a machine outside the cluster, that Services can be reached",
		Long: `Follows the way to each Service link by link and names the first that is missing:
no entry, no session, no route, route but no answer, answer but no DNS. Run it
on a machine outside the cluster that uses the advertised routes.

IP:PORT is for machines without access to the API server: then only the way
from here is tried, and --name asks the DNS server --dns-server for a name.`,
		Example: examples(
			"kubectl ystack advertise-clusterip verify hello -n hello --dns",
			"kubectl ystack advertise-clusterip verify 10.96.12.7:80 --dns-server 10.96.0.10 --name hello.hello.svc.cluster.local"),
		RunE: func(cmd *cobra.Command, args []string) error {
			steps, err := o.steps(cmd, env, args)
			if err != nil {
				return err
			}
			if err := stepListing.print(env.Out, o.Output, steps); err != nil {
				return err
			}
			if i := slices.IndexFunc(steps, func(s bgp.Step) bool { return s.Result == bgp.Failed }); i >= 0 {
				return errors.New(steps[i].Target + ", " + steps[i].Link + ": " + steps[i].Detail)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.Selector, "selector", "l", "", "the Services with these labels")
	f.BoolVarP(&o.AllNamespaces, "all-namespaces", "A", false, "with --selector: in all namespaces")
	f.BoolVar(&o.DNS, "dns", false, "the names too, at the cluster's DNS (default: if that is advertised)")
	f.StringVar(&o.Domain, "cluster-domain", "cluster.local", "the cluster's domain")
	f.StringVar(&o.DNSServer, "dns-server", "", "with IP:PORT: the DNS server to ask, by its IP")
	f.StringVar(&o.Name, "name", "", "with IP:PORT: the name that stands for IP")
	f.DurationVar(&o.Wait, "wait", 5*time.Second, "how long nodes may take to answer (0: do not ask them)")
	f.DurationVar(&o.Each, "each", 5*time.Second, "how long a connection or an answer may take")
	f.DurationVar(&o.Timeout, "timeout", 0, "give up after this time, with exit status 124 (0: never)")
	addOutputFlag(cmd, &o.Output)
	addSiteFlag(cmd, &o.Site)
	return cmd
}

func (o *verifyOptions) steps(cmd *cobra.Command, env Env, args []string) ([]bgp.Step, error) {
	ctx, cancel := withTimeout(cmd.Context(), o.Timeout)
	defer cancel()
	targets, err := o.targets(args)
	if err != nil {
		return nil, err
	}
	if len(targets) > 0 {
		var steps []bgp.Step
		for _, t := range targets {
			steps = append(steps, bgp.Probe(ctx, t, o.Each)...)
		}
		return steps, ctx.Err()
	}
	r, err := o.request(args)
	if err != nil {
		return nil, err
	}
	if nothing(r) {
		return nil, usagef("say what to verify: a SERVICE, --selector, --dns, or IP:PORT")
	}
	c, namespace, err := o.cluster(ctx, env)
	if err != nil {
		return nil, err
	}
	o.in(&r, namespace)
	return c.Verify(ctx, r, o.Domain, o.Wait, o.Each)
}

// targets are the arguments, if they are addresses.
func (o *verifyOptions) targets(args []string) ([]bgp.Target, error) {
	var targets []bgp.Target
	for _, arg := range args {
		at, err := netip.ParseAddrPort(arg)
		if err != nil {
			continue
		}
		targets = append(targets, bgp.Target{Name: arg, Addr: at.Addr(), Ports: []bgp.Port{{Protocol: "TCP", Port: at.Port()}}})
	}
	switch {
	case len(targets) > 0 && len(targets) < len(args):
		return nil, usagef("name Services or addresses, not both")
	case (o.Name == "") != (o.DNSServer == ""):
		return nil, usagef("--name and --dns-server go together")
	case o.Name == "":
		return targets, nil
	case len(targets) != 1:
		return nil, usagef("--name stands for one IP:PORT")
	}
	server, err := netip.ParseAddr(o.DNSServer)
	if err != nil {
		return nil, usagef("--dns-server %q is no IP address", o.DNSServer)
	}
	targets[0].DNS = &bgp.Question{Server: server, Name: o.Name, Want: targets[0].Addr}
	return targets, nil
}
