//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/ystackdev/ystack/lab/catalog"
	"github.com/ystackdev/ystack/lab/process"
	"github.com/ystackdev/ystack/lab/service"
)

// logs prints the log of a service, and with -f what is added to it.
func logs(lab *service.Lab, args []string) error {
	follow := len(args) > 0 && args[0] == "-f"
	if follow {
		args = args[1:]
	}
	if len(args) != 1 {
		return errors.New("usage: lab logs [-f] NAME")
	}
	file := lab.Log(args[0])
	if _, err := os.Stat(file); err != nil {
		return fmt.Errorf("%q has no log; services: %s", args[0], list())
	}
	argv := []string{"tail", "-n", "+1", file}
	if follow {
		argv = []string{"tail", "-n", "50", "-F", file}
	}
	return process.Become(argv, os.Environ())
}

func list() string { return strings.Join(service.Names(catalog.All()), " ") }
