package cli

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/deploy/kubernetes"
	"github.com/ystackdev/ystack/pkg/keystone"
	"github.com/ystackdev/ystack/pkg/kube"
)

// offered is more than anybody reads.
const offered = "500"

// kubeFlagsOf are the flags about clusters as they have been typed so far.
func kubeFlagsOf(cmd *cobra.Command) *kubeFlags {
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	k := kubeFlagsIn(set)
	cmd.Flags().Visit(func(typed *pflag.Flag) {
		f := set.Lookup(typed.Name)
		if f == nil {
			return
		}
		if list, ok := typed.Value.(pflag.SliceValue); ok {
			if to, ok := f.Value.(pflag.SliceValue); ok {
				_ = to.Replace(list.GetSlice())
			}
			return
		}
		_ = f.Value.Set(typed.Value.String())
	})
	return k
}

// inCluster asks the cluster that the command is about.
func (c *completer) inCluster(what string, ask func(context.Context, *kube.Client) ([]string, error)) values {
	return func(cmd *cobra.Command) []string {
		siteContext := ""
		if f := cmd.Flag("site"); f != nil {
			if site, err := loadSite(c.env, f.Value.String()); err == nil {
				siteContext = site.Spec.Kubernetes.Context
			} else if !errors.Is(err, app.ErrNoSite) {
				return nil
			}
		}
		client, err := kubeFlagsOf(cmd).client(siteContext)
		if err != nil {
			return nil
		}
		return c.ask(cmd, []string{what, client.Context, client.Server, client.Namespace}, func(ctx context.Context) ([]string, error) {
			return ask(ctx, client)
		})
	}
}

func (c *completer) namespaces(cmd *cobra.Command) []string {
	return c.inCluster("namespaces", func(ctx context.Context, client *kube.Client) ([]string, error) {
		found, err := names(ctx, client, "/api/v1/namespaces")
		if !errors.Is(err, kube.ErrForbidden) {
			return found, err
		}
		who, err := client.WhoAmI(ctx)
		return append(who.Extra[keystone.NamespacesExtra], client.Namespace), err
	})(cmd)
}

func (c *completer) services(cmd *cobra.Command) []string {
	return c.inCluster("services", func(ctx context.Context, client *kube.Client) ([]string, error) {
		return names(ctx, client, "/api/v1/namespaces/"+client.Namespace+"/services")
	})(cmd)
}

func (c *completer) applications(cmd *cobra.Command) []string {
	return c.inCluster("applications", func(ctx context.Context, client *kube.Client) ([]string, error) {
		return (&kubernetes.Deployer{Client: client}).Applications(ctx, client.Namespace)
	})(cmd)
}

func names(ctx context.Context, client *kube.Client, path string) ([]string, error) {
	list, err := client.Metadata(ctx, path, url.Values{"limit": {offered}})
	var found []string
	for _, object := range list {
		found = append(found, object.Name)
	}
	return found, err
}

// kubeconfig is what the files say, without a request.
func kubeconfigOf(cmd *cobra.Command) *api.Config {
	config, err := kubeFlagsOf(cmd).loading.Load()
	if err != nil {
		return api.NewConfig()
	}
	return config
}

func (c *completer) contexts(cmd *cobra.Command) []string {
	return slices.Sorted(maps.Keys(kubeconfigOf(cmd).Contexts))
}

func (c *completer) clusters(cmd *cobra.Command) []string {
	return slices.Sorted(maps.Keys(kubeconfigOf(cmd).Clusters))
}

func (c *completer) users(cmd *cobra.Command) []string {
	return slices.Sorted(maps.Keys(kubeconfigOf(cmd).AuthInfos))
}
