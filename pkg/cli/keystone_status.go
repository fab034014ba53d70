package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ystackdev/ystack/pkg/login"
)

// kubeconfigAccess is the kubeconfig that kubectl would use.
func kubeconfigAccess(path string) clientcmd.ConfigAccess {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = path
	options := clientcmd.NewDefaultPathOptions()
	options.LoadingRules = rules
	return options
}

func newKeystoneStatus(env Env, parent *keystoneLoginOptions) *cobra.Command {
	var name, output string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show who you are in Keystone and in Kubernetes, your roles, and until when",
		Example: examples(
			"kubectl ystack keystone-login status",
			"kubectl ystack keystone-login status --context mycloud/web -o json"),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeoutCause(cmd.Context(), tokenLimit, errNoToken)
			defer cancel()
			s, err := keystoneService(env).Status(ctx, kubeconfigAccess(parent.Kubeconfig), name)
			if s != nil {
				if perr := printStatus(env.Out, output, *s); perr != nil {
					return perr
				}
			}
			return err
		},
	}
	cmd.Flags().StringVar(&name, "context", "", "context to look at (default: the current one)")
	addOutputFlag(cmd, &output)
	return cmd
}

var statusListing = listing[login.Status]{
	kind: "Login",
	name: func(s login.Status) string { return s.Context },
	columns: []column[login.Status]{
		{header: "CONTEXT", value: func(s login.Status) string { return s.Context }},
		{header: "USER", value: func(s login.Status) string { return s.Keystone.User }},
		{header: "DOMAIN", value: func(s login.Status) string { return s.Keystone.Domain }},
		{header: "PROJECT", value: func(s login.Status) string { return s.Keystone.Project }},
		{header: "ROLES", value: func(s login.Status) string { return strings.Join(s.Keystone.Roles, ",") }},
		{header: "EXPIRES", value: func(s login.Status) string { return localTime(&s.Keystone.Expires) }},
		{header: "KUBERNETES-USER", value: func(s login.Status) string { return s.Kubernetes.Username }},
	},
}

func printStatus(w io.Writer, output string, s login.Status) error {
	if output != "" {
		return statusListing.printOne(w, output, s)
	}
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(tw, "%s:\t%s\n", name, oneLine(value))
		}
	}
	k := s.Keystone
	line("Context", s.Context)
	fmt.Fprintf(tw, "Keystone:\t%s\n", strings.TrimSpace(k.Cloud+" "+k.AuthURL))
	line("  User", fmt.Sprintf("%s, domain %s", k.User, k.Domain))
	line("  User id", k.UserID)
	line("  Project", k.Project)
	line("  Project id", k.ProjectID)
	line("  Roles", strings.Join(k.Roles, ", "))
	line("  Logged in by", strings.Join(k.Methods, ", "))
	line("  Application credential", k.ApplicationCredential)
	line("  Token expires", expiry(k.Expires))
	line("  Token from", k.Source)
	line("  Password expires", localTime(k.PasswordExpires))
	fmt.Fprintf(tw, "Kubernetes:\t%s\n", strings.TrimSpace(s.Kubernetes.Cluster+" "+s.Kubernetes.Server))
	line("  User", s.Kubernetes.Username)
	line("  UID", s.Kubernetes.UID)
	line("  Namespace", s.Namespace)
	for _, g := range s.Kubernetes.Groups {
		line("  Group", g)
	}
	for _, key := range slices.Sorted(maps.Keys(s.Kubernetes.Extra)) {
		line("  "+key, strings.Join(s.Kubernetes.Extra[key], ", "))
	}
	line("  Error", s.Kubernetes.Error)
	return tw.Flush()
}

func expiry(t time.Time) string {
	return fmt.Sprintf("%s (in %s)", t.Local().Format(time.DateTime), time.Until(t).Round(time.Minute))
}
