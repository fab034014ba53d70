package cli

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/hook"
	"github.com/ystackdev/ystack/pkg/suggest"
)

func newPipelineHook(env Env) *cobra.Command {
	return group("hook", "Let the code registry tell pipeline serve of pushes", newHookInstall(env))
}

type hookInstall struct {
	site   string
	url    string
	wait   time.Duration
	dryRun bool
}

func newHookInstall(env Env) *cobra.Command {
	o := &hookInstall{}
	cmd := &cobra.Command{
		Use:   "install REPOSITORY",
		Short: "Create or update a repository's hook, and see that a ping arrives",
		Long: `Creates the hook of a repository of the Site file's code registry, or updates it, with the
secret that spec.code refers to. Then it has the code registry ping, and asks pipeline serve
whether that arrived; so serve must run, and be reached under --url from here too.
The same command again changes nothing.`,
		Example: examples("kubectl ystack pipeline hook install acme/hello --url https://ystack.example/hook"),
		Args:    maxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), env, first(args))
		},
	}
	addSiteFlag(cmd, &o.site)
	f := cmd.Flags()
	f.StringVar(&o.url, "url", "", "where the code registry reaches pipeline serve, ending in "+hook.PathHook+" (required)")
	f.DurationVar(&o.wait, "wait", 15*time.Second, "how long a ping may take")
	f.BoolVar(&o.dryRun, "dry-run", false, "only tell what would be done")
	return cmd
}

func (o *hookInstall) run(ctx context.Context, env Env, repository string) error {
	if repository == "" {
		return usagef("say which repository: OWNER/NAME")
	}
	u, err := url.Parse(o.url)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || !strings.HasSuffix(u.Path, hook.PathHook) || u.RawQuery != "" || u.User != nil {
		return usagef("--url must be http:// or https://, a host and a path that ends in %s, such as https://ystack.example%[1]s", hook.PathHook)
	}
	site, err := loadCodeSite(env, o.site)
	if err != nil {
		return err
	}
	if known := site.routes.Repositories(); !slices.Contains(known, repository) {
		return fmt.Errorf("%s has no route for %s, so that its pushes would start nothing; add one to spec.code.routes%s", site.Path, repository, suggest.DidYouMean(repository, known))
	}
	registry := site.registry(env)
	if registry == nil {
		return fmt.Errorf("%s: spec.code has neither tokenEnv nor tokenFile; a token is needed to change hooks", site.Path)
	}
	i := &hook.Install{Registry: registry, Repository: repository, URL: o.url, Secret: site.secret, Wait: o.wait}
	if o.dryRun {
		did, err := i.Plan(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(env.Out, "hook of %s would be %s (dry run; its secret cannot be seen)\n", repository, did)
		return nil
	}
	did, err := i.Run(ctx)
	if err != nil {
		if did != "" {
			return fmt.Errorf("hook of %s %s, but %w", repository, did, err)
		}
		return err
	}
	fmt.Fprintf(env.Out, "hook of %s %s; a ping arrived\n", repository, did)
	return nil
}
