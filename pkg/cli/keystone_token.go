package cli

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/login"
)

type keystoneTokenOptions struct {
	OpenStack  openStackFlags
	Credential string
	Cache      string
}

func newKeystoneToken(env Env) *cobra.Command {
	o := &keystoneTokenOptions{}
	cmd := &cobra.Command{
		Use:   "keystone-token",
		Short: "Print a Keystone token for kubectl (the credential plugin that kubeconfigs call)",
		Long: `Prints a token as kubectl expects it of a credential plugin
(client.authentication.k8s.io, v1 or v1beta1 as KUBERNETES_EXEC_INFO says; v1 if
that is not set). The contexts that keystone-login writes call it.

Tokens are kept in $XDG_CACHE_HOME/ystack, readable by their owner only, and used
until shortly before they expire: most calls ask nobody. Flags that name where, who
and what for hold on to that identity: OS_* variables that are about somebody else
are passed over.`,
		Example: examples(
			"kubectl ystack keystone-token --os-cloud mycloud",
			"kubectl ystack keystone-token --os-cloud mycloud --cache none | jq -r .status.token"),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), env) },
	}
	o.OpenStack = addOpenStackFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.Credential, "application-credential-file", "", "file of an application credential that keystone-login made")
	addCacheFlag(cmd, &o.Cache)
	return cmd
}

func addCacheFlag(cmd *cobra.Command, cache *string) {
	cmd.Flags().StringVar(cache, "cache", "file", "where tokens are kept: file or none")
}

func checkCache(cache string) error {
	if cache != "file" && cache != "none" {
		return usagef("--cache %q: file or none", cache)
	}
	return nil
}

// tokenLimit is for a Keystone that hangs: kubectl itself waits for ever.
const tokenLimit = time.Minute

var errNoToken = errors.New("keystone did not give a token within a minute; try again")

func (o *keystoneTokenOptions) run(ctx context.Context, env Env) error {
	if err := checkCache(o.Cache); err != nil {
		return err
	}
	info, err := login.ParseExecInfo(env.Getenv("KUBERNETES_EXEC_INFO"))
	if err != nil {
		return err
	}
	s := keystoneService(env)
	s.NoCache = o.Cache == "none"
	in := login.TokenInput{Pin: login.Pin(o.OpenStack), Credential: o.Credential}
	if info.Given {
		in.Parent = login.Parent()
	}
	if info.Interactive {
		interactive(s, env)
	}
	if s.Prompter == nil { // people may take their time
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, tokenLimit, errNoToken)
		defer cancel()
	}
	c, err := s.Token(ctx, in)
	if err != nil {
		return err
	}
	return info.Write(env.Out, c)
}
