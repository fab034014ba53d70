package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/image/store"
)

type imagePush struct {
	*imageCopy
	store.Identity
	only []string
}

func newImagePush(s *imageStores) *cobra.Command {
	p := &imagePush{}
	cmd := &cobra.Command{
		Use:   "push SOURCE",
		Short: "Copy an image to the site's cloud and archive, under its application's name",
		Long: `Copies an image to the cloud and the archive of the Site file (to its registry if there is no
archive), as copy does. It is called APPLICATION-REVISION in Glance, APPLICATION:REVISION in
a registry and REPOSITORY/APPLICATION/REVISION/APPLICATION-REVISION.FORMAT in Artifactory;
what SOURCE does not say of this, the flags do.`,
		Example: examples(
			"openstack ystack image push file:disk.qcow2 --application hello --revision 5be0c1f6 --target vm",
			"openstack ystack image push glance://mycloud/hello-5be0c1f6 --to archive"),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("say which image: a SOURCE such as file:disk.qcow2")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return p.run(cmd.Context(), args[0]) },
	}
	p.imageCopy = addImageCopyFlags(cmd, s)
	f := cmd.Flags()
	f.StringVar(&p.App, "application", "", "the application (default: what the source says)")
	f.StringVar(&p.Revision, "revision", "", "the commit that it was made from (default: what the source says)")
	f.StringVar(&p.Target, "target", "", "vm or baremetal (default: what the source says)")
	f.StringArrayVar(&p.only, "to", nil, "only to glance or archive; can be repeated")
	return cmd
}

func (p *imagePush) run(ctx context.Context, source string) error {
	refs, err := parseRefs([]string{source})
	if err != nil {
		return err
	}
	if err := p.stores.load(true); err != nil {
		return err
	}
	from, err := p.stores.open(refs[0])
	if err != nil {
		return err
	}
	info, err := from.Stat(ctx, refs[0])
	if err != nil {
		return err
	}
	p.fill(store.IdentityOf(info))
	if p.App == "" || p.Revision == "" {
		return usagef("%s does not say which application and revision it is; add --application and --revision", source)
	}
	places, err := p.places()
	if err != nil {
		return err
	}
	format := p.format
	if format == "" {
		format = info.Format
	}
	r := store.Request{From: refs[0], Properties: p.Properties()}
	for _, place := range places {
		to, err := p.In(place, format)
		if err != nil {
			return usageError{err}
		}
		r.To = append(r.To, to)
	}
	return p.imageCopy.run(ctx, r)
}

// fill takes from the source what no flag says.
func (p *imagePush) fill(known store.Identity) {
	for _, field := range []struct {
		value *string
		known string
	}{{&p.App, known.App}, {&p.Revision, known.Revision}, {&p.Target, known.Target}} {
		if *field.value == "" {
			*field.value = field.known
		}
	}
}

// places are the site's cloud and archive, or those of them that --to names.
func (p *imagePush) places() ([]store.Ref, error) {
	named := map[string][]store.Ref{"archive": p.stores.archive()}
	if cloud := p.stores.site.Spec.OpenStack.Cloud; cloud != "" {
		named["glance"] = []store.Ref{{Scheme: store.Glance, Host: cloud}}
	}
	if len(named["archive"]) == 0 {
		named["archive"] = []store.Ref{registryPlace(p.stores.site.Spec.Registries.Push)}
	}
	only := p.only
	if len(only) == 0 {
		only = []string{"glance", "archive"}
	}
	var all []store.Ref
	for _, name := range only {
		switch {
		case name != "glance" && name != "archive":
			return nil, usagef("--to %q: glance or archive", name)
		case len(named[name]) == 0 && len(p.only) > 0:
			return nil, fmt.Errorf("%s has no spec.openstack.cloud to push to", p.stores.site.Path)
		}
		all = append(all, named[name]...)
	}
	return all, nil
}
