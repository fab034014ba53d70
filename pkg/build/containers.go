package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ystackdev/ystack/pkg/image"
)

// containers is buildah or podman. Both are one library (podman build is
// buildah's code), so they share flags, storage and messages.
type containers struct {
	name string // buildah or podman
	path string
}

func (c containers) Name() string { return c.name }

// Version reads "buildah version 1.28.2 (image-spec …)" or "podman version 4.3.1".
func (c containers) Version(ctx context.Context) (string, error) {
	out, err := command{path: c.path, args: []string{"--version"}}.run(ctx)
	if err != nil || len(out) == 0 {
		return "", fmt.Errorf("%s --version: %w", c.name, orEmpty(err))
	}
	words := strings.Fields(out[0])
	if len(words) < 3 {
		return "", fmt.Errorf("%s --version says %q", c.name, out[0])
	}
	return words[2], nil
}

func (c containers) Build(ctx context.Context, req Request) (string, error) {
	d, err := readDockerfile(req.Dockerfile, req.Args)
	if err != nil {
		return "", err
	}
	pins, err := req.pins(d)
	if err != nil {
		return "", err
	}
	if err := c.checkHeredoc(ctx, d); err != nil {
		return "", err
	}
	skipTLS, err := c.pullInsecure(ctx, req)
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "ystack-build-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	idFile := filepath.Join(dir, "id")
	args := append([]string{"build", "--iidfile", idFile}, buildFlags(req, pins, skipTLS)...)
	tail, err := command{path: c.path, args: append(args, req.ContextDir), log: req.Log, inherit: req.Inherit}.run(ctx)
	if err != nil {
		return "", failure{tool: c.name, doc: d}.explain(ctx, tail, err)
	}
	id, err := os.ReadFile(idFile)
	return strings.TrimSpace(string(id)), err
}

// buildFlags is the command line without its context directory.
//
// --layers takes unchanged steps from the cache. --force-rm leaves no working
// container behind when a step fails; each is a copy of the disk. --pull=false fetches a base
// only if it is not there: it is named by digest, so there is nothing newer.
//
// --layers makes a step, and a layer in the store, of each --label: some 0.15 s.
// Annotations cost nothing.
//
// Not --timestamp, although it would date the image: it also sets the time of
// every file that a step wrote, during the build, which breaks whoever compares
// times (Python's bytecode is stale at once, and compiled again at every start),
// and layers from the cache keep the time of the build that made them, so that
// the image is reproducible on a cold cache only. The date is a label instead.
func buildFlags(req Request, pins map[reference]image.Base, skipTLS bool) []string {
	args := []string{"--layers", "--force-rm", "--pull=false", "--file", req.Dockerfile}
	if ignore := ignoreFile(req.ContextDir, req.Dockerfile); ignore != "" {
		args = append(args, "--ignorefile", ignore)
	}
	if req.Target != "" {
		args = append(args, "--target", req.Target)
	}
	args = append(args, flags("--build-arg", req.Args)...)
	args = append(args, flags("--build-context", contexts(pins))...)
	args = append(args, flags("--label", req.Labels)...)
	args = append(args, flags("--annotation", req.annotations())...)
	if skipTLS {
		args = append(args, "--tls-verify=false")
	}
	return args
}

// contexts maps names in the Dockerfile to pinned images. Buildah up to 1.28 at
// least looks a FROM up before it fills in ARGs, so that what is written there
// is mapped too.
func contexts(pins map[reference]image.Base) map[string]string {
	named := map[string]string{}
	for ref, base := range pins {
		named[ref.name] = "docker-image://" + base.Ref
		named[ref.raw] = named[ref.name]
	}
	return named
}

// pullInsecure says whether the build may skip TLS verification. The tools have
// one switch for all registries, so if only some are insecure, those bases are
// pulled before, each with its own switch, and the build verifies.
func (c containers) pullInsecure(ctx context.Context, req Request) (skipTLS bool, err error) {
	var insecure []image.Base
	for _, base := range req.Bases {
		if image.IsInsecure(base.Registry, req.Insecure) {
			insecure = append(insecure, base)
		}
	}
	if len(insecure) == len(req.Bases) {
		return len(insecure) > 0, nil
	}
	for _, base := range insecure {
		args := []string{"pull", "--tls-verify=false", base.Ref}
		tail, err := command{path: c.path, args: args, log: req.Log, inherit: req.Inherit}.run(ctx)
		if err != nil {
			return false, failure{tool: c.name, where: base.Ref, pulling: true}.explain(ctx, tail, err)
		}
	}
	return false, nil
}

// heredocs says since when the tools understand here-documents. Before, they
// run the first line and take the rest for instructions.
var heredocs = map[string][2]int{"buildah": {1, 33}, "podman": {4, 8}}

func (c containers) checkHeredoc(ctx context.Context, d *dockerfile) error {
	line := d.heredoc()
	if line == 0 {
		return nil
	}
	version, err := c.Version(ctx)
	if err != nil {
		return err
	}
	need := heredocs[c.name]
	if older(version, need) {
		msg := fmt.Sprintf("here-documents need %s %d.%d or newer, this is %s; write the lines another way, or use buildkit", c.name, need[0], need[1], version)
		return &DockerfileError{File: d.path, Line: line, Msg: msg}
	}
	return nil
}

func older(version string, than [2]int) bool {
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	x, errX := strconv.Atoi(major)
	y, errY := strconv.Atoi(minor)
	return errX == nil && errY == nil && (x < than[0] || x == than[0] && y < than[1])
}

func (c containers) Has(ctx context.Context, imageID string) (bool, error) {
	args := []string{"inspect", "--type", "image", imageID}
	tail, err := command{path: c.path, args: args}.run(ctx)
	return present(ctx, c.name, tail, err)
}

// present reads the outcome of a tool's inspect command.
func present(ctx context.Context, tool string, tail []string, err error) (bool, error) {
	var exit *exec.ExitError
	switch said := strings.ToLower(strings.Join(tail, " ")); {
	case err == nil:
		return true, nil
	case errors.As(err, &exit) && (strings.Contains(said, "no such") || strings.Contains(said, "not known")):
		return false, nil
	}
	return false, failure{tool: tool}.explain(ctx, tail, err)
}

func (c containers) Push(ctx context.Context, imageID, ref string, req PushRequest) (string, error) {
	dir, err := os.MkdirTemp("", "ystack-push-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	digestFile := filepath.Join(dir, "digest")
	args := []string{"push", "--digestfile", digestFile}
	if image.IsInsecure(hostOf(ref), req.Insecure) {
		args = append(args, "--tls-verify=false")
	}
	args = append(args, imageID, "docker://"+ref)
	tail, err := command{path: c.path, args: args, log: req.Log, inherit: req.Inherit}.run(ctx)
	if err != nil {
		return "", failure{tool: c.name, where: ref, pushing: true}.explain(ctx, tail, err)
	}
	digest, err := os.ReadFile(digestFile)
	return strings.TrimSpace(string(digest)), err
}

func hostOf(ref string) string {
	host, _, _ := strings.Cut(ref, "/")
	return host
}

var errNoOutput = errors.New("it printed nothing")

func orEmpty(err error) error {
	if err == nil {
		return errNoOutput
	}
	return err
}
