package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/ystackdev/ystack/pkg/build"
	"github.com/ystackdev/ystack/pkg/deploy"
	"github.com/ystackdev/ystack/pkg/image"
)

// errSourceChanged: what was built is not what was hashed.
var errSourceChanged = errors.New("files changed while the image was being built, so it is not known what it contains; run again")

func (c *Container) making() []step {
	c.Cluster.Boundary = c.boundary
	return []step{{"build", c.build}, {"publish", c.publish}}
}

// inherited are the files that a builder's processes keep open.
func (c *Container) inherited() []*os.File {
	if c.lock == nil {
		return nil
	}
	return []*os.File{c.lock}
}

// build makes the image, unless one of the same inputs is in the registry or
// was left in the builder's store by a run that was killed.
func (c *Container) build(ctx context.Context, w work) (result, error) {
	if c.published != "" {
		return result{message: "nothing to build: these inputs made " + short(c.published)}, nil
	}
	if id := c.builtBefore(ctx); id != "" {
		c.imageID = id
		return result{"built before: " + short(id), map[string]string{"image": id}}, nil
	}
	version, err := c.Builder.Version(ctx)
	if err != nil {
		return result{}, err
	}
	tool := c.Builder.Name() + " " + version
	w.progress("with " + tool)
	req := c.request()
	req.Labels, req.Annotations = map[string]string{labelInputs: c.inputs}, c.annotations()
	req.Created = c.Revision.Time
	req.Log = w.log
	req.Inherit = c.inherited()
	if err := os.RemoveAll(c.imageDir); err != nil { // what a killed build left
		return result{}, err
	}
	if c.imageID, err = c.Builder.Build(ctx, req); err != nil {
		return result{}, err
	}
	if after, err := build.Inputs(c.request()); err != nil || after != c.inputs {
		return result{}, errors.Join(errSourceChanged, err)
	}
	return result{
		fmt.Sprintf("%s with %s", short(c.imageID), tool),
		map[string]string{"image": c.imageID, "builder": tool},
	}, nil
}

// builtBefore is the image that the run before this one built of the same
// inputs, if the builder still has it.
func (c *Container) builtBefore(ctx context.Context) string {
	if !c.earlier(deploy.Container) {
		return ""
	}
	id := c.prior.Output(deploy.Container, "build", "image")
	if id == "" {
		return ""
	}
	if has, err := c.Builder.Has(ctx, id); err != nil || !has {
		return "" // building again is always right
	}
	return id
}

func (c *Container) annotations() map[string]string {
	l := map[string]string{
		labelApp: c.App.Metadata.Name, labelRevision: c.Revision.String(), labelTarget: deploy.Container,
		"org.opencontainers.image.title":    c.App.Metadata.Name,
		"org.opencontainers.image.revision": c.Revision.String(),
	}
	if c.Revision.Remote != "" {
		l["org.opencontainers.image.source"] = c.Revision.Remote
	}
	return l
}

// publish pushes the image under the revision's tag. A run that was killed
// after the push and before the record of it finds the image there.
func (c *Container) publish(ctx context.Context, w work) (result, error) {
	digest, labels, err := c.Registry.Labels(ctx, c.tagged())
	if err != nil && !errors.Is(err, image.ErrNotFound) {
		return result{}, err
	}
	how := "is there already as"
	switch {
	case err == nil && labels[labelInputs] == c.inputs:
	case c.published != "":
		how, digest = "tagged", c.published
		err = c.Registry.Tag(ctx, c.repository()+"@"+digest, c.Revision.String())
	default:
		how = "pushed"
		digest, err = c.push(ctx, w)
	}
	if err != nil && how != "is there already as" {
		return result{}, err
	}
	c.digest, c.image = digest, c.repository()+"@"+digest
	if err := os.RemoveAll(c.imageDir); err != nil { // the registry has it now
		return result{}, err
	}
	return result{
		fmt.Sprintf("%s %s (%s)", how, c.tagged(), short(digest)),
		map[string]string{"digest": digest, "image": c.image, "tag": c.tagged()},
	}, nil
}

// push uploads the image and compares what the registry has with what was sent.
func (c *Container) push(ctx context.Context, w work) (string, error) {
	digest, err := c.Builder.Push(ctx, c.imageID, c.tagged(), build.PushRequest{
		Insecure: c.Site.Spec.Registries.Insecure, Log: w.log, Inherit: c.inherited(),
	})
	if err != nil {
		return "", err
	}
	has, err := c.Registry.Digest(ctx, c.tagged())
	if err != nil {
		return "", err
	}
	if has != digest {
		return "", fmt.Errorf("%s has digest %s after a push of %s: somebody else pushed the same tag; run again", c.tagged(), has, digest)
	}
	return digest, nil
}
