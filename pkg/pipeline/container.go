package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/build"
	"github.com/ystackdev/ystack/pkg/deploy"
	"github.com/ystackdev/ystack/pkg/deploy/kubernetes"
	"github.com/ystackdev/ystack/pkg/image"
)

// Labels and annotations of an image that say what it was made of; they are the
// record that travels with it.
const (
	labelApp      = "ystack_app"
	labelRevision = "ystack_revision"
	labelTarget   = "ystack_target"
	labelInputs   = "ystack_inputs"
)

// Container is the path of an application from its source to a container that
// runs in Kubernetes.
type Container struct {
	Goal
	Site     *app.Site
	Registry *image.Client
	Builder  build.Builder
	Cluster  *kubernetes.Target

	names     []string     // external images that the Dockerfile names
	bases     []image.Base // the same, found and pinned
	published string       // digest of an image made of the same inputs, if there is one
	imageID   string       // what the builder calls the image
	digest    string       // what the registry calls it
}

func (c *Container) repository() string {
	return c.Site.Spec.Registries.Push + "/" + c.App.Metadata.Name
}
func (c *Container) tagged() string { return c.repository() + ":" + c.Revision.String() }

func (c *Container) place() deploy.Target { return c.Cluster }

func (c *Container) namespace() string { return c.Cluster.Namespace(c.Cluster.Release) }

func (c *Container) where() map[string]string { return map[string]string{"namespace": c.namespace()} }

func (c *Container) aim() Aim {
	return Aim{
		Target: deploy.Container, Image: c.tagged(), Place: c.Cluster.Place(), Inputs: c.inputs, Steps: steps,
		Key: keyOf(c.App.Metadata.Name, c.repository(), c.Cluster.Client.Server, c.namespace()),
	}
}

func (c *Container) request() build.Request {
	spec := c.App.Spec.Images.Container
	return build.Request{
		ContextDir: filepath.Join(c.Dir, spec.Context),
		Dockerfile: filepath.Join(c.Dir, spec.Dockerfile),
		Target:     spec.Target, Args: spec.Args, Bases: c.bases,
		Insecure: c.Site.Spec.Registries.Insecure, OutputDir: c.imageDir,
	}
}

// check asks, before anything is changed, whether all that the run needs is
// there and right: Dockerfile, cluster, namespace, permissions, the objects to be
// deployed, and the right to push.
func (c *Container) check(ctx context.Context, _ work) (result, error) {
	var err error
	req := c.request()
	if c.names, err = build.ReadBases(req.Dockerfile, req.Args, req.Target); err != nil {
		return result{}, err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		_, err := c.Cluster.Plan(ctx, c.release(""))
		return err
	})
	g.Go(func() error { return c.Registry.CheckPush(ctx, c.tagged()) })
	if err := g.Wait(); err != nil {
		return result{}, err
	}
	return result{message: c.Cluster.Place() + ", registry " + c.repository()}, nil
}

// resolve finds the base images, hashes the inputs, and looks whether an image
// made of the same inputs is in the registry already.
func (c *Container) resolve(ctx context.Context, w work) (result, error) {
	c.bases = make([]image.Base, len(c.names))
	g, gctx := errgroup.WithContext(ctx)
	for i, name := range c.names {
		g.Go(func() (err error) {
			c.bases[i], err = c.Registry.ResolveBase(gctx, name, c.Site.Spec.Registries.Bases)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return result{}, err
	}
	var err error
	if c.inputs, err = build.Inputs(c.request()); err != nil {
		return result{}, err
	}
	if c.published, err = c.findPublished(ctx); err != nil {
		return result{}, err
	}
	output := map[string]string{"inputs": c.inputs}
	served := make([]string, len(c.bases))
	for i, b := range c.bases {
		output["base:"+b.Name] = b.Ref
		served[i] = fmt.Sprintf("%s from %s (%s)", b.Name, b.Registry, short(b.Digest))
	}
	return result{cmp.Or(strings.Join(served, ", "), "no base images"), output}, nil
}

// found is the image if it has this revision's tag.
func (c *Container) found(ctx context.Context) (string, error) {
	if c.published == "" {
		return "", nil
	}
	if digest, err := c.Registry.Digest(ctx, c.tagged()); err != nil || digest != c.published {
		return "", nil //nolint:nilerr // the tag is made in the publish step
	}
	return c.repository() + "@" + c.published, nil
}

// findPublished returns the digest of an image of these inputs under this
// revision's tag, or one that an earlier run from here pushed for another
// revision.
func (c *Container) findPublished(ctx context.Context) (string, error) {
	digest, labels, err := c.Registry.Labels(ctx, c.tagged())
	if err == nil && labels[labelInputs] == c.inputs {
		return digest, nil
	} else if err != nil && !errors.Is(err, image.ErrNotFound) {
		return "", err
	}
	before := func(step, key string) string {
		if c.prior == nil {
			return ""
		}
		return c.prior.Output(deploy.Container, step, key)
	}
	if before("resolve", "inputs") != c.inputs || before("publish", "digest") == "" {
		return "", nil
	}
	digest, err = c.Registry.Digest(ctx, c.repository()+"@"+before("publish", "digest"))
	if errors.Is(err, image.ErrNotFound) {
		return "", nil
	}
	return digest, err
}

// short is enough of a digest for people; an image in a directory has its
// digest at the end of its id.
func short(id string) string {
	hash := id[strings.LastIndexByte(id, ':')+1:]
	return hash[:min(12, len(hash))]
}
