package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/app"
)

func newSchema(env Env) *cobra.Command {
	return &cobra.Command{
		Use:       "schema application|site|tenantsync",
		Short:     "Print the JSON schema of ystack.yaml, of the Site file or of tenant-sync's",
		Example:   examples("kubectl ystack schema application > ystack.schema.json"),
		ValidArgs: []string{"application", "site", "tenantsync"},
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("say which schema: application, site or tenantsync")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			kinds := map[string]string{"application": "Application", "site": "Site", "tenantsync": "TenantSync"}
			kind, ok := kinds[strings.ToLower(args[0])]
			if !ok {
				return usagef("no schema of %q: application, site or tenantsync", args[0])
			}
			data, err := app.Schema(kind)
			if err == nil {
				_, err = env.Out.Write(data)
			}
			return err
		},
	}
}
