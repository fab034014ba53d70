package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/image/store"
)

// imageCopy is what copy, push and pull have in common.
type imageCopy struct {
	stores     *imageStores
	out        *openStackOutput
	properties []string
	format     string
	visibility string
	tags       []string
	protected  bool
	imports    bool
	fetch      bool
	checksum   string
	dryRun     bool
	timeout    time.Duration
}

// addImageReadFlags are those that make sense for any destination.
func addImageReadFlags(cmd *cobra.Command, s *imageStores) *imageCopy {
	c := &imageCopy{stores: s, out: addOpenStackOutput(cmd)}
	f := cmd.Flags()
	f.BoolVar(&c.dryRun, "dry-run", false, "say what is to be done, and do nothing")
	f.DurationVar(&c.timeout, "timeout", 0, "give up after this time, with exit status 124 (0: no limit)")
	return c
}

func addImageCopyFlags(cmd *cobra.Command, s *imageStores) *imageCopy {
	c := addImageReadFlags(cmd, s)
	f := cmd.Flags()
	f.StringVar(&c.format, "disk-format", "", "format of the disk: qcow2, raw, vmdk … (default: what the source says)")
	f.StringArrayVar(&c.properties, "property", nil, "KEY=VALUE to note with the image; can be repeated")
	f.StringVar(&c.visibility, "visibility", "", "in Glance: private, shared, community or public (default: the cloud's)")
	f.StringArrayVar(&c.tags, "tag", nil, "in Glance: a tag; can be repeated")
	f.BoolVar(&c.protected, "protected", false, "in Glance: protect the image from being deleted")
	f.BoolVar(&c.imports, "import", false, "in Glance: stage and import (glance-direct), so that the cloud's import plugins see the image")
	return c
}

func newImageCopy(s *imageStores) *cobra.Command {
	var c *imageCopy
	cmd := &cobra.Command{
		Use:   "copy SOURCE DESTINATION…",
		Short: "Copy an image to one place or many, reading it once",
		Long: `Copies an image to every DESTINATION that does not have it: the source is read once, and
streamed to all of them at the same time, through memory and no temporary file.

Digests are computed on the way and compared with those of the source and of every
destination. What is there already is found by its digest and costs no transfer. A broken
download goes on where it was. A destination that fails does not stop the others; the exit
status is 1, and the same command again does what is left. Under the name of a destination
there is a whole image or nothing: a file grows beside its name, an image of Glance that
failed is deleted, an artifact gets its tag last. A name that another image has is never
taken over.

SOURCE may be a URL, which is read like any other; what it must be is known only if --checksum
says so. With --web-download Glance gets it by itself, and what Glance has then is compared with
the size that the web server tells, and with --checksum.`,
		Example: examples(
			"openstack ystack image copy glance://mycloud/debian-12 file:debian-12.qcow2",
			"openstack ystack image copy https://images.example/debian-12.qcow2 glance://mycloud/debian-12 --web-download --checksum sha512:HEX",
			"openstack ystack image copy file:disk.raw glance://east/disk glance://west/disk oci://registry.example/images/disk:1",
			"openstack ystack image copy oci://registry.example/images/disk:1 glance:///disk --visibility shared"),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 2 {
				return usagef("say what to copy and where to: SOURCE DESTINATION…")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			refs, err := parseRefs(args)
			if err != nil {
				return err
			}
			for _, to := range refs[1:] {
				if isURL(to) {
					return usagef("%s: a URL can only be copied from", to)
				}
			}
			if err := s.load(false); err != nil {
				return err
			}
			return c.run(cmd.Context(), store.Request{From: refs[0], To: refs[1:]})
		},
	}
	c = addImageCopyFlags(cmd, s)
	cmd.Flags().BoolVar(&c.fetch, "web-download", false, "of a URL: let Glance get it by itself")
	cmd.Flags().StringVar(&c.checksum, "checksum", "", "ALGORITHM:HEX that SOURCE must have: sha256, sha512, sha1 or md5")
	return cmd
}

func parseRefs(args []string) ([]store.Ref, error) {
	var refs []store.Ref
	for _, arg := range args {
		r, err := store.Parse(arg)
		if err != nil {
			return nil, usageError{err}
		}
		for _, other := range refs {
			if other == r {
				return nil, usagef("%s is named twice", r)
			}
		}
		refs = append(refs, r)
	}
	return refs, nil
}

// request adds what the flags say.
func (c *imageCopy) request(r store.Request) (store.Request, error) {
	properties := maps.Clone(r.Properties)
	if properties == nil {
		properties = map[string]string{}
	}
	for _, p := range c.properties {
		name, value, ok := strings.Cut(p, "=")
		if !ok || name == "" {
			return r, usagef("--property %q: want KEY=VALUE", p)
		}
		properties[name] = value
	}
	var err error
	if r.Digests, err = c.digests(); err != nil {
		return r, err
	}
	if r.Fetch = c.fetch; c.fetch && !isURL(r.From) {
		return r, usagef("--web-download is for a URL as SOURCE; to %s the cloud has no access", r.From)
	} else if c.fetch && !slices.ContainsFunc(r.To, func(to store.Ref) bool { return to.Scheme == store.Glance }) {
		return r, usagef("--web-download is for Glance as a DESTINATION")
	}
	r.Properties, r.Format, r.Visibility, r.Tags, r.Protected, r.DryRun = properties, c.format, c.visibility, c.tags, c.protected, c.dryRun
	return r, nil
}

func isURL(r store.Ref) bool { return r.Scheme == store.HTTP || r.Scheme == store.HTTPS }

// digests are what --checksum says.
func (c *imageCopy) digests() (store.Digests, error) {
	if c.checksum == "" {
		return nil, nil
	}
	algorithm, value, _ := strings.Cut(strings.ToLower(c.checksum), ":")
	length, known := map[string]int{"sha256": 64, "sha512": 128, "sha1": 40, "md5": 32}[algorithm]
	if _, err := hex.DecodeString(value); !known || err != nil || len(value) != length {
		return nil, usagef("--checksum %q: write ALGORITHM:HEX, with sha256, sha512, sha1 or md5", c.checksum)
	}
	return store.Digests{algorithm: value}, nil
}

var copyColumns = []string{"Destination", "Result", "Size", "SHA256"}

func (c *imageCopy) run(ctx context.Context, r store.Request) error {
	if err := c.out.check(copyColumns); err != nil {
		return err
	}
	r, err := c.request(r)
	if err != nil {
		return err
	}
	ctx, cancel := withTimeout(ctx, c.timeout)
	defer cancel()
	c.stores.imports = c.imports
	shown := newImageProgress(c.stores.env, "copied")
	// A copy lives on a few large blocks; what requests leave behind is small and need not wait
	// until it is as much.
	defer debug.SetGCPercent(debug.SetGCPercent(40))
	copier := store.Copier{Open: c.stores.open, Report: shown.report}
	info, outcomes, err := copier.Copy(ctx, r)
	shown.close()
	if len(outcomes) == 0 && err != nil {
		return err
	}
	if printing := c.out.list(c.stores.env.Out, copyRows(info, outcomes)); printing != nil {
		return printing
	}
	return c.failure(outcomes, err)
}

func copyRows(info store.Info, outcomes []store.Outcome) rows {
	r := rows{columns: copyColumns}
	sum := info.Digests["sha256"]
	for _, o := range outcomes {
		if sum == "" {
			sum = o.Info.Digests["sha256"]
		}
	}
	for _, o := range outcomes {
		shown := sum
		if o.Result == store.Failed {
			shown = ""
		}
		r.cells = append(r.cells, []any{o.To.String(), string(o.Result), info.Size, shown})
	}
	return r
}

// failure says on standard error what went wrong where; what the source did wrong is
// said once.
func (c *imageCopy) failure(outcomes []store.Outcome, source error) error {
	failed := 0
	var last error
	for _, o := range outcomes {
		if o.Err == nil {
			continue
		}
		failed++
		last = o.Err
		if source == nil && len(outcomes) > 1 {
			fmt.Fprintf(c.stores.env.Err, "%v\n", o.Err)
		}
	}
	switch {
	case source != nil:
		return source
	case failed == 0:
		return nil
	case len(outcomes) == 1, errors.Is(last, errInterrupted), errors.Is(last, errTimeout):
		return last
	}
	return fmt.Errorf("%d of %d destinations failed; the same command again does what is left", failed, len(outcomes))
}
