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
	var found, containers []store.Entry
	for _, e := range all {
		switch {
		case e.Revision != revision:
		case target == "" && e.Target == "container":
			containers = append(containers, e)
		case target == "" || e.Target == target:
			found = append(found, e)
		}
	}
	if len(found) == 0 { // images of machines come first, for the other verbs can do more with those
		found = containers
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
