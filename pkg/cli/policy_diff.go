package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/tenancy/abac"
)

var changeListing = listing[abac.Change]{
	kind: "PolicyChange",
	name: abac.Change.String,
	columns: []column[abac.Change]{
		{header: "CHANGE", value: func(c abac.Change) string { return c.Change }},
		{header: "USER", value: func(c abac.Change) string { return c.Grant.User }},
		{header: "GROUP", value: func(c abac.Change) string { return c.Grant.Group }},
		{header: "VERBS", value: func(c abac.Change) string { return c.Verbs }},
		{header: "NAMESPACE", value: func(c abac.Change) string { return c.Grant.Namespace }},
		{header: "APIGROUP", value: func(c abac.Change) string { return c.Grant.APIGroup }},
		{header: "RESOURCE", value: func(c abac.Change) string { return c.Grant.Resource }},
		{header: "PATH", value: func(c abac.Change) string { return c.Grant.NonResourcePath }},
	},
}

func newPolicyDiff(env Env) *cobra.Command {
	var output string
	var ofCluster bool
	cmd := &cobra.Command{
		Use:   "diff OLD NEW | --rbac FILE",
		Short: "Compare two policy files by what they grant",
		Long: `Compares two policy files by what they grant, not by their text: the order of lines, or several lines
instead of one that grant the same, make no difference. Reading is get, list and watch; writing all else.

With --rbac, the old one is what RBAC grants in the cluster: every verb of every resource and subresource that the API
server has is compared, for each subject that FILE or a binding names; of those that begin with "system:", only
if FILE does. What FILE grants beyond, since it knows neither subresources nor single verbs, is shown with "+".

The status is 0 if both grant the same, 1 if not, 2 on an error.`,
		Example: examples(
			"kubectl ystack policy diff /etc/kubernetes/policy.jsonl new.jsonl",
			"kubectl ystack policy diff --rbac /etc/kubernetes/policy.jsonl"),
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case ofCluster && len(args) != 1:
				return usagef("--rbac compares the cluster with one policy file: say which")
			case !ofCluster && len(args) != 2:
				return usagef("say which two policy files, the old one first")
			}
			return nil
		},
	}
	kube := addKubeFlags(cmd)
	cmd.Flags().BoolVar(&ofCluster, "rbac", false, "compare what the cluster's RBAC grants with FILE")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if ofCluster {
			return diffCluster(cmd.Context(), env, kube, args[0], output)
		}
		return diffPolicies(env, args[0], args[1], output)
	}
	addOutputFlag(cmd, &output)
	return cmd
}

func diffPolicies(env Env, from, to, output string) error {
	var policies [2]*abac.Policy
	for i, file := range []string{from, to} {
		p, err := parsePolicy(env, file)
		if err != nil {
			return diffError{err}
		}
		policies[i] = p
	}
	return printDifferences(env, changeListing, output, abac.Diff(policies[0], policies[1]))
}

// printDifferences ends with a status that says whether there are any.
func printDifferences[T fmt.Stringer](env Env, l listing[T], output string, changes []T) error {
	if output != "" {
		if err := l.print(env.Out, output, changes); err != nil {
			return diffError{err}
		}
	} else {
		for _, c := range changes {
			fmt.Fprintln(env.Out, c)
		}
	}
	if len(changes) > 0 {
		return errDifferences
	}
	return nil
}
