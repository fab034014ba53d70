package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/baremetal"
	"github.com/ystackdev/ystack/pkg/keystone"
)

// nodeEnroll is the options of node enroll.
type nodeEnroll struct {
	file    string
	dryRun  bool
	timeout time.Duration
}

func newNodeEnroll(env Env, flags openStackFlags) *cobra.Command {
	o := &nodeEnroll{}
	cmd := &cobra.Command{
		Use:   "enroll -f FILE",
		Short: "Enroll nodes in Ironic from a file, and bring them to where they can be deployed to",
		Long: `Enrolls the nodes that a YAML file lists, many at the same time, and brings each to the state
available: enroll, verify, clean. A node that is there already, by its name, gets what the file
says differently, unless it is in use; what the file does not say stays. The same command again
goes on where this one was stopped, or with the nodes that have failed.

  - name: rack1-07
    driver: redfish
    driverInfo: {redfish_address: https://10.0.1.7, redfish_username: admin}
    passwordEnv: BMC_PASSWORD      # or passwordFile; a password itself is refused
    resourceClass: small
    traits: [CUSTOM_SSD]
    properties: {cpus: 16, memory_mb: 65536, local_gb: 480, cpu_arch: x86_64}
    ports: ["52:54:00:12:34:56"]
    extra: {address: 10.0.2.7}`,
		Example: examples(
			"openstack ystack node enroll -f rack1.yaml --dry-run",
			"openstack ystack node enroll -f rack1.yaml"),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.file == "" {
				return usagef("say which nodes: -f FILE")
			}
			return o.run(cmd, env, flags)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.file, "file", "f", "", "YAML file that lists the nodes")
	f.BoolVar(&o.dryRun, "dry-run", false, "say what would be done, and do nothing")
	f.DurationVar(&o.timeout, "timeout", 0, "give up after this time, with exit status 124 (0: no limit)")
	return cmd
}

func (o *nodeEnroll) run(cmd *cobra.Command, env Env, flags openStackFlags) error {
	nodes, err := o.load(env)
	if err != nil {
		return err
	}
	client, err := ironicClient(env, flags)
	if err != nil {
		return err
	}
	ctx, cancel := withTimeout(cmd.Context(), o.timeout)
	defer cancel()
	var mu sync.Mutex
	e := &baremetal.Enroller{Client: client, DryRun: o.dryRun, Report: func(node, state string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(env.Err, "%s  %s\n", node, state)
	}}
	outcomes := e.Enroll(ctx, nodes)
	var errs []error
	for _, outcome := range outcomes {
		switch {
		case outcome.Err == nil:
			fmt.Fprintln(env.Out, o.text(outcome))
		case ctx.Err() == nil || !errors.Is(outcome.Err, context.Cause(ctx)):
			errs = append(errs, outcome.Err)
		}
	}
	if ctx.Err() != nil {
		for _, err := range errs {
			fmt.Fprintln(env.Err, err)
		}
		return context.Cause(ctx)
	}
	return several(env, errs, fmt.Sprintf("of %d nodes were not enrolled; the same command again does what is left", len(outcomes)))
}

func (o *nodeEnroll) text(outcome baremetal.Outcome) string {
	text := outcome.Node + " " + string(outcome.Result)
	if o.dryRun && outcome.Result != baremetal.Unchanged {
		text = outcome.Node + " would be " + string(outcome.Result)
	}
	if outcome.State != "" && !strings.Contains(outcome.Detail, outcome.State) {
		text += " (" + outcome.State + ")"
	}
	if outcome.Detail != "" {
		text += ": " + outcome.Detail
	}
	return text
}

// load reads the file and the passwords that it names.
func (o *nodeEnroll) load(env Env) ([]baremetal.Wanted, error) {
	nodes, err := app.LoadBaremetalNodes(o.file)
	if err != nil {
		return nil, err
	}
	noCoreDump()
	var wanted []baremetal.Wanted
	for _, n := range nodes {
		password, err := o.password(env, n)
		if err != nil {
			return nil, fmt.Errorf("%s: node %s: %w", o.file, n.Name, err)
		}
		wanted = append(wanted, baremetal.Wanted{BaremetalNode: n, Password: password})
	}
	return wanted, nil
}

func (o *nodeEnroll) password(env Env, n app.BaremetalNode) (keystone.Secret, error) {
	text := ""
	switch {
	case n.PasswordEnv != "":
		text = env.Getenv(n.PasswordEnv)
		if text == "" {
			return "", fmt.Errorf("its password is to be in $%s, which is not set", n.PasswordEnv)
		}
	case n.PasswordFile != "":
		path := n.PasswordFile
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(o.file), path)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("its passwordFile: %w", err)
		}
		if text = strings.TrimRight(string(data), "\r\n"); text == "" {
			return "", fmt.Errorf("its passwordFile %s is empty", path)
		}
	}
	return keystone.Secret(text), nil
}
