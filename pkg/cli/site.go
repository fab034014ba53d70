package cli

import (
	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/app"
)

func addSiteFlag(cmd *cobra.Command, site *string) {
	cmd.Flags().StringVar(site, "site", "", "the Site file (default: $YSTACK_SITE, then $XDG_CONFIG_HOME/ystack/site.yaml)")
}

func loadSite(env Env, flag string) (*app.Site, error) {
	path, err := app.FindSite(flag, env.Getenv)
	if err != nil {
		return nil, err
	}
	return app.LoadSite(path)
}
