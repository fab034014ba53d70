package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/login"
)

type myNamespacesOptions struct {
	Kubeconfig string
	Context    string
	Timeout    time.Duration
	Output     string
}

func newMyNamespaces(env Env) *cobra.Command {
	o := myNamespacesOptions{}
	cmd := &cobra.Command{
		Use:   "my-namespaces",
		Short: "List the namespaces that you may use, and as what",
		Long: `Lists the namespaces that you may use, and as what: of the current context, of all that keystone-login
wrote, and of those of your projects that no context is for.

You need no right to list namespaces where the cluster's auth-webhook tells which are your projects' (it
runs with --in-cluster or --kubeconfig then). Elsewhere those are shown in which you have access, if you may
list namespaces; if not, the contexts' own.

ACCESS is asked for, so it is right whatever authorizes: admin is who may create rolebindings there, edit who
may create pods, view who may list them. kubectl auth can-i --list -n NAMESPACE has the details.

What one context cannot tell is a warning, and the status is 1 then; the others are shown all the same.`,
		Example: examples(
			"kubectl ystack my-namespaces",
			"kubectl ystack my-namespaces --context mycloud/web -o name"),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), env) },
	}
	f := cmd.Flags()
	f.StringVar(&o.Kubeconfig, "kubeconfig", "", "path to the kubeconfig file to use")
	f.StringVar(&o.Context, "context", "", "only this context of the kubeconfig")
	f.DurationVar(&o.Timeout, "timeout", 0, "give up after this time, with exit status 124 (0: no limit)")
	addOutputFlag(cmd, &o.Output)
	return cmd
}

func (o myNamespacesOptions) run(ctx context.Context, env Env) error {
	if err := checkOutput(o.Output); err != nil {
		return err
	}
	ctx, cancel := withTimeout(ctx, o.Timeout)
	defer cancel()
	mine, err := keystoneService(env).Mine(ctx, login.MineInput{Kubeconfig: kubeconfigAccess(o.Kubeconfig), Context: o.Context})
	if err != nil && len(mine) == 0 {
		return err
	}
	if len(mine) == 0 && o.Output == "" {
		fmt.Fprintln(env.Err, "No namespaces found.")
		return nil
	}
	if perr := mineListing.print(env.Out, o.Output, mine); perr != nil {
		return perr
	}
	return err
}

var mineListing = listing[login.Mine]{
	kind: "Namespace",
	name: func(m login.Mine) string { return m.Namespace },
	columns: []column[login.Mine]{
		{header: "NAMESPACE", value: func(m login.Mine) string { return m.Namespace }},
		{header: "PROJECT", value: func(m login.Mine) string { return m.Project }},
		{header: "ROLES", value: func(m login.Mine) string { return strings.Join(m.Roles, ",") }},
		{header: "ACCESS", value: func(m login.Mine) string { return string(m.Access) }},
		{header: "CLUSTER", wide: true, value: func(m login.Mine) string { return m.Cluster }},
		{header: "PROJECT-ID", wide: true, value: func(m login.Mine) string { return m.ProjectID }},
		{header: "USER", wide: true, value: func(m login.Mine) string { return m.User }},
		{header: "CONTEXT", value: func(m login.Mine) string { return m.Context }},
		{header: "CURRENT", value: func(m login.Mine) string { return mark(m.Current) }},
	},
}

func mark(yes bool) string {
	if yes {
		return "*"
	}
	return ""
}
