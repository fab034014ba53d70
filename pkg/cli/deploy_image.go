package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/printers"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/deploy/kubernetes"
	"github.com/ystackdev/ystack/pkg/image"
	"github.com/ystackdev/ystack/pkg/pipeline"
	"github.com/ystackdev/ystack/pkg/source"
)

type deployImageOptions struct {
	Image          string
	File           string
	Site           string
	Name           string
	Replicas       int32 // -1: as it is
	Ports          []int32
	DryRun         string
	Diff           bool
	Output         string
	Timeout        time.Duration
	ForceConflicts bool
	kube           *kubeFlags
}

func newDeployImage(env Env) *cobra.Command {
	o := &deployImageOptions{}
	cmd := &cobra.Command{
		Use:   "deploy-image [IMAGE | -f ystack.yaml]",
		Short: "Deploy an image to Kubernetes by digest, and wait until it runs",
		Long: `Deploys IMAGE, or what -f ystack.yaml describes, and follows every replica
until it is ready or has failed, with the cause.

With -f and no IMAGE, the image is the one that a pipeline run pushed for the
checkout's revision. With IMAGE and no -f, everything but the image stays as it
was deployed before; a new application is called as the image is, unless --name
says otherwise. An image whose name is that of a subcommand is written
image/NAME.`,
		Example: examples(
			"kubectl ystack deploy-image registry.example/apps/hello:v2 -n hello",
			"kubectl ystack deploy-image -f ystack.yaml --diff",
			"kubectl ystack deploy-image -f ystack.yaml --dry-run=server",
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
	f.StringVar(&o.Name, "name", "", "name of the application (default: the last part of the image's name)")
	f.Int32Var(&o.Replicas, "replicas", -1, "how many replicas (default: as deployed before, or as the file says)")
	f.Int32SliceVar(&o.Ports, "port", nil, "port that the container listens on and a Service offers (new applications without a file)")
	f.StringVar(&o.DryRun, "dry-run", "none", "none, client (print what would be sent) or server (let the server check it)")
	f.Lookup("dry-run").NoOptDefVal = "client"
	f.BoolVar(&o.Diff, "diff", false, "show what would change; exit status 0: nothing, 1: something, 2: error")
	f.StringVarP(&o.Output, "output", "o", "", "with --dry-run=client: yaml (default), json or name")
	f.DurationVar(&o.Timeout, "timeout", 0, "give up waiting after this time, with exit status 124 (0: the Deployment's own deadline)")
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
	d, r, err := o.release(ctx, env)
	if err != nil {
		return err
	}
	switch {
	case o.Diff:
		return printDiff(ctx, env.Out, d, r)
	case o.DryRun == string(kubernetes.DryRunClient):
		return o.printObjects(ctx, env.Out, d, r)
	case o.DryRun == string(kubernetes.DryRunServer):
		return printServerDryRun(ctx, env.Out, d, r)
	}
	return deployRelease(ctx, env, d, r)
}

func (o *deployImageOptions) validate() error {
	switch {
	case o.Image == "" && o.File == "":
		return usagef("say what to deploy: an IMAGE, or -f ystack.yaml")
	case o.File != "" && o.Name != "":
		return usagef("--name does not go with -f: the file names the application")
	case o.File != "" && len(o.Ports) > 0:
		return usagef("--port does not go with -f: the file lists the ports")
	case o.Replicas < -1:
		return usagef("--replicas %d: a number of replicas is 0 or more", o.Replicas)
	case o.DryRun != "none" && o.DryRun != "client" && o.DryRun != "server":
		return usagef("--dry-run %q: none, client or server", o.DryRun)
	case o.Diff && o.DryRun != "none":
		return usagef("--diff changes nothing by itself: leave out --dry-run")
	case o.Output != "" && o.DryRun != "client":
		return usagef("-o goes with --dry-run=client")
	}
	return nil
}

// release finds out what is to be deployed, by digest.
func (o *deployImageOptions) release(ctx context.Context, env Env) (*kubernetes.Deployer, kubernetes.Release, error) {
	site, err := loadSite(env, o.Site)
	if errors.Is(err, app.ErrNoSite) && o.Image != "" {
		site, err = &app.Site{}, nil // an image by its full name needs none
	}
	if err != nil {
		return nil, kubernetes.Release{}, err
	}
	client, err := o.kube.client(site.Spec.Kubernetes.Context)
	if err != nil {
		return nil, kubernetes.Release{}, err
	}
	d := &kubernetes.Deployer{Client: client, Force: o.ForceConflicts}
	var r kubernetes.Release
	if o.File != "" {
		r, err = o.fromFile(ctx, site)
	} else {
		r, err = o.fromCluster(ctx, d)
	}
	if err != nil {
		return nil, r, err
	}
	r.By = userName()
	if o.Replicas >= 0 {
		r.Spec.Replicas = &o.Replicas
	}
	r.Image, err = pinned(ctx, &image.Client{Insecure: site.Spec.Registries.Insecure}, r.Image)
	return d, r, err
}

// fromFile is what ystack.yaml and the checkout around it say.
func (o *deployImageOptions) fromFile(ctx context.Context, site *app.Site) (kubernetes.Release, error) {
	a, err := app.LoadApplication(o.File)
	if err != nil {
		return kubernetes.Release{}, err
	}
	if a.Spec.Deploy.Container == nil {
		return kubernetes.Release{}, fmt.Errorf("%s: spec.deploy.container is needed to deploy to Kubernetes", a.Path)
	}
	dir, err := filepath.Abs(filepath.Dir(a.Path))
	if err != nil {
		return kubernetes.Release{}, err
	}
	r := kubernetes.Release{App: a.Metadata.Name, Image: o.Image, Spec: *a.Spec.Deploy.Container, Health: a.Spec.Health, Dir: dir}
	if o.Image != "" {
		return r, nil
	}
	var paths []string
	if c := a.Spec.Images.Container; c != nil {
		paths = append(paths, filepath.Join(dir, c.Context))
	}
	rev, err := source.Read(ctx, dir, paths...)
	if err != nil {
		return r, err
	}
	r.Revision, r.Source = rev.String(), rev.Remote
	r.Image = site.Spec.Registries.Push + "/" + r.App + ":" + r.Revision
	return r, nil
}

// fromCluster is what was deployed before under the image's name, with the new
// image.
func (o *deployImageOptions) fromCluster(ctx context.Context, d *kubernetes.Deployer) (kubernetes.Release, error) {
	name := o.Name
	if name == "" {
		name = lastPart(o.Image)
	}
	r, err := d.Current(ctx, d.Client.Namespace, name)
	switch {
	case errors.Is(err, kubernetes.ErrNotDeployed):
		r = kubernetes.Release{App: name}
	case err != nil:
		return r, err
	case r.Spec.Manifests != "":
		return r, fmt.Errorf("%s was deployed from manifests in its source (%s): deploy it with -f ystack.yaml", name, r.Spec.Manifests)
	case len(o.Ports) > 0:
		return r, usagef("--port: %s is deployed already, with ports of its own; change them in its ystack.yaml and deploy with -f", name)
	}
	for _, p := range o.Ports {
		r.Spec.Ports = append(r.Spec.Ports, app.Port{Name: fmt.Sprintf("port-%d", p), Port: p, TargetPort: p, Protocol: "TCP"})
	}
	r.Image, r.Revision, r.Run, r.Source = o.Image, "", "", ""
	return r, nil
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

func deployRelease(ctx context.Context, env Env, d *kubernetes.Deployer, r kubernetes.Release) error {
	show := newProgress(env)
	err := pipeline.Deploy(ctx, d, r, show.event)
	show.close()
	if err := explainRun(env, "", err); err != nil {
		return err
	}
	answer, err := d.Answer(ctx, r)
	if err != nil {
		return err
	}
	fmt.Fprintf(env.Out, "%s runs in namespace %s\n  image  %s\n", r.App, answer.Namespace, r.Image)
	printAnswer(env.Out, answer)
	return nil
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

func printDiff(ctx context.Context, w io.Writer, d *kubernetes.Deployer, r kubernetes.Release) error {
	plan, err := d.Plan(ctx, r)
	if err != nil {
		return err
	}
	changes, err := d.Diff(ctx, plan)
	if err != nil {
		return err
	}
	for _, c := range changes {
		fmt.Fprint(w, c.Diff)
	}
	if kubernetes.Differs(changes) {
		return errDifferences
	}
	return nil
}

func printServerDryRun(ctx context.Context, w io.Writer, d *kubernetes.Deployer, r kubernetes.Release) error {
	plan, err := d.Plan(ctx, r)
	if err != nil {
		return err
	}
	res, err := d.Apply(ctx, plan, kubernetes.DryRunServer)
	for _, c := range res.Changes {
		fmt.Fprintf(w, "%s %s (server dry run)\n", c.Object, c.Action)
	}
	return err
}

// printObjects prints what would be sent, as kubectl's --dry-run=client does.
func (o *deployImageOptions) printObjects(ctx context.Context, w io.Writer, d *kubernetes.Deployer, r kubernetes.Release) error {
	objects, err := d.Render(ctx, r, d.Namespace(r))
	if err != nil {
		return err
	}
	var p printers.ResourcePrinter = &printers.YAMLPrinter{}
	switch o.Output {
	case "", "yaml":
	case "json":
		list := &unstructured.UnstructuredList{}
		list.SetAPIVersion("v1")
		list.SetKind("List")
		for _, obj := range objects {
			list.Items = append(list.Items, *obj.Unstructured)
		}
		return (&printers.JSONPrinter{}).PrintObj(list, w)
	case "name":
		p = &printers.NamePrinter{}
	default:
		return usagef("unknown output format %q for --dry-run=client: yaml, json or name", o.Output)
	}
	for _, obj := range objects {
		if err := p.PrintObj(obj.Unstructured, w); err != nil {
			return err
		}
	}
	return nil
}
