package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/build/machine"
	"github.com/ystackdev/ystack/pkg/image/store"
	"github.com/ystackdev/ystack/pkg/source"
)

const containerTarget = "container"

type imageBuild struct {
	stores  *imageStores
	out     *openStackOutput
	targets []string
	tool    string
	dryRun  bool
	clean   bool
	timeout time.Duration
}

func newImageBuild(s *imageStores) *cobra.Command {
	o := &imageBuild{stores: s}
	cmd := &cobra.Command{
		Use:   "build [DIR]",
		Short: "Build an application's images: for containers, VMs and bare metal",
		Long: `Builds the images that the ystack.yaml in DIR (the current directory if not given) describes,
and brings them to the places of the Site file:

  container  by a Dockerfile, to the registry
  vm         by Packer: a machine in the cloud is set up and its disk kept in Glance, then
             downloaded, verified and stored in the archive; or by diskimage-builder
  baremetal  by diskimage-builder on this machine, with kernel and ramdisk if the element
             baremetal is among its own; to Glance and the archive

An image of the same inputs is not built again, only brought to the places that lack it. Every
image says in its properties what it was made of: commit, inputs, builder, base.

What is made on the way (a server, its port, a key pair, an unfinished image, loop devices,
mounts) is removed at the end, however that comes. After a kill -9 the same command takes up
a snapshot that was under way and removes the rest; --clean only removes.`,
		Example: examples(
			"openstack ystack image build --target vm",
			"openstack ystack image build examples/hello --target vm,baremetal -f json",
			"openstack ystack image build examples/hello --clean"),
		Args: maxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			return o.run(cmd.Context(), dir)
		},
	}
	o.out = addOpenStackOutput(cmd)
	f := cmd.Flags()
	f.StringSliceVar(&o.targets, "target", nil, "container, vm, baremetal (default: all that the application has)")
	f.StringVar(&o.tool, "builder", "", "tool that builds the container image: buildah, buildkit, podman or docker (default: the site's, or the first one found)")
	f.BoolVar(&o.dryRun, "dry-run", false, "say what is to be done, and do nothing")
	f.BoolVar(&o.clean, "clean", false, "remove what builds that were killed have left, and do nothing else")
	f.DurationVar(&o.timeout, "timeout", 0, "give up after this time, with exit status 124 (0: no limit)")
	return cmd
}

var buildColumns = []string{"Target", "Result", "Revision", "Size", "SHA256", "Places", "IDs", "Inputs"}

func (o *imageBuild) run(ctx context.Context, dir string) error {
	if err := o.out.check(buildColumns); err != nil {
		return err
	}
	ctx, cancel := withTimeout(ctx, o.timeout)
	defer cancel()
	a, err := app.LoadApplication(dir)
	if err != nil {
		return err
	}
	if err := o.stores.load(true); err != nil {
		return err
	}
	if dir, err = filepath.Abs(filepath.Dir(a.Path)); err != nil {
		return err
	}
	targets, err := o.chosen(a)
	if err != nil {
		return err
	}
	if o.clean {
		return o.cleanAll(ctx, a, targets)
	}
	rev, err := source.Read(ctx, dir)
	if err != nil {
		return err
	}
	warnRevision(o.stores.env, rev)
	r := rows{columns: buildColumns}
	var errs []error
	for _, target := range targets {
		row, err := o.one(ctx, a, dir, rev, target)
		if cause := context.Cause(ctx); err != nil && cause != nil {
			return cause
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		r.cells = append(r.cells, row)
	}
	if len(r.cells) > 0 {
		if err := o.out.list(o.stores.env.Out, r); err != nil {
			return err
		}
	}
	return several(o.stores.env, errs, "images could not be built")
}

// chosen are the targets to build, in the order of the columns of most sites: what is
// quickest comes first.
func (o *imageBuild) chosen(a *app.Application) ([]string, error) {
	var has []string
	images := a.Spec.Images
	for target, there := range map[string]bool{containerTarget: images.Container != nil, machine.VM: images.VM != nil, machine.Baremetal: images.Baremetal != nil} {
		if there {
			has = append(has, target)
		}
	}
	order := []string{containerTarget, machine.Baremetal, machine.VM}
	slices.SortFunc(has, func(a, b string) int { return slices.Index(order, a) - slices.Index(order, b) })
	for _, want := range o.targets {
		switch {
		case !slices.Contains(order, want):
			return nil, usagef("--target %q: container, vm or baremetal", want)
		case !slices.Contains(has, want):
			return nil, fmt.Errorf("%s has no spec.images.%s; it has %s", a.Path, want, strings.Join(has, ", "))
		}
	}
	if len(o.targets) > 0 {
		has = slices.DeleteFunc(has, func(t string) bool { return !slices.Contains(o.targets, t) })
	}
	if len(has) == 0 {
		return nil, fmt.Errorf("%s has no spec.images", a.Path)
	}
	return has, nil
}

// one builds for one target and returns its row.
func (o *imageBuild) one(ctx context.Context, a *app.Application, dir string, rev source.Revision, target string) ([]any, error) {
	log, name, err := o.log(a.Metadata.Name, target)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	var row []any
	if target == containerTarget {
		row, err = o.container(ctx, a, dir, rev, log)
	} else {
		row, err = o.machine(ctx, machine.Jobs(a, dir, rev)[target], log)
	}
	if said, _ := os.Stat(name); err != nil && said != nil && said.Size() > 0 && context.Cause(ctx) == nil {
		fmt.Fprintf(o.stores.env.Err, "What the builder said is in %s\n", name)
	}
	return row, err
}

// log is the file for what the tools say.
func (o *imageBuild) log(name, target string) (io.WriteCloser, string, error) {
	if o.dryRun {
		return discard{io.Discard}, "", nil
	}
	file := filepath.Join(o.stores.env.stateDir(), "builds", name+"-"+target+".log")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, "", err
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	return f, file, err
}

type discard struct{ io.Writer }

func (discard) Close() error { return nil }

func (o *imageBuild) report(target string) func(step, message string) {
	return func(step, message string) {
		fmt.Fprintf(o.stores.env.Err, "%-9s %-9s %s\n", target, step, oneLine(message))
	}
}

func (o *imageBuild) machine(ctx context.Context, j machine.Job, log io.Writer) ([]any, error) {
	b, err := o.builder(j.Target, log)
	if err != nil {
		return nil, err
	}
	shown := newImageProgress(o.stores.env, "copied")
	defer shown.close()
	b.Progress = shown.report
	p, err := b.Plan(ctx, j)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	if o.dryRun {
		return buildRow(p), nil
	}
	r, err := b.Build(ctx, p)
	if err != nil {
		return nil, err
	}
	return resultRow(r), nil
}

// builder works with the stores of the site.
func (o *imageBuild) builder(target string, log io.Writer) (*machine.Builder, error) {
	b, err := o.stores.builder(o.stores.flags["cloud"])
	if err != nil {
		return nil, err
	}
	b.Report, b.Log = o.report(target), log
	return b, nil
}

func (o *imageBuild) cleanAll(ctx context.Context, a *app.Application, targets []string) error {
	var errs []error
	for _, target := range targets {
		if target == containerTarget {
			continue // its builders leave nothing that the next build does not use
		}
		b, err := o.builder(target, io.Discard)
		if err == nil {
			err = b.Clean(ctx, a.Metadata.Name, target)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s image of %s: %w", target, a.Metadata.Name, err))
		}
	}
	return errors.Join(errs...)
}

func buildRow(p *machine.Plan) []any {
	var places []string
	for _, to := range p.To {
		places = append(places, to.String())
	}
	if p.Present != nil {
		return []any{p.Target, "present", p.Present.Properties[store.Revision], p.Present.Size, p.Present.Properties[store.SHA256], places, []string{p.Present.ID}, p.Inputs}
	}
	return []any{p.Target, "to be built", p.Revision.String(), int64(0), "", places, []string{}, p.Inputs}
}

func resultRow(r *machine.Result) []any {
	result := "present"
	if r.Built {
		result = "built"
	}
	var places, ids []string
	for _, i := range r.Places {
		places, ids = append(places, i.Ref.String()), append(ids, i.ID)
	}
	revision := r.Image.Properties[store.Revision]
	if r.Built {
		revision = r.Plan.Revision.String()
	}
	return []any{r.Plan.Target, result, revision, r.Image.Size, r.SHA256, places, ids, r.Plan.Inputs}
}
