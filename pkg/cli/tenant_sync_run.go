package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/keystone"
	"github.com/ystackdev/ystack/pkg/kube"
	"github.com/ystackdev/ystack/pkg/tenancy"
)

// sync plans, and then does with the plan what the flags say.
func (o *tenantSyncOptions) sync(ctx context.Context, env Env) error {
	client, err := o.kube.client("")
	if err != nil {
		return err
	}
	plan, err := o.plan(ctx, env, client)
	if err != nil {
		return err
	}
	switch {
	case o.Diff:
		if err := o.print(env.Out, plan); err != nil {
			return err
		}
		if len(plan.Changes)+len(plan.Held) > 0 {
			return errDifferences
		}
		return nil
	case o.PlanOut != "":
		if err := savePlan(o.PlanOut, plan); err != nil {
			return err
		}
		return o.print(env.Out, plan)
	case o.DryRun == "client":
		return o.print(env.Out, plan)
	}
	return o.apply(ctx, env, client, plan)
}

// plan is what has to be done now; with --apply, if that is what was saved.
func (o *tenantSyncOptions) plan(ctx context.Context, env Env, client *kube.Client) (*tenancy.Plan, error) {
	saved, err := o.saved()
	if err != nil {
		return nil, err
	}
	session, done, err := keystoneSession(env, o.Cloud)
	if err != nil {
		return nil, err
	}
	defer done()
	now, err := tenancy.Prepare(ctx, session, client, &saved.Config, saved.Options)
	if err != nil || o.Apply == "" {
		return now, err
	}
	return now, saved.CheckSame(now)
}

// saved is the plan of a file; without --apply, what one is made of.
func (o *tenantSyncOptions) saved() (*tenancy.Plan, error) {
	if o.Apply != "" {
		return loadPlan(o.Apply)
	}
	config, err := app.LoadTenantSync(o.File)
	if err != nil {
		return nil, err
	}
	options, err := o.planOptions()
	return &tenancy.Plan{Config: *config, Options: options}, err
}

// keystoneSession is one of whoever clouds.yaml or OS_* say. done ends its connections.
func keystoneSession(env Env, cloud string) (s *keystone.Session, done func(), err error) {
	noCoreDump()
	dir, err := os.Getwd()
	if err != nil {
		return nil, nil, err
	}
	config, err := keystone.Load(keystone.LoadOptions{Cloud: cloud, Getenv: env.Getenv, Dir: dir})
	if err != nil {
		return nil, nil, err
	}
	client, err := keystone.NewClient(config, "ystack/"+versionOf(env).Version)
	if err != nil {
		return nil, nil, err
	}
	return keystone.NewSession(client, config), client.Close, nil
}

func loadPlan(path string) (*tenancy.Plan, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	plan, err := tenancy.ReadPlan(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return plan, nil
}

func savePlan(path string, plan *tenancy.Plan) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err := printPlan(f, plan); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

func printPlan(w io.Writer, plan *tenancy.Plan) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(plan)
}

// print shows a plan of which nothing is done.
func (o *tenantSyncOptions) print(w io.Writer, plan *tenancy.Plan) error {
	if o.Output == "json" {
		return printPlan(w, plan)
	}
	for _, c := range plan.Changes {
		fmt.Fprintln(w, c)
	}
	printLeft(w, plan)
	return nil
}

// printLeft shows what a plan leaves undone.
func printLeft(w io.Writer, plan *tenancy.Plan) {
	for _, c := range plan.Held {
		fmt.Fprintln(w, "held back:", c)
	}
	if plan.Caps != "" {
		fmt.Fprintln(w, "held back:", plan.Caps)
	}
	for _, c := range plan.Conflicts {
		fmt.Fprintln(w, "left alone:", c)
	}
}

// apply makes the changes and prints each when it is made.
func (o *tenantSyncOptions) apply(ctx context.Context, env Env, client *kube.Client, plan *tenancy.Plan) error {
	suffix := ""
	if o.DryRun == "server" {
		suffix = " (server dry run)"
	}
	made := 0
	err := tenancy.Apply(ctx, client, plan, tenancy.ApplyOptions{
		Concurrency: o.Concurrency, DryRun: o.DryRun == "server", Boundary: env.Boundary,
		Done: func(c tenancy.Change) {
			made++
			if o.Output == "" {
				fmt.Fprintf(env.Out, "%s%s\n", c, suffix)
			}
		},
	})
	for _, warning := range client.Warnings() {
		fmt.Fprintln(env.Err, "warning:", warning)
	}
	fmt.Fprintf(env.Err, "%d namespaces, %d of %d changes made%s\n", plan.Namespaces, made, len(plan.Changes), suffix)
	if err != nil {
		return err
	}
	if o.Output == "json" {
		if err := printPlan(env.Out, plan); err != nil {
			return err
		}
	}
	return o.leftOver(env, plan)
}

// leftOver is an error if the plan leaves something undone.
func (o *tenantSyncOptions) leftOver(env Env, plan *tenancy.Plan) error {
	if o.Output == "" {
		printLeft(env.Err, plan)
	}
	switch {
	case plan.Caps != "":
		return fmt.Errorf("%s: nothing was removed; look with --diff, and if it is right, raise the cap for this run", plan.Caps)
	case len(plan.Conflicts) > 0:
		return fmt.Errorf("%d projects or namespaces are left as they are, see above", len(plan.Conflicts))
	}
	return nil
}
