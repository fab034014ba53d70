package cli

import (
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/tenancy/abac"
)

func newPolicy(env Env) *cobra.Command {
	return group("policy", "Check, explain and compare ABAC policy files",
		newPolicyLint(env), newPolicyExplain(env), newPolicyDiff(env))
}

// readPolicy reads a policy file; "-" is standard input.
func readPolicy(env Env, file string) (name string, data []byte, err error) {
	if file == "-" {
		data, err = io.ReadAll(env.In)
		return "(standard input)", data, err
	}
	data, err = os.ReadFile(file)
	return file, data, err
}

func parsePolicy(env Env, file string) (*abac.Policy, error) {
	name, data, err := readPolicy(env, file)
	if err != nil {
		return nil, err
	}
	return abac.Parse(name, data)
}
