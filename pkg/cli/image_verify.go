package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/ystackdev/ystack/pkg/image/store"
)

var verifyColumns = []string{"Place", "Result", "Size", "SHA256"}

func newImageVerify(s *imageStores) *cobra.Command {
	var out *openStackOutput
	var target string
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "verify IMAGE…",
		Short: "Read images again, wherever they are, and compare their digests",
		Long: `Reads every byte of an image in each of its places and compares the digests with those that the
place and the image's properties tell, and the places of one APPLICATION:REVISION with each
other. The exit status is 1 if anything differs or cannot be read.`,
		Example: examples(
			"openstack ystack image verify hello:5be0c1f6",
			"openstack ystack image verify oci://registry.example/images/hello:5be0c1f6"),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("say which image: APPLICATION:REVISION, or a reference such as glance://CLOUD/NAME")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.check(verifyColumns); err != nil {
				return err
			}
			ctx, cancel := withTimeout(cmd.Context(), timeout)
			defer cancel()
			return verifyImages(ctx, s, out, args, target)
		},
	}
	out = addOpenStackOutput(cmd)
	cmd.Flags().StringVar(&target, "target", "", "vm or baremetal, where there are both")
	cmd.Flags().DurationVar(&timeout, "timeout", 0, "give up after this time, with exit status 124 (0: no limit)")
	return cmd
}

func verifyImages(ctx context.Context, s *imageStores, out *openStackOutput, args []string, target string) error {
	var images []store.Info
	for _, name := range args {
		found, err := s.imagesOf(ctx, name, target)
		if err != nil {
			return err
		}
		images = append(images, found...)
	}
	shown := newImageProgress(s.env, "read")
	copier := store.Copier{Open: s.open, Report: shown.report}
	r := rows{columns: verifyColumns}
	var errs []error
	for _, i := range images {
		sums, err := verifyOne(ctx, s, &copier, i)
		if cause := context.Cause(ctx); cause != nil {
			shown.close()
			return cause
		}
		result := "ok"
		if err != nil {
			errs = append(errs, err)
			result = "failed"
			if errors.Is(err, store.ErrCorrupt) {
				result = "damaged"
			}
		}
		r.cells = append(r.cells, []any{i.Ref.String(), result, i.Size, sums["sha256"]})
	}
	shown.close()
	if err := out.list(s.env.Out, r); err != nil {
		return err
	}
	return several(s.env, errs, fmt.Sprintf("of %d images are not as they should be", len(images)))
}

func verifyOne(ctx context.Context, s *imageStores, copier *store.Copier, i store.Info) (store.Digests, error) {
	place, err := s.open(i.Ref)
	if err != nil {
		return nil, err
	}
	return copier.Verify(ctx, place, i)
}

// imagesOf are all images that a name stands for. Where the site's places have several
// contents under one name, one of them is wrong.
func (s *imageStores) imagesOf(ctx context.Context, name, target string) ([]store.Info, error) {
	if isRef(name) {
		if err := s.load(false); err != nil {
			return nil, err
		}
		i, err := s.stat(ctx, name)
		return []store.Info{i}, err
	}
	if err := s.load(true); err != nil {
		return nil, err
	}
	e, err := s.findOne(ctx, name, target)
	return e.Images, err
}
