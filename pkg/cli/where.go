package cli

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/deploy/kubernetes"
	"github.com/ystackdev/ystack/pkg/image"
	"github.com/ystackdev/ystack/pkg/image/glance"
	"github.com/ystackdev/ystack/pkg/image/oci"
	"github.com/ystackdev/ystack/pkg/image/store"
	"github.com/ystackdev/ystack/pkg/keystone"
	"github.com/ystackdev/ystack/pkg/login"
	"github.com/ystackdev/ystack/pkg/source"
	"github.com/ystackdev/ystack/pkg/where"
)

type whereOptions struct {
	What          string
	Drift         bool
	AllNamespaces bool
	Clouds        []string
	Contexts      []string
	Site          string
	Output        string
	Timeout       time.Duration
	kube          *kubeFlags
}

func newWhere(env Env) *cobra.Command {
	o := &whereOptions{}
	cmd := &cobra.Command{
		Use:   "where [COMMIT|DIGEST|NAME]",
		Short: "Show what was built from a commit, where the images are and what runs them",
		Long: `Shows which images were built from a commit, where they lie, and which workloads, servers and nodes run
them, since when and deployed by whom. What is asked for is

  COMMIT   a full commit or its beginning, or what git knows it by in the checkout here: HEAD, a tag
  DIGEST   sha256:… of a container image or of a machine's disk, or its beginning
  NAME     an application

The Site file says where to ask: its registry, archive, cloud and cluster. All are asked at the same time,
and each tells what it knows itself: there is no database. What one of them cannot tell is a warning, and
the status is 1 then; what the others tell is shown all the same.

All namespaces are looked at where you may, else those that are yours; servers are those of the cloud's
project. --context and --os-cloud take several, separated by commas. With -o wide, json or yaml the records of the runs that made the images are read as well.

--drift shows only what is not as its record says: what runs without a record, with another image than
the one that was deployed, or with an image that is gone. Without an argument it looks at everything that
runs. The status is 0 for no drift, 1 for some, and 2 if not everything could be asked.`,
		Example: examples(
			"kubectl ystack where HEAD",
			"kubectl ystack where hello -o wide",
			"kubectl ystack where sha256:5be0c1f64d21",
			"kubectl ystack where --drift"),
		Args: maxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.What = first(args)
			err := o.run(cmd.Context(), env)
			if o.Drift && err != nil && !errors.Is(err, errDifferences) {
				return diffError{err}
			}
			return err
		},
	}
	f := cmd.Flags()
	o.kube = addKubeFlags(cmd)
	addSiteFlag(cmd, &o.Site)
	f.BoolVar(&o.Drift, "drift", false, "show only what is not as its record says")
	f.BoolVarP(&o.AllNamespaces, "all-namespaces", "A", false, "look at all namespaces, or fail")
	f.StringSliceVar(&o.Clouds, "os-cloud", nil, "clouds of clouds.yaml to look at (default: the site's)")
	f.DurationVar(&o.Timeout, "timeout", 0, "give up after this time, with exit status 124 (0: no limit; each place has half a minute)")
	addOutputFlag(cmd, &o.Output)
	return cmd
}

func (o *whereOptions) run(ctx context.Context, env Env) error {
	if err := checkOutput(o.Output); err != nil {
		return err
	}
	if o.What == "" && !o.Drift {
		return usagef("say what to look for: a COMMIT (HEAD), a DIGEST or the NAME of an application; --drift goes without")
	}
	ctx, cancel := withTimeout(ctx, o.Timeout)
	defer cancel()
	var q where.Query
	if o.What != "" {
		commit, err := source.Resolve(ctx, ".", o.What)
		if err != nil {
			return err
		}
		if q, err = where.Parse(o.What, commit); err != nil {
			return usageError{err}
		}
	}
	finder, failures, err := o.finder(env)
	if err != nil {
		return err
	}
	answer := finder.Find(ctx, where.Search{Query: q, Drift: o.Drift, Records: o.Output != "" && o.Output != "name" && !o.Drift})
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	answer.Failures = append(failures, answer.Failures...)
	return o.print(env, answer)
}

// finder gathers the places to ask. One that cannot even be addressed, such as a cloud that
// is not in clouds.yaml, does not keep the others from being asked.
func (o *whereOptions) finder(env Env) (*where.Finder, []error, error) {
	s := &imageStores{env: env, sitePath: o.Site}
	if err := s.load(true); err != nil {
		return nil, nil, err
	}
	s.client = &image.Client{Insecure: s.site.Spec.Registries.Insecure} // nothing is uploaded: it need not be patient
	f := &where.Finder{
		Registry: s.client,
		Open: func(of store.Ref, tagged func(string) bool) (store.Store, error) {
			if of.Scheme == store.OCI && tagged != nil {
				return &oci.Store{Client: s.client, Now: time.Now, Tagged: tagged}, nil
			}
			return s.open(of)
		},
	}
	if a, err := app.LoadApplication("."); err == nil {
		f.Known = []string{a.Metadata.Name}
	}
	for _, place := range s.places() {
		if place.Scheme != store.Glance {
			f.Places = append(f.Places, place)
		}
	}
	failures := o.clouds(s, f)
	return f, append(failures, o.clusters(env, s.site, f)...), nil
}

// clouds are those of the flag, or the site's; without either, the one that variables or a
// clouds.yaml with a single cloud tell of, if they do.
func (o *whereOptions) clouds(s *imageStores, f *where.Finder) (failures []error) {
	names := o.Clouds
	if len(names) == 0 {
		names = []string{s.site.Spec.OpenStack.Cloud}
	}
	for _, name := range names {
		place := store.Ref{Scheme: store.Glance, Host: name}
		at, err := s.open(place)
		if name == "" && (errors.Is(err, keystone.ErrNoConfig) || errors.Is(err, keystone.ErrNoCloud)) {
			continue // a site without a cloud
		} else if err != nil {
			failures = append(failures, err)
			continue
		}
		f.Places = append(f.Places, place)
		f.Clouds = append(f.Clouds, where.Cloud{Name: name, Session: at.(*glance.Store).Session})
	}
	return failures
}

func (o *whereOptions) clusters(env Env, site *app.Site, f *where.Finder) (failures []error) {
	named := strings.Split(o.kube.overrides.CurrentContext, ",")
	for _, name := range named {
		k := *o.kube
		k.overrides.CurrentContext = name
		client, err := k.client(site.Spec.Kubernetes.Context)
		if err != nil {
			failures = append(failures, err)
			continue
		}
		c := where.Cluster{Deployer: &kubernetes.Deployer{Client: client}}
		switch {
		case o.AllNamespaces:
		case client.NamespaceExplicit:
			c.Namespace = client.Namespace
		default:
			c.Mine = func(ctx context.Context) ([]string, error) { return o.mine(ctx, env, client.Context, client.Namespace) }
		}
		f.Clusters = append(f.Clusters, c)
	}
	return failures
}

// mine are the namespaces of the user's projects, and the context's own.
func (o *whereOptions) mine(ctx context.Context, env Env, kubeContext, own string) ([]string, error) {
	all := []string{own}
	found, err := keystoneService(env).Mine(ctx, login.MineInput{Kubeconfig: kubeconfigAccess(o.kube.loading.ExplicitPath), Context: kubeContext})
	for _, m := range found {
		all = append(all, m.Namespace)
	}
	return all, err
}
