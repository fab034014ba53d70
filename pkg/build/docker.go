package build

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ystackdev/ystack/pkg/image"
)

// docker builds through docker's client and daemon, with buildx.
//
// Which registries are insecure is in the daemon's configuration: neither
// Request's nor PushRequest's Insecure has an effect. Annotations are left out:
// docker's own image store, the default, has no place for them.
type docker struct{ path string }

func (docker) Name() string { return "docker" }

// Version is that of the client and of the daemon.
func (d docker) Version(ctx context.Context) (string, error) {
	args := []string{"version", "--format", "{{.Client.Version}} (daemon {{.Server.Version}})"}
	out, err := command{path: d.path, args: args}.run(ctx)
	if err != nil || len(out) == 0 {
		return "", failure{tool: "docker"}.explain(ctx, out, orEmpty(err))
	}
	return out[len(out)-1], nil
}

func (d docker) Build(ctx context.Context, req Request) (string, error) {
	doc, err := readDockerfile(req.Dockerfile, req.Args)
	if err != nil {
		return "", err
	}
	pins, err := req.pins(doc)
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "ystack-build-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	idFile := filepath.Join(dir, "id")
	run := command{path: d.path, args: dockerFlags(req, pins, idFile), env: dated(req), log: req.Log, inherit: req.Inherit}
	tail, err := run.run(ctx)
	if err != nil {
		return "", failure{tool: "docker", doc: doc}.explain(ctx, tail, err)
	}
	id, err := os.ReadFile(idFile)
	return strings.TrimSpace(string(id)), err
}

// dockerFlags is the command line. Without --provenance=false the image is an
// index with an attestation that differs from build to build.
func dockerFlags(req Request, pins map[reference]image.Base, idFile string) []string {
	args := []string{"buildx", "build", "--load", "--progress=plain", "--provenance=false", "--iidfile", idFile, "--file", req.Dockerfile}
	if req.Target != "" {
		args = append(args, "--target", req.Target)
	}
	args = append(args, flags("--build-arg", req.Args)...)
	args = append(args, flags("--build-context", familiar(pins))...)
	args = append(args, flags("--label", req.annotations())...)
	return append(args, req.ContextDir)
}

// dated is how buildx learns the date of image and history; files keep theirs.
func dated(req Request) []string {
	if req.Created.IsZero() {
		return nil
	}
	return []string{"SOURCE_DATE_EPOCH=" + strconv.FormatInt(req.Created.Unix(), 10)}
}

func (d docker) Has(ctx context.Context, imageID string) (bool, error) {
	args := []string{"image", "inspect", "--format", "ok", imageID}
	tail, err := command{path: d.path, args: args}.run(ctx)
	return present(ctx, "docker", tail, err)
}

// pushedDigest is in the last line that docker push prints.
var pushedDigest = pattern(`digest: (sha256:[0-9a-f]{64}) size: \d+`)

func (d docker) Push(ctx context.Context, imageID, ref string, req PushRequest) (string, error) {
	tag := command{path: d.path, args: []string{"tag", imageID, ref}, log: req.Log, inherit: req.Inherit}
	if tail, err := tag.run(ctx); err != nil {
		return "", failure{tool: "docker"}.explain(ctx, tail, err)
	}
	push := command{path: d.path, args: []string{"push", ref}, log: req.Log, inherit: req.Inherit}
	tail, err := push.run(ctx)
	if err != nil {
		return "", failure{tool: "docker", where: ref, pushing: true}.explain(ctx, tail, err)
	}
	found := pushedDigest().FindStringSubmatch(strings.Join(tail, "\n"))
	if found == nil {
		return "", fmt.Errorf("docker push %s: no digest in its output", ref)
	}
	return found[1], nil
}
