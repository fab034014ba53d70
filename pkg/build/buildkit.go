package build

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"

	"github.com/ystackdev/ystack/pkg/image"
)

// buildkit builds through buildctl and the daemon that BUILDKIT_HOST names. The
// daemon keeps no images, only a cache, so the image is exported as an OCI
// layout, and its id says where: oci:DIRECTORY@sha256:….
//
// Which registries are insecure is in the daemon's configuration; Request's
// Insecure has no effect on what the daemon pulls.
type buildkit struct{ path string }

func (buildkit) Name() string { return "buildkit" }

// Version reads "buildctl github.com/moby/buildkit v0.31.2 …".
func (b buildkit) Version(ctx context.Context) (string, error) {
	out, err := command{path: b.path, args: []string{"--version"}}.run(ctx)
	if err != nil || len(out) == 0 {
		return "", fmt.Errorf("buildctl --version: %w", orEmpty(err))
	}
	words := strings.Fields(out[0])
	if len(words) < 3 {
		return "", fmt.Errorf("buildctl --version says %q", out[0])
	}
	return strings.TrimPrefix(words[2], "v"), nil
}

func (b buildkit) Build(ctx context.Context, req Request) (string, error) {
	d, err := readDockerfile(req.Dockerfile, req.Args)
	if err != nil {
		return "", err
	}
	pins, err := req.pins(d)
	if err != nil {
		return "", err
	}
	dir, err := outputDir(req.OutputDir)
	if err != nil {
		return "", err
	}
	args, err := buildctlFlags(req, pins, dir)
	if err != nil {
		return "", err
	}
	tail, err := command{path: b.path, args: args, log: req.Log, inherit: req.Inherit}.run(ctx)
	if err != nil {
		return "", failure{tool: b.Name(), doc: d}.explain(ctx, tail, err)
	}
	return layoutID(dir)
}

func outputDir(dir string) (string, error) {
	if dir == "" {
		return os.MkdirTemp("", "ystack-image-")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("directory for the image: %w", err)
	}
	return filepath.Abs(dir)
}

func buildctlFlags(req Request, pins map[reference]image.Base, dir string) ([]string, error) {
	output, err := ociOutput(dir, req.annotations())
	if err != nil {
		return nil, err
	}
	args := []string{
		"build", "--progress=plain", "--frontend=dockerfile.v0",
		"--local", "context=" + req.ContextDir,
		"--local", "dockerfile=" + filepath.Dir(req.Dockerfile),
		"--opt", "filename=" + filepath.Base(req.Dockerfile),
		"--output", output,
	}
	if req.Target != "" {
		args = append(args, "--opt", "target="+req.Target)
	}
	// Dates image and history only: files keep their times unless the exporter
	// is asked to rewrite them, and the cache does not depend on it.
	if !req.Created.IsZero() {
		args = append(args, "--opt", "build-arg:SOURCE_DATE_EPOCH="+strconv.FormatInt(req.Created.Unix(), 10))
	}
	args = append(args, flags("--opt", prefixed("build-arg:", req.Args))...)
	args = append(args, flags("--opt", prefixed("label:", req.annotations()))...)
	return append(args, flags("--opt", prefixed("context:", familiar(pins)))...), nil
}

// ociOutput is the exporter's description: comma separated, quoted as CSV is.
func ociOutput(dir string, annotations map[string]string) (string, error) {
	fields := []string{"type=oci", "tar=false", "dest=" + dir}
	for _, annotation := range flags("", prefixed("annotation.", annotations)) {
		if annotation != "" {
			fields = append(fields, annotation)
		}
	}
	var line strings.Builder
	w := csv.NewWriter(&line)
	if err := w.Write(fields); err != nil {
		return "", err
	}
	w.Flush()
	return strings.TrimSuffix(line.String(), "\n"), nil
}

func prefixed(prefix string, values map[string]string) map[string]string {
	out := make(map[string]string, len(values))
	for key, value := range values {
		out[prefix+key] = value
	}
	return out
}

// familiar maps names as BuildKit looks them up, which is how docker prints
// them: "golang" for docker.io/library/golang:latest.
func familiar(pins map[reference]image.Base) map[string]string {
	named := map[string]string{}
	for ref, base := range pins {
		named[familiarName(ref.name)] = "docker-image://" + base.Ref
	}
	return named
}

func familiarName(image string) string {
	r, err := name.ParseReference(image)
	if err == nil && r.Context().RegistryStr() == name.DefaultRegistry {
		for _, host := range []string{"index.docker.io/", "docker.io/"} {
			image = strings.TrimPrefix(image, host)
		}
		image = strings.TrimPrefix(image, "library/")
	}
	return strings.TrimSuffix(image, ":latest")
}

// layoutID names the image in a layout by place and digest.
func layoutID(dir string) (string, error) {
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return "", fmt.Errorf("buildkit left no image in %s: %w", dir, err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return "", fmt.Errorf("buildkit left no image in %s: %w", dir, err)
	}
	if len(manifest.Manifests) == 0 {
		return "", fmt.Errorf("buildkit left no image in %s", dir)
	}
	// A directory that is used again collects images; the newest is the last.
	newest := manifest.Manifests[len(manifest.Manifests)-1]
	return "oci:" + dir + "@" + newest.Digest.String(), nil
}

var errNotOurs = errors.New("not an image id of buildkit's (want oci:DIRECTORY@sha256:DIGEST)")

func splitID(imageID string) (dir string, digest v1.Hash, err error) {
	rest, ok := strings.CutPrefix(imageID, "oci:")
	i := strings.LastIndex(rest, "@")
	if !ok || i < 0 {
		return "", digest, fmt.Errorf("%q: %w", imageID, errNotOurs)
	}
	if digest, err = v1.NewHash(rest[i+1:]); err != nil {
		return "", digest, fmt.Errorf("%q: %w", imageID, errNotOurs)
	}
	return rest[:i], digest, nil
}

func (buildkit) Has(_ context.Context, imageID string) (bool, error) {
	dir, digest, err := splitID(imageID)
	if err != nil {
		return false, err
	}
	_, err = os.Stat(filepath.Join(dir, "blobs", digest.Algorithm, digest.Hex))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (buildkit) Push(ctx context.Context, imageID, ref string, req PushRequest) (string, error) {
	dir, digest, err := splitID(imageID)
	if err != nil {
		return "", err
	}
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return "", fmt.Errorf("image of the build: %w", err)
	}
	img, err := index.Image(digest)
	if err != nil {
		return "", fmt.Errorf("image of the build: %w", err)
	}
	client := &image.Client{Insecure: req.Insecure}
	pushed, err := client.Push(ctx, ref, img)
	if err != nil {
		return "", pushError(ref, err)
	}
	return pushed, nil
}

// pushError gives a failed push the sentinels that other builders' have.
func pushError(ref string, err error) error {
	kind := ErrRefused
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, image.ErrUnauthorized):
		kind = ErrUnauthorized
	case errors.Is(err, image.ErrUnreachable):
		kind = ErrUnreachable
	}
	return &ToolError{Tool: "buildkit", Kind: kind, Where: ref, Reason: err.Error()}
}
