package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/login"
)

func newKeystoneLogout(env Env, parent *keystoneLoginOptions) *cobra.Command {
	in := login.LogoutInput{}
	cmd := &cobra.Command{
		Use:   "logout",
		Short: "End a login: revoke its tokens in Keystone, forget them, delete its application credentials",
		Long: `Ends the login of the current context, in all its projects: revokes the tokens in
Keystone, forgets them, and deletes the application credentials that keystone-login
made. The contexts stay, and log in no more until keystone-login is called again.

The API server may accept a revoked token until its own cache of answers and that of
the webhook are over: minutes, as configured there.`,
		Example: examples("kubectl ystack keystone-login logout", "kubectl ystack keystone-login logout --all"),
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if in.All && in.Context != "" {
				return usagef("--all ends every login; leave out --context")
			}
			in.Kubeconfig = kubeconfigAccess(parent.Kubeconfig)
			return runLogout(cmd.Context(), env, in)
		},
	}
	cmd.Flags().StringVar(&in.Context, "context", "", "context whose login ends (default: the current one)")
	cmd.Flags().BoolVar(&in.All, "all", false, "end every login that this machine knows of")
	return cmd
}

func runLogout(ctx context.Context, env Env, in login.LogoutInput) error {
	ended, err := interactive(keystoneService(env), env).Logout(ctx, in)
	for _, e := range ended {
		done := "revoked"
		if e.What != "token" {
			done = "deleted"
		}
		if e.Err == nil {
			fmt.Fprintf(env.Out, "%s of %s (%s) %s\n", e.What, e.Who, e.For, done)
		}
	}
	if err == nil {
		fmt.Fprintln(env.Out, "logged out")
	}
	return err
}

func newKeystoneUse(env Env, parent *keystoneLoginOptions) *cobra.Command {
	return &cobra.Command{
		Use:     "use PROJECT",
		Short:   "Make a project's context the current one",
		Example: examples("kubectl ystack keystone-login use web", "kubectl ystack keystone-login use web@corp"),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("say which project: its name, NAME@DOMAIN, id, or context")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := keystoneService(env).Use(cmd.Context(), kubeconfigAccess(parent.Kubeconfig), args[0])
			if err == nil {
				fmt.Fprintf(env.Out, "Switched to context %q.\n", name)
			}
			return err
		},
	}
}
