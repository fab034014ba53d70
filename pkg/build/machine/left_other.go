//go:build !linux

package machine

// mark is the variable by which the processes of a build are known: its directory.
const mark = "YSTACK_BUILD"

// endLeft has nothing to do: diskimage-builder runs on Linux alone, and Packer leaves
// nothing on the machine that it runs on.
func endLeft(string) ([]string, error) { return nil, nil }
