//go:build !linux

// Command lab runs the real servers that ystack works with. See README.md.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "lab: the lab needs Linux: its node is a pair of Linux namespaces; use a Debian 12 machine, a virtual one will do")
	os.Exit(1)
}
