package cli

import (
	"context"
	"io"
	"strings"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/build"
	"github.com/ystackdev/ystack/pkg/image"
	"github.com/ystackdev/ystack/pkg/pipeline"
	"github.com/ystackdev/ystack/pkg/source"
)

// container builds and pushes the container image, as the pipeline does.
func (o *imageBuild) container(ctx context.Context, a *app.Application, dir string, rev source.Revision, log io.Writer) ([]any, error) {
	site := o.stores.site
	name := o.tool
	if name == "" {
		name = site.Spec.Builder.Name
	}
	builder, err := build.Find(ctx, name, nil)
	if err != nil {
		return nil, err
	}
	c := &pipeline.Container{
		Goal: pipeline.Goal{App: a, Dir: dir, Revision: rev, By: userName()},
		Site: site, Registry: &image.Client{Insecure: site.Spec.Registries.Insecure}, Builder: builder,
	}
	done, err := c.Publish(ctx, log, o.report(containerTarget), o.dryRun)
	if err != nil {
		return nil, err
	}
	result := map[bool]string{true: "built", false: "present"}[done.Built]
	if o.dryRun && done.Built {
		result = "to be built"
	}
	place := "oci://" + done.Tag
	if done.Image != "" {
		place = "oci://" + done.Image
	}
	return []any{containerTarget, result, rev.String(), int64(0), strings.TrimPrefix(done.Digest, "sha256:"), []string{place}, []string{}, done.Inputs}, nil
}
