//go:build linux

package main

import (
	"cmp"
	"fmt"
	"os"

	"github.com/ystackdev/ystack/lab/catalog"
	"github.com/ystackdev/ystack/lab/process"
	"github.com/ystackdev/ystack/lab/service"
)

// shell becomes the command inside the node, or inside the namespaces of
// another service, so that its exit code is ours.
func shell(lab *service.Lab, args []string) error {
	place := service.NodeName
	if len(args) > 1 && args[0] == "--in" {
		place, args = args[1], args[2:]
	}
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		args = []string{cmp.Or(os.Getenv("SHELL"), "/bin/sh")}
	}
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	argv, err := lab.InsideOf(place, dir, args)
	if err != nil {
		return err
	}
	environ := os.Environ()
	for _, v := range variables(lab, os.Getenv("PATH")) {
		environ = append(environ, v[0]+"="+v[1]) // the last one of a name counts
	}
	return process.Become(argv, environ)
}

// launch is how the lab starts a service: see service.Launch.
func launch(lab *service.Lab, args []string) error {
	for _, s := range catalog.All() {
		if len(args) == 1 && s.Name == args[0] {
			return lab.Launch(s)
		}
	}
	return fmt.Errorf("launch: no service is called %q", args)
}
