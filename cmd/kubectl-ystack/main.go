// Command kubectl-ystack is the `kubectl ystack` plugin.
package main

import (
	"os"

	"github.com/ystackdev/ystack/pkg/cli"
)

// version and commit are set by the linker (see the Makefile).
var version, commit string

func main() {
	env := cli.OS()
	env.Version, env.Commit = version, commit
	os.Exit(cli.Main(env, cli.NewKubectl, cli.Args(os.Args)))
}
