package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/build"
	"github.com/ystackdev/ystack/pkg/deploy/kubernetes"
	"github.com/ystackdev/ystack/pkg/image"
	"github.com/ystackdev/ystack/pkg/pipeline"
	"github.com/ystackdev/ystack/pkg/source"
)

type pipelineRunOptions struct {
	Dir            string
	Site           string
	Builder        string
	Output         string
	Timeout        time.Duration
	ForceConflicts bool
	kube           *kubeFlags
}

func newPipelineRun(env Env) *cobra.Command {
	o := &pipelineRunOptions{}
	cmd := &cobra.Command{
		Use:   "run [DIR]",
		Short: "Build, push and deploy the application in DIR, and wait until it runs",
		Long: `Takes the application whose ystack.yaml lies in DIR (the current directory if
not given) from its source to running: finds the base images in the site's
registries, builds, pushes, deploys by digest, and follows every replica until
it is ready or has failed, with the cause.

Nothing is changed before everything that can be checked was checked. What is
there already is not made again: the same command on the same source does
nothing, and takes up a run that was interrupted.`,
		Example: examples(
			"kubectl ystack pipeline run",
			"kubectl ystack pipeline run examples/hello --site lab.yaml",
			"kubectl ystack pipeline run -o json | jq .type"),
		Args: maxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Dir = "."
			if len(args) == 1 {
				o.Dir = args[0]
			}
			return o.run(cmd.Context(), env)
		},
	}
	o.kube = addKubeFlags(cmd)
	f := cmd.Flags()
	addSiteFlag(cmd, &o.Site)
	f.StringVar(&o.Builder, "builder", "", "tool that builds the image: buildah, buildkit, podman or docker (default: the site's, or the first one found)")
	f.DurationVar(&o.Timeout, "timeout", 0, "give up after this time, with exit status 124 (0: no limit)")
	f.StringVarP(&o.Output, "output", "o", "", "json: every event as a line of JSON on standard output")
	f.BoolVar(&o.ForceConflicts, "force-conflicts", false, "take over fields that another field manager owns")
	return cmd
}

func (o *pipelineRunOptions) run(ctx context.Context, env Env) error {
	if o.Output != "" && o.Output != "json" {
		return usagef("unknown output format %q for pipeline run: json", o.Output)
	}
	ctx, cancel := withTimeout(ctx, o.Timeout)
	defer cancel()
	c, err := o.container(ctx, env)
	if err != nil {
		return err
	}
	warnRevision(env, c.Revision)
	show := newProgress(env)
	res, err := c.Run(ctx, pipeline.Options{
		Store:    openStore(env),
		Report:   reporter(env, show, o.Output),
		Waiting:  func(run string) { fmt.Fprintln(env.Err, waitingLine(run)) },
		Boundary: env.Boundary,
	})
	show.close()
	if err := explainRun(env, res.Run, err); err != nil {
		return err
	}
	if o.Output == "" {
		printResult(env, c.App.Metadata.Name, c.Revision, res)
	}
	return nil
}

// container gathers what the run is about. Nothing is asked over the network
// yet.
func (o *pipelineRunOptions) container(ctx context.Context, env Env) (*pipeline.Container, error) {
	a, err := app.LoadApplication(o.Dir)
	if err != nil {
		return nil, err
	}
	if a.Spec.Images.Container == nil || a.Spec.Deploy.Container == nil {
		return nil, fmt.Errorf("%s: spec.images.container and spec.deploy.container are both needed to run the pipeline; see `kubectl ystack schema application`", a.Path)
	}
	site, err := loadSite(env, o.Site)
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(filepath.Dir(a.Path))
	if err != nil {
		return nil, err
	}
	rev, err := source.Read(ctx, dir, filepath.Join(dir, a.Spec.Images.Container.Context))
	if err != nil {
		return nil, err
	}
	name := o.Builder
	if name == "" {
		name = site.Spec.Builder.Name
	}
	builder, err := build.Find(ctx, name, nil)
	if err != nil {
		return nil, err
	}
	client, err := o.kube.client(site.Spec.Kubernetes.Context)
	if err != nil {
		return nil, err
	}
	return &pipeline.Container{
		App: a, Dir: dir, Revision: rev, Site: site,
		Registry: &image.Client{Insecure: site.Spec.Registries.Insecure},
		Builder:  builder,
		Deployer: &kubernetes.Deployer{Client: client, Force: o.ForceConflicts},
		By:       userName(),
	}, nil
}

func waitingLine(run string) string {
	if run == "" {
		return "waiting for another run of the same application to end"
	}
	return fmt.Sprintf("waiting for run %s of the same application to end", run)
}

// withTimeout ends the context after d, as a timeout of ours; 0 is no limit.
func withTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if d <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, d, errTimeout)
}

func warnRevision(env Env, r source.Revision) {
	if r.Dirty != "" {
		fmt.Fprintf(env.Err, "warning: there are uncommitted changes; the image is marked %s\n", r)
	}
	if r.Shallow {
		fmt.Fprintln(env.Err, "note: this is a shallow clone; the record says so")
	}
}

// reporter shows events on standard error and, if asked, writes them to
// standard output.
func reporter(env Env, show progress, output string) func(pipeline.Event) {
	if output != "json" {
		return show.event
	}
	enc := json.NewEncoder(env.Out)
	return func(e pipeline.Event) {
		show.event(e)
		_ = enc.Encode(e)
	}
}

// explainRun adds the end of the failed container's log and where the rest is.
func explainRun(env Env, run string, err error) error {
	if err == nil {
		return nil
	}
	var rollout *kubernetes.RolloutError
	if errors.As(err, &rollout) {
		for _, line := range rollout.LogTail {
			fmt.Fprintf(env.Err, "    %s\n", line)
		}
	}
	var tool *build.ToolError
	if errors.As(err, &tool) {
		for _, line := range tool.Tail {
			fmt.Fprintf(env.Err, "    %s\n", line)
		}
	}
	if run != "" {
		fmt.Fprintf(env.Err, "See 'kubectl ystack pipeline logs %s'.\n", run)
	}
	return err
}

func printResult(env Env, name string, rev source.Revision, r pipeline.Result) {
	state := "runs"
	if r.UpToDate {
		state = "is up to date"
	}
	fmt.Fprintf(env.Out, "%s %s %s in namespace %s\n  image  %s\n", name, rev, state, r.Answer.Namespace, r.Image)
	printAnswer(env.Out, r.Answer)
}
