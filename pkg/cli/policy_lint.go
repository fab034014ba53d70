package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/tenancy/abac"
)

var findingListing = listing[abac.Finding]{
	kind: "PolicyFinding",
	name: abac.Finding.Position,
	columns: []column[abac.Finding]{
		{header: "POSITION", value: abac.Finding.Position},
		{header: "SEVERITY", value: func(f abac.Finding) string { return string(f.Severity) }},
		{header: "TEXT", value: func(f abac.Finding) string { return f.Text }},
	},
}

func newPolicyLint(env Env) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "lint FILE…",
		Short: "Find lines of a policy file that do not do what they seem to",
		Long: `Finds in policy files what the API server would refuse, what it passes over without a word, such as a
misspelt "readonly", lines that grant more than they seem to, and lines that never match or add nothing.

A finding is FILE:LINE:COLUMN: SEVERITY: TEXT. The status is 1 if one of them is an error.`,
		Example: examples(
			"kubectl ystack policy lint /etc/kubernetes/policy.jsonl",
			"kubectl ystack policy lint - -o json < policy.jsonl"),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef(`say which policy files; "-" is standard input`)
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return lintPolicies(env, args, output) },
	}
	addOutputFlag(cmd, &output)
	return cmd
}

func lintPolicies(env Env, files []string, output string) error {
	var found []abac.Finding
	for _, file := range files {
		name, data, err := readPolicy(env, file)
		if err != nil {
			return err
		}
		found = append(found, abac.Lint(name, data)...)
	}
	if output != "" {
		if err := findingListing.print(env.Out, output, found); err != nil {
			return err
		}
	}
	errs := 0
	for _, f := range found {
		if output == "" {
			fmt.Fprintln(env.Out, f)
		}
		if f.Severity == abac.Error {
			errs++
		}
	}
	if errs > 0 {
		return fmt.Errorf("%d of %d findings are errors", errs, len(found))
	}
	return nil
}
