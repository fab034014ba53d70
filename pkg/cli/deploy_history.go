package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/deploy"
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
		{header: "STATE", value: func(h kubernetes.HistoryEntry) string { return h.State }},
		{header: "DEPLOYED", value: func(h kubernetes.HistoryEntry) string { return h.Deployed.Local().Format(time.DateTime) }},
		{header: "BY", value: func(h kubernetes.HistoryEntry) string { return h.By }},
		{header: "RUN", value: func(h kubernetes.HistoryEntry) string { return h.Run }},
		{header: "IMAGE", wide: true, value: func(h kubernetes.HistoryEntry) string { return h.Image }},
		{header: "SOURCE", wide: true, value: func(h kubernetes.HistoryEntry) string { return h.Source }},
	},
}

// releaseListing is the history of targets other than Kubernetes, which has one for each
// Deployment.
var releaseListing = listing[deploy.Entry]{
	kind: "Revision",
	name: func(e deploy.Entry) string { return e.App + "-" + strconv.FormatInt(e.Number, 10) },
	columns: []column[deploy.Entry]{
		{header: "APP", value: func(e deploy.Entry) string { return e.App }},
		{header: "NUMBER", value: func(e deploy.Entry) string { return strconv.FormatInt(e.Number, 10) }},
		{header: "REVISION", value: func(e deploy.Entry) string { return shortRevision(e.Revision) }},
		{header: "STATE", value: func(e deploy.Entry) string { return e.State }},
		{header: "DEPLOYED", value: func(e deploy.Entry) string { return e.Deployed.Local().Format(time.DateTime) }},
		{header: "BY", value: func(e deploy.Entry) string { return e.By }},
		{header: "RUN", value: func(e deploy.Entry) string { return e.Run }},
		{header: "IMAGE", wide: true, value: func(e deploy.Entry) string { return e.Image }},
		{header: "SOURCE", wide: true, value: func(e deploy.Entry) string { return e.Source }},
	},
}

// deployed names an application that runs: by name, or by its ystack.yaml.
type deployed struct {
	File   string
	Site   string
	Target string
	Cloud  string
	kube   *kubeFlags
}

func (o *deployed) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVarP(&o.File, "filename", "f", "", "the application's ystack.yaml, or its directory, instead of its name")
	addSiteFlag(cmd, &o.Site)
	f.StringVar(&o.Target, "target", deploy.Container, "container, vm or baremetal")
	f.StringVar(&o.Cloud, "os-cloud", "", "cloud of clouds.yaml that machines are in (default: the site's)")
}

// find is where the application runs.
func (o *deployed) find(env Env, args []string) (deploy.Target, error) {
	a := &app.Application{Metadata: app.Metadata{Name: first(args)}}
	switch {
	case o.File != "" && a.Metadata.Name != "":
		return nil, usagef("name the application or give -f, not both")
	case o.File != "":
		var err error
		if a, err = app.LoadApplication(o.File); err != nil {
			return nil, err
		}
		if o.Target != deploy.Container {
			if err := needs(a, o.Target); err != nil {
				return nil, err
			}
		}
	case a.Metadata.Name == "":
		return nil, usagef("say which application: its NAME, or -f ystack.yaml")
	}
	site, err := loadSite(env, o.Site)
	if errors.Is(err, app.ErrNoSite) {
		site, err = &app.Site{}, nil
	}
	if err != nil {
		return nil, err
	}
	p, err := newPlatforms(env, a, site, o.kube)
	if err != nil {
		return nil, err
	}
	switch o.Target {
	case deploy.Container:
		return p.cluster("")
	case deploy.VM, deploy.Baremetal:
		return p.machines(o.Target, o.Cloud)
	}
	return nil, usagef("--target %q: container, vm or baremetal", o.Target)
}

func newDeployHistory(env Env, k *kubeFlags) *cobra.Command {
	o := &deployed{kube: k}
	var output string
	cmd := &cobra.Command{
		Use:   "history NAME",
		Short: "List the revisions that rollback can go back to",
		Example: examples(
			"kubectl ystack deploy-image history hello -n hello",
			"kubectl ystack deploy-image history hello --target vm"),
		Args: maxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := o.find(env, args)
			if err != nil {
				return err
			}
			if c, ok := t.(*kubernetes.Target); ok {
				entries, err := c.Deployer.History(cmd.Context(), c.Namespace(c.Release), c.Release.App)
				if err != nil {
					return err
				}
				return historyListing.print(env.Out, output, entries)
			}
			entries, err := t.History(cmd.Context())
			if err != nil {
				return err
			}
			return releaseListing.print(env.Out, output, entries)
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
		Long: `Brings back an earlier revision, and waits until it runs. Servers and nodes get the earlier
image again; all else is as ystack.yaml says now, so that --target vm and baremetal need -f.`,
		Example: examples(
			"kubectl ystack deploy-image rollback hello -n hello",
			"kubectl ystack deploy-image rollback hello -n hello --to-revision 3",
			"kubectl ystack deploy-image rollback -f ystack.yaml --target vm"),
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
	f.DurationVar(&o.Timeout, "timeout", 0, "give up waiting after this time, with exit status 124 (0: the target's own deadline)")
	return cmd
}

func (o *rollbackOptions) run(ctx context.Context, env Env, args []string) error {
	switch {
	case o.DryRun != "none" && o.DryRun != "client" && o.DryRun != "server":
		return usagef("--dry-run %q: none, client or server", o.DryRun)
	case o.Target != deploy.Container && o.File == "":
		return usagef("rollback --target %s needs -f ystack.yaml, which says how the machines are deployed", o.Target)
	}
	ctx, cancel := withTimeout(ctx, o.Timeout)
	defer cancel()
	t, err := o.find(env, args)
	if err != nil {
		return err
	}
	plan, err := t.Rollback(ctx, o.To)
	if err != nil {
		return err
	}
	suffix := ""
	if o.DryRun != "none" {
		suffix = " (" + o.DryRun + " dry run)"
	}
	changes := plan.Changes()
	for _, c := range changes {
		name := c.Object
		if t.Kind() == deploy.Container { // what is changed of it is its revision
			name = name[strings.LastIndex(name, "/")+1:] + ":"
		} else {
			name += " " + string(c.Action)
		}
		fmt.Fprintln(env.Out, strings.TrimSpace(name+" "+c.Detail)+suffix)
	}
	if len(changes) == 0 {
		fmt.Fprintf(env.Out, "it is current already in %s%s\n", t.Place(), suffix)
	}
	if o.DryRun != "none" {
		return nil
	}
	show := newProgress(env)
	err = pipeline.Apply(ctx, t.Kind(), "wait", plan, show.event)
	show.close()
	if err != nil {
		explain(env, err)
	}
	return err
}
