package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newImageDelete(s *imageStores) *cobra.Command {
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "delete REFERENCE…",
		Short: "Delete images, each in the one place that its reference names",
		Example: examples(
			"openstack ystack image delete glance://mycloud/hello-5be0c1f6",
			"openstack ystack image delete oci://registry.example/images/hello:5be0c1f6 --dry-run"),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("say which image: a reference such as glance://CLOUD/NAME")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			refs, err := parseRefs(args)
			if err != nil {
				return err
			}
			if err := s.load(false); err != nil {
				return err
			}
			var errs []error
			for _, r := range refs {
				place, err := s.open(r)
				if err == nil {
					i, stat := place.Stat(cmd.Context(), r)
					if err = stat; err == nil && !dryRun {
						err = place.Delete(cmd.Context(), i)
					}
				}
				switch {
				case err != nil:
					errs = append(errs, err)
				case dryRun:
					fmt.Fprintf(s.env.Out, "%s would be deleted\n", r)
				default:
					fmt.Fprintf(s.env.Out, "%s deleted\n", r)
				}
			}
			return several(s.env, errs, fmt.Sprintf("of %d images were not deleted", len(refs)))
		},
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say what would be deleted, and delete nothing")
	return cmd
}
