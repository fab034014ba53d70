package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aymanbagabas/go-udiff"
	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/bgp"
)

// knownRanges is what --cidr without a value stands for.
const knownRanges = "all"

type advertiseOptions struct {
	Selector      string
	AllNamespaces bool
	DNS           bool
	CIDR          string
	External      bool
	LoadBalancer  bool
	Site          string
	kube          *kubeFlags
}

// addFlags binds what chooses Services and ranges.
func (o *advertiseOptions) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVarP(&o.Selector, "selector", "l", "", "the Services with these labels")
	f.BoolVarP(&o.AllNamespaces, "all-namespaces", "A", false, "with --selector: in all namespaces")
	f.BoolVar(&o.DNS, "dns", false, "the Service of the cluster's DNS")
	f.StringVar(&o.CIDR, "cidr", "", "whole ranges, separated by commas; without a value all that the cluster takes ClusterIPs from")
	f.Lookup("cidr").NoOptDefVal = knownRanges
	f.BoolVar(&o.External, "external-ips", false, "the external IPs, instead of the ClusterIPs")
	f.BoolVar(&o.LoadBalancer, "load-balancer-ips", false, "the load balancers' IPs, instead of the ClusterIPs")
	addSiteFlag(cmd, &o.Site)
}

// cluster connects to the cluster that flags, site and kubeconfig agree on.
func (o *advertiseOptions) cluster(ctx context.Context, env Env) (c *bgp.Cluster, namespace string, err error) {
	site, err := optionalSite(env, o.Site)
	if err != nil {
		return nil, "", err
	}
	client, err := o.kube.client(site.Spec.Kubernetes.Context)
	if err != nil {
		return nil, "", err
	}
	c, err = bgp.Open(ctx, client)
	return c, client.Namespace, err
}

// optionalSite is an empty one where there is none.
func optionalSite(env Env, flag string) (*app.Site, error) {
	site, err := loadSite(env, flag)
	if errors.Is(err, app.ErrNoSite) {
		return &app.Site{}, nil
	}
	return site, err
}

// request is what the command line means.
func (o *advertiseOptions) request(args []string) (bgp.Request, error) {
	r := bgp.Request{Selector: o.Selector, DNS: o.DNS}
	for _, arg := range args {
		name := strings.TrimPrefix(strings.TrimPrefix(arg, "service/"), "svc/")
		if name == "" || strings.Contains(name, "/") {
			return r, usagef("%q is no name of a Service; another namespace is named by -n", arg)
		}
		r.Names = append(r.Names, name)
	}
	switch {
	case o.AllNamespaces && o.Selector == "":
		return r, usagef("-A goes with --selector")
	case o.CIDR == knownRanges && (o.External || o.LoadBalancer):
		return r, usagef("--cidr needs a value here: only of ClusterIPs the cluster says where they are from")
	case o.CIDR == knownRanges:
		r.Known = true
	case o.CIDR != "":
		ranges, err := bgp.ParsePrefixes(o.CIDR)
		if err != nil {
			return r, usagef("--cidr: %w", err)
		}
		r.Ranges = ranges
	}
	if o.External {
		r.Lists = append(r.Lists, bgp.ExternalIPs)
	}
	if o.LoadBalancer {
		r.Lists = append(r.Lists, bgp.LoadBalancerIPs)
	}
	return r, nil
}

// in puts the request into a namespace.
func (o *advertiseOptions) in(r *bgp.Request, namespace string) {
	if !o.AllNamespaces {
		r.Namespace = namespace
	}
}

// nothing reports whether a request names nothing.
func nothing(r bgp.Request) bool {
	return len(r.Names) == 0 && r.Selector == "" && !r.DNS && !r.Known && len(r.Ranges) == 0 && !r.All
}

// changeOptions are how something is changed.
type changeOptions struct {
	Diff    bool
	DryRun  string
	Output  string
	Wait    time.Duration
	Timeout time.Duration
}

func (o *changeOptions) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&o.Diff, "diff", false, "show what would change; exit status 0: nothing, 1: something, 2: error")
	f.StringVar(&o.DryRun, "dry-run", "none", "none, client or server (let the server check it)")
	f.Lookup("dry-run").NoOptDefVal = "client"
	f.DurationVar(&o.Timeout, "timeout", 0, "give up after this time, with exit status 124 (0: never)")
	addOutputFlag(cmd, &o.Output)
}

// addWaitFlag is for what takes a while to come about.
func (o *changeOptions) addWaitFlag(cmd *cobra.Command) {
	cmd.Flags().DurationVar(&o.Wait, "wait", 30*time.Second, "how long peers may take to speak with the nodes, and nodes to announce (0: do not wait)")
}

func (o *changeOptions) validate() error {
	switch {
	case o.DryRun != "none" && o.DryRun != "client" && o.DryRun != "server":
		return usagef("--dry-run %q: none, client or server", o.DryRun)
	case o.Diff && o.DryRun != "none":
		return usagef("--diff changes nothing by itself: leave out --dry-run")
	case o.Diff && o.Output != "":
		return usagef("--diff has a format of its own: leave out -o")
	case o.Wait < 0:
		return usagef("--wait %v: a time is 0 or more", o.Wait)
	}
	return nil
}

// run carries out a plan, or shows what it would do. It reports whether the
// cluster has been changed.
func (o *changeOptions) run(ctx context.Context, env Env, c *bgp.Cluster, p *bgp.Plan) (changed bool, err error) {
	if !o.Diff {
		printFindings(env.Err, p.Findings)
	}
	if o.Diff {
		return false, printPlanDiff(env.Out, p)
	}
	switch o.DryRun {
	case "none":
		err = c.Apply(ctx, p, o.Wait)
	case "server":
		err = c.Try(ctx, p)
	}
	if err != nil {
		return false, err
	}
	rows := planRows(p)
	if o.Output != "" {
		return o.DryRun == "none", planListing.print(env.Out, o.Output, rows)
	}
	suffix := ""
	if o.DryRun != "none" {
		suffix = " (" + o.DryRun + " dry run)"
	}
	for _, row := range rows {
		fmt.Fprintf(env.Out, "%s %s: %s%s\n", row.Object, row.Field, row.text(), suffix)
	}
	if len(rows) == 0 {
		fmt.Fprintln(env.Out, "nothing to change")
	}
	return o.DryRun == "none", nil
}

// planRow is one thing that a plan changes.
type planRow struct {
	Object string   `json:"object"`
	Field  string   `json:"field"`
	Before []string `json:"before"`
	After  []string `json:"after"`
}

// text is before → after; of long lists only what is new and what is gone.
func (r planRow) text() string {
	const long = 8
	if len(r.Before) <= long && len(r.After) <= long {
		return orNone(r.Before) + " → " + orNone(r.After)
	}
	out := fmt.Sprintf("%d entries → %d", len(r.Before), len(r.After))
	if added := minus(r.After, r.Before); len(added) > 0 {
		out += ", with " + shorten(added, long)
	}
	if removed := minus(r.Before, r.After); len(removed) > 0 {
		out += ", without " + shorten(removed, long)
	}
	return out
}

// minus is a without what b has.
func minus(a, b []string) []string {
	there := map[string]bool{}
	for _, s := range b {
		there[s] = true
	}
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return there[s] })
}

var planListing = listing[planRow]{
	kind: "AdvertisementChange",
	name: func(r planRow) string { return r.Object },
	columns: []column[planRow]{
		{header: "OBJECT", value: func(r planRow) string { return r.Object }},
		{header: "FIELD", value: func(r planRow) string { return r.Field }},
		{header: "BEFORE", value: func(r planRow) string { return orNone(r.Before) }},
		{header: "AFTER", value: func(r planRow) string { return orNone(r.After) }},
	},
}

func planRows(p *bgp.Plan) []planRow {
	var rows []planRow
	one := func(value string) []string {
		if value == "" {
			return []string{}
		}
		return []string{value}
	}
	for _, peer := range p.Peers {
		rows = append(rows, planRow{"bgppeer/" + peer.Name(), "peer", []string{}, one(peer.String())})
	}
	for _, m := range p.Marks {
		rows = append(rows, planRow{"service/" + m.Service, bgp.Annotation, one(m.Before), one(m.After)})
	}
	for _, c := range p.Changes {
		rows = append(rows, planRow{p.Config(), string(c.List), append([]string{}, c.Before...), append([]string{}, c.After...)})
	}
	return rows
}

func orNone(values []string) string {
	if len(values) == 0 {
		return "(none)"
	}
	return strings.Join(values, ", ")
}

// printPlanDiff shows each change as a unified diff, an entry a line.
func printPlanDiff(w io.Writer, p *bgp.Plan) error {
	rows := planRows(p)
	lines := func(values []string) string {
		if len(values) == 0 {
			return ""
		}
		return strings.Join(values, "\n") + "\n"
	}
	for _, row := range rows {
		name := row.Object + " " + row.Field
		if _, err := io.WriteString(w, udiff.Unified("live/"+name, "planned/"+name, lines(row.Before), lines(row.After))); err != nil {
			return err
		}
	}
	if len(rows) > 0 {
		return errDifferences
	}
	return nil
}

func printFindings(w io.Writer, findings []bgp.Finding) {
	for _, f := range findings {
		fmt.Fprintf(w, "%s: %s\n", f.Level, f.Text)
	}
}
