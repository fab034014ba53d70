package cli

import (
	"cmp"
	"errors"
	"fmt"
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
	Cloud, DryRun           string
	Fix                     bool
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
no entry, no session, port security, no route, route but no answer, answer but
no DNS. Run it on a machine outside the cluster that uses the advertised routes.

Where the nodes are machines of OpenStack's, --os-cloud (or the cloud of the
Site file) has their Neutron ports looked at: those with port security must have
the ranges of pods and Services among their allowed address pairs, or Neutron
drops what is routed. --fix adds what is missing, leaves the rest as it is, and
says how to undo that.

IP:PORT is for machines without access to the API server: then only the way
from here is tried, and --name asks the DNS server --dns-server for a name.`,
		Example: examples(
			"kubectl ystack advertise-clusterip verify hello -n hello --dns",
			"kubectl ystack advertise-clusterip verify hello -n hello --os-cloud mycloud --fix --dry-run",
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
	f.StringVar(&o.Cloud, "os-cloud", "", "the cloud whose machines the nodes are, by its name in clouds.yaml (default: the site's)")
	f.BoolVar(&o.Fix, "fix", false, "add to the nodes' Neutron ports the address pairs that they lack")
	f.StringVar(&o.DryRun, "dry-run", "none", "with --fix: none or client (only say what would be added)")
	f.Lookup("dry-run").NoOptDefVal = "client"
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
	switch {
	case o.DryRun != "none" && o.DryRun != "client":
		return nil, usagef("--dry-run %q: none or client, for Neutron tries nothing out", o.DryRun)
	case o.DryRun == "client" && !o.Fix:
		return nil, usagef("--dry-run goes with --fix: nothing else changes anything")
	case len(targets) > 0 && (o.Fix || o.Cloud != ""):
		return nil, usagef("whose ports to look at, only the API server tells: name Services instead of addresses")
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
	ports, done, err := o.ports(env)
	if err != nil {
		return nil, err
	}
	defer done()
	return c.Verify(ctx, bgp.Verification{Request: r, Domain: o.Domain, Wait: o.Wait, Each: o.Each, Ports: ports})
}

// ports says how the nodes' Neutron ports are looked at, if a cloud is named.
func (o *verifyOptions) ports(env Env) (p bgp.Ports, done func(), err error) {
	site, err := optionalSite(env, o.Site)
	if err != nil {
		return p, nil, err
	}
	cloud := cmp.Or(o.Cloud, site.Spec.OpenStack.Cloud)
	p = bgp.Ports{
		Why:    "not checked: nobody says which cloud the nodes are in (--os-cloud, or spec.openstack.cloud of the Site file)",
		Insist: o.Cloud != "" || o.Fix, Fix: o.Fix, DryRun: o.DryRun == "client",
		Changed: func(c bgp.PortChange) { o.tellPort(env, c) },
	}
	switch {
	case cloud == "" && o.Fix:
		return p, nil, usagef("--fix needs to know which cloud the nodes are in: --os-cloud, or spec.openstack.cloud of the Site file")
	case cloud == "":
		return p, func() {}, nil
	}
	session, done, err := keystoneSession(env, cloud)
	if err != nil && p.Insist {
		return p, nil, err
	} else if err != nil {
		p.Why = "not checked: " + err.Error()
		return p, func() {}, nil
	}
	p.Cloud = session
	return p, done, nil
}

// tellPort says on standard error what became of a port, and how to undo it.
func (o *verifyOptions) tellPort(env Env, c bgp.PortChange) {
	row := planRow{Before: pairTexts(c.Before), After: pairTexts(c.After)}
	suffix := ""
	if o.DryRun == "client" {
		suffix = " (client dry run)"
	}
	fmt.Fprintf(env.Err, "port/%s of node %s allowed_address_pairs: %s%s\n", c.Port, c.Node, row.text(), suffix)
	if suffix == "" {
		fmt.Fprintf(env.Err, "to undo it: %s\n", c.Undo())
	}
}

func pairTexts(pairs []bgp.AddressPair) []string {
	var out []string
	for _, p := range pairs {
		out = append(out, p.String())
	}
	return out
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
