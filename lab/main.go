//go:build linux

// Command lab runs the real servers that ystack works with, on one machine:
// a Kubernetes with a node, image registries, and OpenStack. See README.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/ystackdev/ystack/lab/catalog"
	"github.com/ystackdev/ystack/lab/service"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer cancel()
	err := run(ctx, os.Args[1:])
	if err == nil {
		return
	}
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted; `lab up` goes on from here, `lab down` ends it")
	}
	fmt.Fprintln(os.Stderr, "lab:", err)
	os.Exit(1)
}

const usage = `Real servers on one machine, for trying and testing ystack.

  lab up [SERVICE|PROFILE…]     start them (default: all) and wait until they are ready
  lab up --restart NAME…        end these first, then start them
  lab down [--wipe] [NAME…]     end them (default: all, leaving nothing behind);
                                --wipe removes their state too
  lab status [-o json]          what runs; exit code 1 when something that should does not
  lab env                       export lines for a shell: eval "$(go run ./lab env)"
  lab logs [-f] NAME            what a service has written
  lab shell [--in NAME] [-- CMD…]
                                a shell, or a command, inside the node's namespaces, or in
                                those of the service NAME: router, client
  lab birdc router|bird CMD…    what BIRD answers to that: lab birdc router show route
  lab passcode totp|mfa         the one-time password of that OpenStack user, now

Services: %s
Profiles: kubernetes registries openstack bgp code vms metal all

It needs Debian 12 or a relative, root, Go, 4 GiB of memory, 10 GiB of disk, overlayfs
and network namespaces, and the ports 16443, 15000, 15001, 15030, 15050, 15092, 15385,
15696, 15774 and 15778 of 127.0.0.1. The first up compiles Kubernetes: 10 to 20 minutes on two cores.
Everything lies in $YSTACK_LAB (default ` + service.DefaultDir + `).
`

func run(ctx context.Context, args []string) error {
	lab, err := service.Open(os.Getenv, os.Stderr)
	if err != nil {
		return err
	}
	if len(args) == 0 {
		args = []string{"help"}
	}
	switch verb, args := args[0], args[1:]; verb {
	case "up":
		return up(ctx, lab, args)
	case "down":
		return down(ctx, lab, args)
	case "status":
		return status(ctx, lab, args, os.Stdout)
	case "env":
		return env(lab, os.Getenv("PATH"), os.Stdout)
	case "logs":
		return logs(lab, args)
	case "shell":
		return shell(lab, args)
	case "birdc":
		return birdc(ctx, lab, args, os.Stdout)
	case "passcode":
		return passcode(args, os.Stdout)
	case "help", "--help", "-h":
		_, err := fmt.Printf(usage, list())
		return err
	// The rest is what the lab starts itself as.
	case "launch":
		return launch(lab, args)
	case "hold":
		return catalog.Hold(ctx, lab)
	case "forward":
		return catalog.Forward(ctx, lab, args)
	case "router":
		return catalog.Router(ctx, lab)
	case "client":
		return catalog.Client(ctx, lab)
	case "node-status":
		return catalog.NodeStatus(ctx, lab)
	default:
		return fmt.Errorf("no command is called %q; see lab help", verb)
	}
}
