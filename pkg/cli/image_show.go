package cli

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/image/store"
)

func newImageShow(s *imageStores) *cobra.Command {
	var out *openStackOutput
	var target string
	cmd := &cobra.Command{
		Use:   "show IMAGE",
		Short: "Show what an image is, what it was made from and where it is",
		Example: examples(
			"openstack ystack image show hello:5be0c1f6",
			"openstack ystack image show glance://mycloud/hello-5be0c1f6 -f value -c SHA256"),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("say which image: APPLICATION:REVISION, or a reference such as glance://CLOUD/NAME")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			e, err := s.entry(cmd.Context(), args[0], target)
			if err != nil {
				return err
			}
			r := showRow(e)
			if err := out.check(r.columns); err != nil {
				return err
			}
			return out.show(s.env.Out, r)
		},
	}
	out = addOpenStackOutput(cmd)
	cmd.Flags().StringVar(&target, "target", "", "vm, baremetal or container, where there are several")
	return cmd
}

// isRef tells references from APPLICATION:REVISION.
func isRef(name string) bool {
	return strings.Contains(name, "://") || strings.HasPrefix(name, store.File+":")
}

// entry is an image by reference, or what the site's places have under a name.
func (s *imageStores) entry(ctx context.Context, name, target string) (store.Entry, error) {
	if err := s.load(!isRef(name)); err != nil {
		return store.Entry{}, err
	}
	if !isRef(name) {
		return s.findOne(ctx, name, target)
	}
	i, err := s.stat(ctx, name)
	if err != nil {
		return store.Entry{}, err
	}
	sum := i.Digests["sha256"]
	if sum == "" {
		sum = i.Properties[store.SHA256]
	}
	return store.Entry{Identity: store.IdentityOf(i), SHA256: sum, Size: i.Size, Format: i.Format, Images: []store.Info{i}}, nil
}

func (s *imageStores) stat(ctx context.Context, name string) (store.Info, error) {
	refs, err := parseRefs([]string{name})
	if err != nil {
		return store.Info{}, err
	}
	place, err := s.open(refs[0])
	if err != nil {
		return store.Info{}, err
	}
	return place.Stat(ctx, refs[0])
}

func showRow(e store.Entry) rows {
	var places, ids, since, states, properties []string
	all := map[string]string{}
	for _, i := range e.Images {
		places = append(places, i.Ref.String())
		ids = append(ids, i.ID)
		since = append(since, utc(i.Created))
		states = append(states, i.State)
		maps.Copy(all, i.Properties)
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		properties = append(properties, name+"="+all[name])
	}
	return rows{
		columns: []string{"Application", "Revision", "Target", "Format", "Size", "SHA256", "Places", "IDs", "States", "Since", "Properties"},
		cells:   [][]any{{e.App, e.Revision, e.Target, e.Format, e.Size, e.SHA256, places, ids, states, since, properties}},
	}
}
