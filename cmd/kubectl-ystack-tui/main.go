// Command kubectl-ystack-tui is `kubectl ystack tui`: a program of its own, so that the
// one that kubectl calls for every token stays small.
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
	os.Exit(cli.Main(env, cli.NewTUI, os.Args[1:]))
}
