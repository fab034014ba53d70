package cli

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ystackdev/ystack/pkg/suggest"
)

// NewKubectl is the command tree of `kubectl ystack`.
func NewKubectl(env Env) *cobra.Command {
	root := newRoot(env, "kubectl ystack", "Kubernetes on OpenStack, from source to running service", newKubectlCompletion(env))
	root.AddCommand(newPipeline(env), newDeployImage(env), newSchema(env))
	root.AddCommand(newKeystoneLogin(env), newKeystoneToken(env))
	root.AddCommand(newAuthWebhook(env), newTenantSync(env), newPolicy(env), newMyNamespaces(env), newAdvertise(env))
	root.AddCommand(newWhere(env), newTUI(env))
	return root
}

// NewOpenStack is the command tree of `openstack ystack`.
func NewOpenStack(env Env) *cobra.Command {
	root := newRoot(env, "openstack ystack", "Images and machines for Kubernetes on OpenStack", newOpenStackCompletion(env))
	flags := addGlobalOpenStackFlags(root)
	root.AddCommand(newImage(env, flags), newNode(env, flags))
	return root
}

func newRoot(env Env, name, short string, completion *cobra.Command) *cobra.Command {
	root := &cobra.Command{
		Use:   strings.ReplaceAll(name, " ", "-"),
		Short: short,
		// Help speaks as the user does: "kubectl ystack …", not the binary's name.
		Annotations: map[string]string{cobra.CommandDisplayNameAnnotation: name},
		Args:        noArgs,
		RunE:        func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	withStreams(root, env)
	root.AddCommand(newVersion(env), completion)
	return root
}

// withStreams makes a command the root of a tree.
func withStreams(root *cobra.Command, env Env) *cobra.Command {
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetIn(env.In)
	root.SetOut(env.Out)
	root.SetErr(env.Err)
	root.SetFlagErrorFunc(flagError)
	return root
}

// flagError adds the flag that was meant, if one is near.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) || unknown.GetSpecifiedShortnames() != "" {
		return usageError{err}
	}
	var known []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, "--"+f.Name) })
	return usagef("%w%s", err, suggest.DidYouMean("--"+unknown.GetSpecifiedName(), known))
}

// group is a command that only holds others.
func group(use, short string, sub ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(sub...)
	return cmd
}

// noArgs refuses arguments; to a command that holds others, an argument is a
// verb that it does not know.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if !cmd.HasSubCommands() {
		return usagef("%s takes no arguments, got %q", displayName(cmd), args[0])
	}
	hint := ""
	cmd.SuggestionsMinimumDistance = 2 // cobra sets it on the root only
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return usagef("unknown command %q for %q%s", args[0], displayName(cmd), hint)
}

func maxArgs(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return usagef("%s takes at most %d argument(s), got %d: %s", displayName(cmd), n, len(args), strings.Join(args, " "))
		}
		return nil
	}
}

// displayName is the command as the user types it.
func displayName(cmd *cobra.Command) string { return cmd.CommandPath() }

// examples indents and names the commands as cobra's help wants them.
func examples(lines ...string) string { return "  " + strings.Join(lines, "\n  ") }
