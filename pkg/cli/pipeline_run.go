package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/build"
	"github.com/ystackdev/ystack/pkg/deploy/kubernetes"
	"github.com/ystackdev/ystack/pkg/pipeline"
	"github.com/ystackdev/ystack/pkg/source"
)

type pipelineRunOptions struct {
	Dir            string
	Targets        []string
	Jobs           int
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

That is done for each kind of target that ystack.yaml has both an image and a
place for, side by side: container (Kubernetes), vm (Nova) and baremetal
(Ironic). Images of machines are built with Packer or diskimage-builder, and
kept in Glance and the site's archive. A target that fails does not keep the
others from going on; the exit status tells of it.

Nothing is changed before everything that can be checked was checked. What is
there already is not made again: the same command on the same source does
nothing, and takes up a run that was interrupted.`,
		Example: examples(
			"kubectl ystack pipeline run",
			"kubectl ystack pipeline run examples/hello --site lab.yaml",
			"kubectl ystack pipeline run --target container,vm --jobs 2",
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
	addTargetFlag(cmd, &o.Targets)
	f.IntVar(&o.Jobs, "jobs", 0, "how many steps of targets go on at a time (0: no limit)")
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
	if o.Jobs < 0 {
		return usagef("--jobs %d: a number of steps is 0 (no limit) or more", o.Jobs)
	}
	ctx, cancel := withTimeout(ctx, o.Timeout)
	defer cancel()
	r, err := o.load(ctx, env)
	if err != nil {
		return err
	}
	warnRevision(env, r.rev)
	show := newProgress(env, r.kinds...)
	res, err := pipeline.Do(ctx, r.targets, pipeline.Options{
		Store:    openStore(env),
		Jobs:     o.Jobs,
		Report:   reporter(env, show, o.Output),
		Waiting:  func(run string) { fmt.Fprintln(env.Err, waitingLine(run)) },
		Boundary: env.Boundary,
	})
	show.close()
	pushRecord(ctx, env, r.site, func(text string) { fmt.Fprintln(env.Err, "warning:", text) }, res)
	if err != nil {
		explainRun(env, res, err)
	}
	if o.Output == "" {
		r.print(ctx, env.Out, res)
	}
	return err
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

// explainRun adds the ends of the logs of what failed, and where the rest is.
func explainRun(env Env, r pipeline.Result, err error) {
	failed := []error{err}
	if len(r.Outcomes) > 0 {
		failed = nil
		for _, out := range r.Outcomes {
			failed = append(failed, out.Err)
		}
	}
	for _, err := range failed {
		explain(env, err)
	}
	if r.Run != "" {
		fmt.Fprintf(env.Err, "See 'kubectl ystack pipeline logs %s'.\n", r.Run)
	}
}

// explain adds the end of the failed container's log, or of the failed tool's.
func explain(env Env, err error) {
	var tail []string
	var rollout *kubernetes.RolloutError
	if errors.As(err, &rollout) {
		tail = append(tail, rollout.LogTail...)
	}
	var tool *build.ToolError
	if errors.As(err, &tool) {
		tail = append(tail, tool.Tail...)
	}
	for _, line := range tail {
		fmt.Fprintf(env.Err, "    %s\n", line)
	}
}

// where is a target's place, in short.
func (r *running) where(i int) string {
	switch t := r.targets[i].(type) {
	case *pipeline.Container:
		return "namespace " + t.Cluster.Namespace(t.Cluster.Release)
	case *pipeline.Machine:
		return t.To.Place()
	}
	return ""
}

// print says what runs where.
func (r *running) print(ctx context.Context, w io.Writer, res pipeline.Result) {
	for i, out := range res.Outcomes {
		if out.Err != nil {
			continue
		}
		state := "runs"
		if out.UpToDate {
			state = "is up to date"
		}
		c, ok := r.targets[i].(*pipeline.Container)
		if !ok {
			fmt.Fprintf(w, "%s %s %s on %s in %s\n  image  %s\n", r.app.Metadata.Name, r.rev, state, out.Target, out.Place, out.Image)
			for _, at := range out.Endpoints {
				fmt.Fprintf(w, "  at     %s\n", at)
			}
			continue
		}
		answer, err := c.Cluster.Answer(ctx)
		if err != nil {
			answer.URLs = out.Endpoints
		}
		fmt.Fprintf(w, "%s %s %s in namespace %s\n  image  %s\n", r.app.Metadata.Name, r.rev, state, answer.Namespace, out.Image)
		printAnswer(w, answer)
	}
}
