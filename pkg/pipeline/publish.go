package pipeline

import (
	"context"
	"io"
	"os"

	"github.com/ystackdev/ystack/pkg/build"
	"github.com/ystackdev/ystack/pkg/deploy"
)

// Published is a container image in the registry.
type Published struct {
	Image  string // by digest
	Tag    string
	Digest string
	Inputs string
	Built  bool // rather than found
}

// Publish is the first half of a run: the image is built and pushed, unless one of the
// same inputs is there, and deployed nowhere. A dry run only says whether it is there.
func (c *Container) Publish(ctx context.Context, log io.Writer, report func(step, message string), dryRun bool) (Published, error) {
	req := c.request()
	var err error
	if c.names, err = build.ReadBases(req.Dockerfile, req.Args, req.Target); err != nil {
		return Published{}, err
	}
	if err := c.Registry.CheckPush(ctx, c.tagged()); err != nil {
		return Published{}, err
	}
	if c.imageDir, err = os.MkdirTemp("", "ystack-image-"); err != nil {
		return Published{}, err
	}
	defer os.RemoveAll(c.imageDir)
	steps := []step{{"resolve", c.resolve}}
	if !dryRun {
		steps = append(steps,
			step{"build", c.build}, step{"publish", c.publish})
	}
	for _, s := range steps {
		w := work{log: log, progress: func(message string, _ ...deploy.Item) { report(s.name, message) }}
		done, err := s.do(ctx, w)
		if err != nil {
			return Published{}, &StepError{Step: s.name, Err: err}
		}
		report(s.name, done.message)
	}
	p := Published{Tag: c.tagged(), Digest: c.digest, Inputs: c.inputs, Built: c.published == ""}
	if dryRun {
		p.Digest = c.published
	}
	if p.Digest != "" {
		p.Image = c.repository() + "@" + p.Digest
	}
	return p, nil
}
