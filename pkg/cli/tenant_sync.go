package cli

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/tenancy"
)

type tenantSyncOptions struct {
	File              string
	Cloud             string
	Diff              bool
	DryRun            string
	PlanOut           string
	Apply             string
	DeleteQuarantined bool
	OlderThan         string
	Authz             []string
	PolicyFile        string
	PolicyInclude     []string
	Concurrency       int
	Output            string
	Timeout           time.Duration
	Watch             watchOptions
	kube              *kubeFlags
}

func newTenantSync(env Env) *cobra.Command {
	o := &tenantSyncOptions{}
	cmd := &cobra.Command{
		Use:   "tenant-sync -f FILE",
		Short: "Make namespaces and RoleBindings of Keystone's projects and roles",
		Long: `Reads who has which role on which project in Keystone, and makes the cluster
follow: a namespace for each project that FILE chooses, and a RoleBinding in it
for each role that somebody has. What is there already and right is not written.

What is taken away is capped (spec.caps): beyond that nothing is removed, the rest
is done, and the exit status is 1. The namespace of a project that is gone loses
its bindings and is marked as quarantined; only --delete-quarantined deletes it,
later. Nothing is removed unless Keystone has answered in full, and objects that
tenant-sync did not make are left alone.

With --policy-file the same rights are also written as lines of an ABAC policy, for API
servers with --authorization-mode=ABAC or for "auth-webhook serve --policy-file". What
that format cannot say is granted whole; "policy diff --rbac" lists it.

With --watch it does so for ever, reads FILE anew each time, and mends what others
change meanwhile; a round that fails is told and tried again. /healthz, /readyz and
/metrics are served at --listen. SIGTERM lets the changes under way end.

FILE is a TenantSync; "kubectl ystack schema tenantsync" describes it. The least
is:

  apiVersion: ystack.dev/v1alpha1
  kind: TenantSync
  metadata: {name: mycloud}
  spec: {}`,
		Example: examples(
			"kubectl ystack tenant-sync -f tenants.yaml --diff",
			"kubectl ystack tenant-sync -f tenants.yaml",
			"kubectl ystack tenant-sync -f tenants.yaml --plan-out plan.json",
			"kubectl ystack tenant-sync --apply plan.json",
			"kubectl ystack tenant-sync -f tenants.yaml --delete-quarantined --older-than 30d",
			"kubectl ystack tenant-sync -f tenants.yaml --policy-file /etc/kubernetes/policy.jsonl",
			"kubectl ystack tenant-sync -f tenants.yaml --watch --interval 60s"),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), env) },
	}
	cmd.AddCommand(newTenantSyncManifests(env))
	f := cmd.Flags()
	o.kube = kubeFlagsIn(f) // which say nothing to the commands below
	o.Watch.add(f)
	f.StringVarP(&o.File, "filename", "f", "", "the TenantSync: which projects, and what their roles grant")
	f.StringVar(&o.Cloud, "os-cloud", "", "the cloud in clouds.yaml whose Keystone is read (default: $OS_CLOUD, then OS_* variables)")
	f.BoolVar(&o.Diff, "diff", false, "show what would change, and why; exit status 0: nothing, 1: something, 2: error")
	f.StringVar(&o.DryRun, "dry-run", "none", "none, client (show what would change) or server (let the server check it)")
	f.Lookup("dry-run").NoOptDefVal = "client"
	f.StringVar(&o.PlanOut, "plan-out", "", "save what would change to this file, and change nothing")
	f.StringVar(&o.Apply, "apply", "", "do exactly what was saved to this file, unless Keystone or the cluster has moved since")
	f.BoolVar(&o.DeleteQuarantined, "delete-quarantined", false, "also delete namespaces, with all that is in them, that were quarantined long enough")
	f.StringVar(&o.OlderThan, "older-than", "30d", "how long is long enough: a number of days (30d), or a duration (12h)")
	f.StringSliceVar(&o.Authz, "authz", nil, "what rights become: rbac (RoleBindings), abac (lines of --policy-file) or both (default: rbac, and abac if there is a file)")
	f.StringVar(&o.PolicyFile, "policy-file", "", "write kube-apiserver's ABAC policy file here too")
	f.StringArrayVar(&o.PolicyInclude, "policy-include", nil, "a policy file whose lines are always in --policy-file: those of administrators and of the cluster's own parts (repeatable)")
	f.IntVar(&o.Concurrency, "concurrency", 32, "how many objects are written at once")
	f.StringVarP(&o.Output, "output", "o", "", "json: print the plan as it is saved")
	f.DurationVar(&o.Timeout, "timeout", 0, "give up after this time, with exit status 124 (0: never); with --watch, how long a round may take (0: 15m)")
	return cmd
}

func (o *tenantSyncOptions) validate() error {
	switch {
	case o.Apply != "" && o.File != "":
		return usagef("--apply does not go with -f: a saved plan holds the TenantSync that it was made of")
	case o.Apply != "" && (o.Diff || o.DryRun != "none" || o.PlanOut != "" || o.DeleteQuarantined || o.PolicyFile != "" || o.Authz != nil || o.PolicyInclude != nil):
		return usagef("--apply does what was saved, and takes none of --diff, --dry-run, --plan-out, --delete-quarantined, --authz and --policy-…")
	case o.Apply == "" && o.File == "":
		return usagef("say which projects and roles: -f FILE")
	case o.DryRun != "none" && o.DryRun != "client" && o.DryRun != "server":
		return usagef("--dry-run %q: none, client or server", o.DryRun)
	case o.Diff && (o.DryRun != "none" || o.PlanOut != ""), o.DryRun != "none" && o.PlanOut != "":
		return usagef("--diff, --dry-run and --plan-out all change nothing: take one of them")
	case o.Output != "" && o.Output != "json":
		return usagef("-o %q: json", o.Output)
	case o.Watch.On && (o.Apply != "" || o.Diff || o.DryRun != "none" || o.PlanOut != "" || o.Output != ""):
		return usagef("--watch changes the cluster again and again, and takes none of --apply, --diff, --dry-run, --plan-out and -o")
	case o.Concurrency < 1:
		return usagef("--concurrency %d: at least 1", o.Concurrency)
	}
	for _, authz := range o.Authz {
		switch {
		case authz != "rbac" && authz != "abac":
			return usagef("--authz %q: rbac, abac, or rbac,abac", authz)
		case authz == "abac" && o.PolicyFile == "":
			return usagef("--authz abac needs a file to write: --policy-file")
		}
	}
	switch {
	case o.PolicyFile != "" && o.Authz != nil && !slices.Contains(o.Authz, "abac"):
		return usagef("--policy-file is for ABAC: say --authz rbac,abac, or leave --authz out")
	case o.PolicyFile == "" && o.PolicyInclude != nil:
		return usagef("--policy-include is for --policy-file")
	}
	if err := o.Watch.validate(); err != nil {
		return err
	}
	_, err := o.planOptions()
	return err
}

// planOptions are those that flags say.
func (o *tenantSyncOptions) planOptions() (tenancy.PlanOptions, error) {
	age, err := parseAge(o.OlderThan)
	if err != nil {
		return tenancy.PlanOptions{}, usagef("--older-than %q: a number of days (30d), or a duration (12h)", o.OlderThan)
	}
	options := tenancy.PlanOptions{
		WithoutRBAC: o.Authz != nil && !slices.Contains(o.Authz, "rbac"), PolicyFile: o.PolicyFile, PolicyInclude: o.PolicyInclude,
	}
	if o.DeleteQuarantined {
		options.DeleteOlderThan = &age
	}
	return options, nil
}

var errNoAge = errors.New("not an age")

// parseAge knows days, beside what durations are made of.
func parseAge(s string) (time.Duration, error) {
	const day, most = 24 * time.Hour, 100_000
	if days, found := strings.CutSuffix(s, "d"); found {
		n, err := strconv.ParseUint(days, 10, 32)
		if err != nil || n > most {
			return 0, errNoAge
		}
		return time.Duration(n) * day, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, errNoAge
	}
	return d, nil
}

func (o *tenantSyncOptions) run(ctx context.Context, env Env) (err error) {
	if err := o.validate(); err != nil {
		return err
	}
	if o.Watch.On {
		return o.watch(ctx, env)
	}
	ctx, cancel := withTimeout(ctx, o.Timeout)
	defer cancel()
	if o.Diff {
		defer func() {
			if err != nil && !errors.Is(err, errDifferences) {
				err = diffError{err}
			}
		}()
	}
	return o.sync(ctx, env)
}
