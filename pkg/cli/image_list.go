package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/image/store"
)

var listColumns = []string{"Application", "Revision", "Target", "Format", "Size", "SHA256", "Places", "Since"}

func newImageList(s *imageStores) *cobra.Command {
	var out *openStackOutput
	cmd := &cobra.Command{
		Use:   "list [APPLICATION]",
		Short: "List the site's images: where each application's revisions are, and since when",
		Long: `Lists what the places of the Site file (its cloud, its archive, its registry) have: a row for each
application, revision and target, with every place that has it. The same revision with other
content is a row of its own. A place that cannot be asked is an error; what the others say
is listed all the same.`,
		Example: examples(
			"openstack ystack image list",
			"openstack ystack image list hello -f json",
			"openstack ystack image list hello -f value -c Revision -c Places"),
		Args: maxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.check(listColumns); err != nil {
				return err
			}
			if err := s.load(true); err != nil {
				return err
			}
			application := ""
			if len(args) > 0 {
				application = args[0]
			}
			copier := store.Copier{Open: s.open}
			entries, errs := copier.Find(cmd.Context(), s.places(), application)
			if err := out.list(s.env.Out, listRows(entries)); err != nil {
				return err
			}
			return several(s.env, errs, "of the site's places could not be asked")
		},
	}
	out = addOpenStackOutput(cmd)
	return cmd
}

// several prints errors if there is more than one, and is the one that sums them up.
func several(env Env, errs []error, what string) error {
	switch len(errs) {
	case 0:
		return nil
	case 1:
		return errs[0]
	}
	for _, err := range errs {
		fmt.Fprintln(env.Err, err)
	}
	return fmt.Errorf("%d %s", len(errs), what)
}

func listRows(entries []store.Entry) rows {
	r := rows{columns: listColumns}
	for _, e := range entries {
		var places, since []string
		for _, i := range e.Images {
			places = append(places, place(i))
			since = append(since, utc(i.Created))
		}
		r.cells = append(r.cells, []any{e.App, e.Revision, e.Target, e.Format, e.Size, e.SHA256, places, since})
	}
	return r
}

// place is where an image is, with its state if that is not the usual one.
func place(i store.Info) string {
	if i.State != store.Active {
		return i.Ref.String() + " (" + i.State + ")"
	}
	return i.Ref.String()
}

func utc(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
