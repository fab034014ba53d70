package pipeline

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/build"
	"github.com/ystackdev/ystack/pkg/deploy/kubernetes"
	"github.com/ystackdev/ystack/pkg/image"
	"github.com/ystackdev/ystack/pkg/source"
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
	App      *app.Application
	Dir      string // of ystack.yaml
	Revision source.Revision
	Site     *app.Site
	Registry *image.Client
	Builder  build.Builder
	Deployer *kubernetes.Deployer
	By       string // who runs it, for the record

	names     []string     // external images that the Dockerfile names
	bases     []image.Base // the same, found and pinned
	inputs    string       // hash of all that decides the image's content
	published string       // digest of an image made of the same inputs, if there is one
	imageID   string       // what the builder calls the image
	digest    string       // what the registry calls it
	prior     *Run         // the run before this one, if any
	boundary  func(point string)
	imageDir  string // where a builder without a store of its own leaves the image
}

func (c *Container) repository() string {
	return c.Site.Spec.Registries.Push + "/" + c.App.Metadata.Name
}
func (c *Container) tagged() string { return c.repository() + ":" + c.Revision.String() }

// key names what a run changes: two runs with the same key must not overlap.
func (c *Container) key() string {
	h := sha256.Sum256([]byte(strings.Join([]string{c.App.Metadata.Name, c.repository(), c.Deployer.Client.Server, c.namespace()}, "\x00")))
	return hex.EncodeToString(h[:8])
}

func (c *Container) namespace() string { return c.Deployer.Namespace(c.release("")) }

// release is what the cluster is to run: an image of the application by digest.
func (c *Container) release(digest string) kubernetes.Release {
	return kubernetes.Release{
		App: c.App.Metadata.Name, Image: c.repository() + "@" + digest,
		Revision: c.Revision.String(), By: c.By, Source: c.Revision.Remote,
		Spec: *c.App.Spec.Deploy.Container, Health: c.App.Spec.Health, Dir: c.Dir,
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

// unbuilt stands for the digest of the image that is still to be built, where
// the cluster is asked whether it would take it.
var unbuilt = "sha256:" + strings.Repeat("0", 64)

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
	g.Go(func() error { return c.Deployer.Rehearse(ctx, c.release(unbuilt)) })
	g.Go(func() error { return c.Registry.CheckPush(ctx, c.tagged()) })
	if err := g.Wait(); err != nil {
		return result{}, err
	}
	return result{message: fmt.Sprintf("cluster %s, namespace %s, registry %s",
		cmp.Or(c.Deployer.Client.Context, c.Deployer.Client.Server), c.namespace(), c.repository())}, nil
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
	if c.prior == nil || c.prior.Output("resolve", "inputs") != c.inputs || c.prior.Output("publish", "digest") == "" {
		return "", nil
	}
	digest, err = c.Registry.Digest(ctx, c.repository()+"@"+c.prior.Output("publish", "digest"))
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
