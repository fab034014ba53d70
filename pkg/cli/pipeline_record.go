package cli

import (
	"context"
	"fmt"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/image"
	"github.com/ystackdev/ystack/pkg/pipeline"
)

// pushRecord attaches the record of a run that is over to its images. It is no reason to
// call the run failed if that does not succeed: the next run tries again.
func pushRecord(ctx context.Context, env Env, site *app.Site, warn func(string), r pipeline.Result) {
	if context.Cause(ctx) != nil { // the run is not over
		return
	}
	images := make([]string, len(r.Outcomes))
	for i, o := range r.Outcomes {
		images[i] = o.Image
	}
	registry := &image.Client{Insecure: site.Spec.Registries.Insecure}
	if err := openStore(env).PushRecord(ctx, registry, r.Run, images...); err != nil {
		warn(fmt.Sprintf("the record of the run is on this machine only: %v", err))
	}
}

// findRecord is a run that is not in the log of this machine: the registry's record of it,
// or why there is none.
func findRecord(ctx context.Context, env Env, sitePath, run string) (pipeline.Run, error) {
	site, err := loadSite(env, sitePath)
	if err != nil {
		return pipeline.Run{}, err
	}
	registry := &image.Client{Insecure: site.Spec.Registries.Insecure}
	application, err := pipeline.AppOf(run)
	if err != nil {
		return pipeline.Run{}, err
	}
	return pipeline.FindRecord(ctx, registry, site.Spec.Registries.Push+"/"+application, run)
}
