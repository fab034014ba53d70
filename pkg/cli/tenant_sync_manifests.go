package cli

import (
	"cmp"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/tenancy/watch"
)

type tenantSyncManifests struct {
	file      string
	manifests watch.ManifestOptions
}

func newTenantSyncManifests(env Env) *cobra.Command {
	o := tenantSyncManifests{}
	cmd := &cobra.Command{
		Use:   "manifests -f FILE --image IMAGE",
		Short: "Print what a cluster needs to follow Keystone by itself",
		Long: `Print what a cluster needs to follow Keystone by itself: a Deployment that runs
tenant-sync --watch with FILE, an account that may do no more than that takes, and
admission policies that keep tenants from changing the labels and RoleBindings that
it goes by. Print them anew when FILE maps roles to other ClusterRoles.

The login at Keystone is not printed: it comes from a Secret with a clouds.yaml,
which the first lines say how to make.`,
		Example: examples(
			"kubectl ystack tenant-sync manifests -f tenants.yaml --image registry.example/ystack:v1 --os-cloud mycloud | kubectl apply -f -",
			"kubectl ystack tenant-sync manifests -f tenants.yaml --image registry.example/ystack:v1 --os-cloud mycloud --delete-quarantined --older-than 30d"),
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error { return o.run(env) },
	}
	f, m := cmd.Flags(), &o.manifests
	f.StringVarP(&o.file, "filename", "f", "", "the TenantSync (required)")
	f.StringVar(&m.Image, "image", "", "the image with kubectl-ystack in its path (required)")
	f.StringVarP(&m.Namespace, "namespace", "n", "ystack-system", "where it runs")
	f.StringVar(&m.Cloud, "os-cloud", "", "the cloud's name in the clouds.yaml of the Secret (default: $OS_CLOUD)")
	f.StringVar(&m.Secret, "secret", "", "the Secret with clouds.yaml (default: ystack-tenant-sync- and the TenantSync's name)")
	f.DurationVar(&m.Interval, "interval", time.Minute, "how long to rest between rounds")
	f.BoolVar(&m.DeleteQuarantined, "delete-quarantined", false, "also delete namespaces, with all that is in them, that were quarantined long enough")
	f.StringVar(&m.OlderThan, "older-than", "30d", "how long is long enough: a number of days (30d), or a duration (12h)")
	return cmd
}

func (o *tenantSyncManifests) run(env Env) error {
	m := o.manifests
	if o.file == "" {
		return usagef("say which projects and roles: -f FILE")
	}
	if m.Interval < time.Second {
		return usagef("--interval %s: at least 1s", m.Interval)
	}
	if _, err := (&tenantSyncOptions{OlderThan: m.OlderThan}).planOptions(); err != nil {
		return err
	}
	text, err := os.ReadFile(o.file)
	if err != nil {
		return err
	}
	if m.Config, err = app.LoadTenantSync(o.file); err != nil {
		return err
	}
	m.Text, m.Cloud = string(text), cmp.Or(m.Cloud, env.Getenv("OS_CLOUD"))
	out, err := watch.Manifests(m)
	if err != nil {
		return err
	}
	_, err = env.Out.Write(out)
	return err
}
