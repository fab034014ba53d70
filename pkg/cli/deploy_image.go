package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/deploy"
	"github.com/ystackdev/ystack/pkg/deploy/kubernetes"
	"github.com/ystackdev/ystack/pkg/image"
	"github.com/ystackdev/ystack/pkg/pipeline"
)

type deployImageOptions struct {
	Image          string
	File           string
	Site           string
	Name           string
	Targets        []string
	Clouds         []string
	Replicas       int32 // -1: as it is
	Ports          []int32
	DryRun         string
	Diff           bool
	Output         string
	Timeout        time.Duration
	ForceConflicts bool
	Rollback       bool
	Parallel       int
	kube           *kubeFlags
}

func newDeployImage(env Env) *cobra.Command {
	o := &deployImageOptions{}
	cmd := &cobra.Command{
		Use:   "deploy-image [IMAGE | -f ystack.yaml]",
		Short: "Deploy an image to Kubernetes, Nova or Ironic by digest, and wait until it runs",
		Long: `Deploys IMAGE, or what -f ystack.yaml describes, and follows every replica
until it is ready or has failed, with the cause.

With -f and no IMAGE, the images are those that a pipeline run published for
the checkout's revision, and all targets that the file describes are deployed
to, side by side: containers in Kubernetes, servers of Nova, nodes of Ironic.
--target chooses; --context a,b and --os-cloud x,y deploy to several clusters
and clouds at once. A target that fails does not keep the others from going on.

With IMAGE and no -f, everything but the image stays as it was deployed to
Kubernetes before; a new application is called as the image is, unless --name
says otherwise. An image whose name is that of a subcommand is written
image/NAME.`,
		Example: examples(
			"kubectl ystack deploy-image registry.example/apps/hello:v2 -n hello",
			"kubectl ystack deploy-image -f ystack.yaml --diff",
			"kubectl ystack deploy-image -f ystack.yaml --dry-run=server",
			"kubectl ystack deploy-image -f ystack.yaml --target vm --os-cloud east,west --rollback-on-failure",
			"kubectl ystack deploy-image history hello -n hello",
			"kubectl ystack deploy-image rollback hello -n hello"),
		Args: maxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Image = strings.TrimPrefix(first(args), "image/")
			return o.run(cmd.Context(), env)
		},
	}
	o.kube = addKubeFlags(cmd)
	f := cmd.Flags()
	f.StringVarP(&o.File, "filename", "f", "", "the application's ystack.yaml, or its directory")
	addSiteFlag(cmd, &o.Site)
	addTargetFlag(cmd, &o.Targets)
	f.StringSliceVar(&o.Clouds, "os-cloud", nil, "clouds of clouds.yaml to deploy machines to (default: the site's)")
	f.StringVar(&o.Name, "name", "", "name of the application (default: the last part of the image's name)")
	f.Int32Var(&o.Replicas, "replicas", -1, "how many replicas (default: as deployed before, or as the file says)")
	f.Int32SliceVar(&o.Ports, "port", nil, "port that the container listens on and a Service offers (new applications without a file)")
	f.StringVar(&o.DryRun, "dry-run", "none", "none, client (print what would be sent) or server (let the server check it)")
	f.Lookup("dry-run").NoOptDefVal = "client"
	f.BoolVar(&o.Diff, "diff", false, "show what would change; exit status 0: nothing, 1: something, 2: error")
	f.StringVarP(&o.Output, "output", "o", "", "json: every event as a line of JSON; with --dry-run=client of a container: yaml (default), json or name")
	f.DurationVar(&o.Timeout, "timeout", 0, "give up waiting after this time, with exit status 124 (0: the targets' own deadlines)")
	f.BoolVar(&o.Rollback, "rollback-on-failure", false, "bring a target that fails back to what it ran before")
	f.IntVar(&o.Parallel, "max-parallel", 0, "how many targets are deployed to at a time (0: all)")
	f.BoolVar(&o.ForceConflicts, "force-conflicts", false, "take over fields that another field manager owns")
	cmd.AddCommand(newDeployHistory(env, o.kube), newDeployRollback(env, o.kube))
	return cmd
}

func (o *deployImageOptions) run(ctx context.Context, env Env) (err error) {
	if err := o.validate(); err != nil {
		return err
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
	list, err := o.deliveries(ctx, env)
	if err != nil {
		return err
	}
	to, container := list[0].To.(*kubernetes.Target)
	container = container && len(list) == 1
	switch {
	case o.Diff && container:
		return printDiff(ctx, env.Out, to, list[0].Release)
	case o.Diff:
		return printPlans(ctx, env.Out, list, "")
	case o.DryRun == string(kubernetes.DryRunClient) && container:
		return o.printObjects(ctx, env.Out, to, list[0].Release)
	case o.DryRun == string(kubernetes.DryRunServer) && container:
		return printServerDryRun(ctx, env.Out, to, list[0].Release)
	case o.DryRun != string(kubernetes.DryRunNone):
		if err := printPlans(ctx, env.Out, list, " ("+o.DryRun+" dry run)"); !errors.Is(err, errDifferences) {
			return err
		}
		return nil
	}
	return o.deploy(ctx, env, list)
}

func (o *deployImageOptions) validate() error {
	switch {
	case o.Image == "" && o.File == "":
		return usagef("say what to deploy: an IMAGE, or -f ystack.yaml")
	case o.File != "" && o.Name != "":
		return usagef("--name does not go with -f: the file names the application")
	case o.File != "" && len(o.Ports) > 0:
		return usagef("--port does not go with -f: the file lists the ports")
	case o.File == "" && (len(o.Targets) > 0 || len(o.Clouds) > 0):
		return usagef("--target and --os-cloud go with -f, which says how each target is deployed to")
	case o.Replicas < -1:
		return usagef("--replicas %d: a number of replicas is 0 or more", o.Replicas)
	case o.Parallel < 0:
		return usagef("--max-parallel %d: a number of targets is 0 (all) or more", o.Parallel)
	case o.DryRun != "none" && o.DryRun != "client" && o.DryRun != "server":
		return usagef("--dry-run %q: none, client or server", o.DryRun)
	case o.Diff && o.DryRun != "none":
		return usagef("--diff changes nothing by itself: leave out --dry-run")
	case o.Output != "" && o.Output != "json" && o.DryRun != "client", o.Output != "" && (o.Diff || o.DryRun == "server"):
		return usagef("-o json streams the events of a deployment; other formats go with --dry-run=client")
	}
	return nil
}

// deploy makes the deliveries and tells of each.
func (o *deployImageOptions) deploy(ctx context.Context, env Env, list []*pipeline.Delivery) error {
	var names []string
	for _, d := range list {
		names = append(names, pipeline.Event{Target: d.To.Kind(), Place: d.Place}.Name())
	}
	show := newProgress(env, names...)
	pipeline.Deploy(ctx, list, pipeline.DeployOptions{
		Parallel: o.Parallel, Rollback: o.Rollback, Report: reporter(env, show, o.Output), Boundary: env.Boundary,
	})
	show.close()
	var errs []error
	for _, d := range list {
		if d.Err != nil {
			explain(env, d.Err)
			errs = append(errs, d.Err)
		} else if o.Output == "" {
			printDelivery(ctx, env.Out, d)
		}
	}
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

func printDelivery(ctx context.Context, w io.Writer, d *pipeline.Delivery) {
	to, ok := d.To.(*kubernetes.Target)
	if !ok {
		fmt.Fprintf(w, "%s runs on %s in %s\n  image  %s\n", d.Release.App, d.To.Kind(), d.To.Place(), d.Release.Image)
		printEndpoints(ctx, w, d.Plan)
		return
	}
	answer, err := to.Answer(ctx)
	if err != nil { // that it runs is known
		answer = kubernetes.Answer{Namespace: to.Namespace(to.Release)}
	}
	where := "namespace " + answer.Namespace
	if d.Place != "" {
		where = to.Place()
	}
	fmt.Fprintf(w, "%s runs in %s\n  image  %s\n", d.Release.App, where, d.Release.Image)
	printAnswer(w, answer)
}

func printEndpoints(ctx context.Context, w io.Writer, plan deploy.Plan) {
	list, err := plan.Endpoints(ctx)
	if err != nil {
		return
	}
	for _, at := range list {
		fmt.Fprintf(w, "  at     %s\n", at)
	}
}

// lastPart is "hello" for registry.example:5000/apps/hello:v1@sha256:….
func lastPart(ref string) string {
	ref, _, _ = strings.Cut(ref, "@")
	ref = ref[strings.LastIndex(ref, "/")+1:]
	ref, _, _ = strings.Cut(ref, ":")
	return ref
}

// pinned replaces the tag by the digest that it has now.
func pinned(ctx context.Context, c *image.Client, ref string) (string, error) {
	digest, err := c.Digest(ctx, ref)
	if err != nil {
		return "", err
	}
	repo, _, _ := strings.Cut(ref, "@")
	if i := strings.LastIndex(repo, ":"); i > strings.LastIndex(repo, "/") {
		repo = repo[:i]
	}
	return repo + "@" + digest, nil
}

func printAnswer(w io.Writer, a kubernetes.Answer) {
	for _, url := range a.URLs {
		fmt.Fprintf(w, "  at     %s\n", url)
	}
	if a.DNS != "" {
		fmt.Fprintf(w, "  in the cluster  %s\n", a.DNS)
	}
	for _, host := range a.External {
		fmt.Fprintf(w, "  outside  %s\n", host)
	}
}
