package cli

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ystackdev/ystack/pkg/kube"
)

// kubeFlags are the kubeconfig flags that kubectl's users know. They come from
// clientcmd: genericclioptions would add 35 MB to the binary.
type kubeFlags struct {
	loading   *clientcmd.ClientConfigLoadingRules
	overrides clientcmd.ConfigOverrides
}

// addKubeFlags binds them to a command and all below it.
func addKubeFlags(cmd *cobra.Command) *kubeFlags { return kubeFlagsIn(cmd.PersistentFlags()) }

// kubeFlagsIn binds them to one set of flags.
func kubeFlagsIn(set *pflag.FlagSet) *kubeFlags {
	k := &kubeFlags{loading: clientcmd.NewDefaultClientConfigLoadingRules()}
	flags := pflag.NewFlagSet("kubeconfig", pflag.ContinueOnError)
	flags.StringVar(&k.loading.ExplicitPath, "kubeconfig", "", "path to the kubeconfig file to use")
	clientcmd.BindOverrideFlags(&k.overrides, flags, clientcmd.RecommendedConfigOverrideFlags(""))
	flags.VisitAll(func(f *pflag.Flag) {
		// kubectl has --username and --password no more: they end up in shell histories.
		if f.Name != "username" && f.Name != "password" && f.Name != "token" {
			f.Usage = strings.TrimSpace(f.Usage)
			set.AddFlag(f)
		}
	})
	return k
}

// client connects to the cluster that flags, site and kubeconfig agree on;
// the context of a flag wins over the site's.
func (k *kubeFlags) client(siteContext string) (*kube.Client, error) {
	overrides := k.overrides // the next site may have another context
	if overrides.CurrentContext == "" {
		overrides.CurrentContext = siteContext
	}
	return kube.Load(k.loading, &overrides, "ystack")
}
