package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/deploy/kubernetes"
	"github.com/ystackdev/ystack/pkg/pipeline"
)

var historyListing = listing[kubernetes.HistoryEntry]{
	kind: "Revision",
	name: func(h kubernetes.HistoryEntry) string { return h.Deployment + "-" + strconv.FormatInt(h.Number, 10) },
	columns: []column[kubernetes.HistoryEntry]{
		{header: "DEPLOYMENT", value: func(h kubernetes.HistoryEntry) string { return h.Deployment }},
		{header: "NUMBER", value: func(h kubernetes.HistoryEntry) string { return strconv.FormatInt(h.Number, 10) }},
		{header: "REVISION", value: func(h kubernetes.HistoryEntry) string { return shortRevision(h.Revision) }},
		{header: "STATE", value: func(h kubernetes.HistoryEntry) string { return string(h.State) }},
		{header: "DEPLOYED", value: func(h kubernetes.HistoryEntry) string { return h.Created.Local().Format(time.DateTime) }},
		{header: "BY", value: func(h kubernetes.HistoryEntry) string { return h.By }},
		{header: "RUN", value: func(h kubernetes.HistoryEntry) string { return h.Run }},
		{header: "IMAGE", wide: true, value: func(h kubernetes.HistoryEntry) string { return h.Image }},
		{header: "SOURCE", wide: true, value: func(h kubernetes.HistoryEntry) string { return h.Source }},
	},
}

// deployed names an application that runs: by name, or by its ystack.yaml.
type deployed struct {
	File string
	Site string
	kube *kubeFlags
}

func (o *deployed) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&o.File, "filename", "f", "", "the application's ystack.yaml, or its directory, instead of its name")
	addSiteFlag(cmd, &o.Site)
}

func (o *deployed) find(env Env, args []string) (d *kubernetes.Deployer, namespace, name string, err error) {
	r := kubernetes.Release{App: first(args)}
	switch {
	case o.File != "" && r.App != "":
		return nil, "", "", usagef("name the application or give -f, not both")
	case o.File != "":
		a, err := app.LoadApplication(o.File)
		if err != nil {
			return nil, "", "", err
		}
		r.App = a.Metadata.Name
		if c := a.Spec.Deploy.Container; c != nil {
			r.Spec = *c
		}
	case r.App == "":
		return nil, "", "", usagef("say which application: its NAME, or -f ystack.yaml")
	}
	site, err := loadSite(env, o.Site)
	if errors.Is(err, app.ErrNoSite) {
		site, err = &app.Site{}, nil
	}
	if err != nil {
		return nil, "", "", err
	}
	client, err := o.kube.client(site.Spec.Kubernetes.Context)
	if err != nil {
		return nil, "", "", err
	}
	d = &kubernetes.Deployer{Client: client}
	return d, d.Namespace(r), r.App, nil
}

func newDeployHistory(env Env, k *kubeFlags) *cobra.Command {
	o := &deployed{kube: k}
	var output string
	cmd := &cobra.Command{
		Use:     "history NAME",
		Short:   "List the revisions that rollback can go back to",
		Example: examples("kubectl ystack deploy-image history hello -n hello"),
		Args:    maxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, ns, name, err := o.find(env, args)
			if err != nil {
				return err
			}
			entries, err := d.History(cmd.Context(), ns, name)
			if err != nil {
				return err
			}
			return historyListing.print(env.Out, output, entries)
		},
	}
	o.addFlags(cmd)
	addOutputFlag(cmd, &output)
	return cmd
}

type rollbackOptions struct {
	deployed
	To      int64
	DryRun  string
	Timeout time.Duration
}

func newDeployRollback(env Env, k *kubeFlags) *cobra.Command {
	o := &rollbackOptions{deployed: deployed{kube: k}}
	cmd := &cobra.Command{
		Use:   "rollback NAME",
		Short: "Bring back an earlier revision, and wait until it runs",
		Example: examples(
			"kubectl ystack deploy-image rollback hello -n hello",
			"kubectl ystack deploy-image rollback hello -n hello --to-revision 3"),
		Args: maxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), env, args)
		},
	}
	o.addFlags(cmd)
	f := cmd.Flags()
	f.Int64Var(&o.To, "to-revision", 0, "number in the history (default: the revision before the current one)")
	f.StringVar(&o.DryRun, "dry-run", "none", "none, client or server")
	f.Lookup("dry-run").NoOptDefVal = "client"
	f.DurationVar(&o.Timeout, "timeout", 0, "give up waiting after this time, with exit status 124 (0: the Deployment's own deadline)")
	return cmd
}

func (o *rollbackOptions) run(ctx context.Context, env Env, args []string) error {
	if o.DryRun != "none" && o.DryRun != "client" && o.DryRun != "server" {
		return usagef("--dry-run %q: none, client or server", o.DryRun)
	}
	ctx, cancel := withTimeout(ctx, o.Timeout)
	defer cancel()
	d, ns, name, err := o.find(env, args)
	if err != nil {
		return err
	}
	results, err := d.Rollback(ctx, ns, name, o.To, kubernetes.DryRun(o.DryRun))
	var workloads []kubernetes.Workload
	for _, r := range results {
		workloads = append(workloads, r.Workload)
		fmt.Fprintln(env.Out, rollbackLine(r, o.DryRun))
	}
	if err != nil || o.DryRun != "none" {
		return err
	}
	show := newProgress(env)
	err = pipeline.Await(ctx, d, workloads, show.event)
	show.close()
	return explainRun(env, "", err)
}

func rollbackLine(r kubernetes.RollbackResult, dry string) string {
	line := fmt.Sprintf("%s: number %d (%s) in place of %d (%s)", r.To.Deployment,
		r.To.Number, revisionOrImage(r.To), r.From.Number, revisionOrImage(r.From))
	if r.Action == kubernetes.Unchanged {
		line = fmt.Sprintf("%s: number %d (%s) is current already", r.To.Deployment, r.To.Number, revisionOrImage(r.To))
	}
	if dry != "none" {
		line += " (" + dry + " dry run)"
	}
	return line
}

func revisionOrImage(h kubernetes.HistoryEntry) string {
	return cmp.Or(shortRevision(h.Revision), h.Image)
}
