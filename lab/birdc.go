//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ystackdev/ystack/lab/bird"
	"github.com/ystackdev/ystack/lab/service"
)

// birdc asks the BIRD of the router, or that of the node.
func birdc(ctx context.Context, lab *service.Lab, args []string, out io.Writer) error {
	if len(args) < 2 || args[0] != "router" && args[0] != "bird" {
		return errors.New("say which BIRD, and what to ask: lab birdc router show route")
	}
	lines, err := bird.Ask(ctx, lab.Run(args[0]+".ctl"), strings.Join(args[1:], " "))
	for _, line := range lines {
		fmt.Fprintln(out, line)
	}
	return err
}
