package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

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

func newImagePull(s *imageStores) *cobra.Command {
	var c *imageCopy
	var target string
	cmd := &cobra.Command{
		Use:   "pull APPLICATION:REVISION [FILE]",
		Short: "Copy an application's image from the site's stores to a file",
		Long: `Copies an image to a file, by default APPLICATION-REVISION.FORMAT in the working directory. It comes
from the first place of the Site file that has it: archive, registry, cloud. A download that
was broken off goes on where it was.`,
		Example: examples(
			"openstack ystack image pull hello:5be0c1f6",
			"openstack ystack image pull hello:5be0c1f6 disk.qcow2 --target vm"),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 {
				return usagef("say which image: APPLICATION:REVISION, and maybe a FILE")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := s.load(true); err != nil {
				return err
			}
			r, err := pullRequest(cmd.Context(), s, args, target)
			if err != nil {
				return err
			}
			return c.run(cmd.Context(), r)
		},
	}
	c = addImageReadFlags(cmd, s)
	cmd.Flags().StringVar(&target, "target", "", "vm or baremetal, where there are both")
	return cmd
}

func pullRequest(ctx context.Context, s *imageStores, args []string, target string) (store.Request, error) {
	found, err := s.findOne(ctx, args[0], target)
	if err != nil {
		return store.Request{}, err
	}
	from := preferred(found.Images)
	name := strings.ReplaceAll(args[0], ":", "-")
	if found.Format != "" {
		name += "." + found.Format
	}
	if len(args) == 2 {
		name = args[1]
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			return store.Request{}, usagef("%s is a directory; name a file", name)
		}
	}
	return store.Request{From: from.Ref, To: []store.Ref{{Scheme: store.File, Name: filepath.Clean(name)}}}, nil
}

// preferred is the place to read from: what an archive is for.
func preferred(images []store.Info) store.Info {
	for _, scheme := range []string{store.Artifactory, store.OCI, store.Glance} {
		for _, i := range images {
			if i.Ref.Scheme == scheme && i.State == store.Active {
				return i
			}
		}
	}
	return images[0]
}

// find lists the images that APPLICATION:REVISION names.
func (s *imageStores) find(ctx context.Context, name, target string) ([]store.Entry, error) {
	application, revision, ok := strings.Cut(name, ":")
	if !ok || application == "" || revision == "" {
		return nil, usagef("%q is neither APPLICATION:REVISION nor a reference such as glance://CLOUD/NAME", name)
	}
	copier := store.Copier{Open: s.open}
	all, errs := copier.Find(ctx, s.places(), application)
	var found []store.Entry
	for _, e := range all {
		if e.Revision == revision && (target == "" && e.Target != "container" || e.Target == target) {
			found = append(found, e)
		}
	}
	if len(found) == 0 {
		if err := errors.Join(errs...); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("no image of %s at revision %s in the places of %s; `openstack ystack image list %s` shows those that there are",
			application, revision, s.site.Path, application)
	}
	for _, err := range errs {
		fmt.Fprintf(s.env.Err, "warning: %v\n", err)
	}
	return found, nil
}

func (s *imageStores) findOne(ctx context.Context, name, target string) (store.Entry, error) {
	found, err := s.find(ctx, name, target)
	if err != nil {
		return store.Entry{}, err
	}
	if len(found) > 1 {
		var choice []string
		for _, e := range found {
			choice = append(choice, strings.TrimSpace(e.Target+" "+e.SHA256[:min(12, len(e.SHA256))]))
		}
		return store.Entry{}, usagef("%s is several images (%s); choose with --target, or name one by its reference", name, strings.Join(choice, ", "))
	}
	return found[0], nil
}
