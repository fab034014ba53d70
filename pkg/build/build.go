// Package build turns a Dockerfile and its context into a container image with
// whichever builder the machine has: buildah, BuildKit, podman or docker.
package build

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/ystackdev/ystack/pkg/image"
)

// createdLabel is the OCI name for when an image was made.
const createdLabel = "org.opencontainers.image.created"

// Request says what to build.
type Request struct {
	ContextDir  string            // directory that COPY reads from
	Dockerfile  string            // path of the Dockerfile, absolute or relative to the working directory
	Target      string            // stage to build; "" is the last one
	Args        map[string]string // values for ARG; not for secrets, images keep them
	Bases       []image.Base      // every external image of the Dockerfile (see Bases), pinned
	Labels      map[string]string // set on the image and its manifest; each costs buildah and podman a step
	Annotations map[string]string // set on the manifest (annotations), and on the image where that costs nothing
	Created     time.Time         // what the image is dated, e.g. the commit's time; zero leaves it to the builder
	Insecure    []string          // registries without (verified) TLS, besides loopback
	OutputDir   string            // where a builder without an image store (BuildKit) leaves the image; "" is a new temporary directory, the caller's to remove
	Log         io.Writer         // the tool's output, whole lines; nil discards it
	Inherit     []*os.File        // kept open in child processes: the run's lock (not on Windows)
}

// PushRequest says how to push.
type PushRequest struct {
	Insecure []string   // registries without (verified) TLS, besides loopback
	Log      io.Writer  // the tool's output, whole lines; nil discards it
	Inherit  []*os.File // kept open in child processes: the run's lock (not on Windows)
}

// Builder is a tool that builds and pushes container images.
type Builder interface {
	// Name is the tool: buildah, buildkit, podman or docker.
	Name() string
	// Version is what the tool says its version is, for the record.
	Version(ctx context.Context) (string, error)
	// Build builds an image and returns its id, which only this builder understands.
	Build(ctx context.Context, req Request) (imageID string, err error)
	// Has tells whether the builder still holds the image.
	Has(ctx context.Context, imageID string) (bool, error)
	// Push uploads the image to ref (HOST/REPO:TAG) and returns the digest of
	// the manifest that the registry has under it now.
	Push(ctx context.Context, imageID, ref string, req PushRequest) (digest string, err error)
}

// annotations are all that is to be said of the image: labels, annotations, and the date,
// since not every builder can set the image's own without changing its files too.
func (r Request) annotations() map[string]string {
	all := map[string]string{}
	if !r.Created.IsZero() {
		all[createdLabel] = r.Created.UTC().Format(time.RFC3339)
	}
	maps.Copy(all, r.Labels)
	maps.Copy(all, r.Annotations)
	return all
}

// pins says which pinned image stands for which name in the Dockerfile. A name
// without one is refused: the builder would fetch it from wherever it likes.
func (r Request) pins(d *dockerfile) (map[reference]image.Base, error) {
	refs, err := d.external(r.Target)
	if err != nil {
		return nil, err
	}
	pins := map[reference]image.Base{}
	for _, ref := range refs {
		i := slices.IndexFunc(r.Bases, func(base image.Base) bool { return base.Name == ref.name })
		if i < 0 {
			return nil, fmt.Errorf("%s: base image %s was not resolved to a digest before the build", d.path, ref.name)
		}
		pins[ref] = r.Bases[i]
	}
	return pins, nil
}

// flags repeats flag for each entry of a map, in a fixed order.
func flags(flag string, values map[string]string) []string {
	var args []string
	for _, key := range slices.Sorted(maps.Keys(values)) {
		args = append(args, flag, key+"="+values[key])
	}
	return args
}
