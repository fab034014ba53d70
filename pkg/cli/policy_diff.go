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
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Compare two policy files by what they grant",
		Long: `Compares two policy files by what they grant, not by their text: the order of lines, or several lines
instead of one that grant the same, make no difference. Reading is get, list and watch; writing all else.

The status is 0 if both grant the same, 1 if not, 2 on an error.`,
		Example: examples("kubectl ystack policy diff /etc/kubernetes/policy.jsonl new.jsonl"),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usagef("say which two policy files, the old one first")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return diffPolicies(env, args[0], args[1], output) },
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
	changes := abac.Diff(policies[0], policies[1])
	if output != "" {
		if err := changeListing.print(env.Out, output, changes); err != nil {
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
