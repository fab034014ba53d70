package build

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/ystackdev/ystack/pkg/image"
)

// probeLimit is how long a daemon may take to say that it is there.
const probeLimit = 10 * time.Second

// tool is how a builder is found.
type tool struct {
	name    string
	binary  string
	probes  [][]string // each must succeed for the builder to be usable; none: the binary is enough
	missing string     // what to do if it is not there
	lacking string     // what to do if a probe fails
	make    func(path string) Builder
}

// tools are the known builders, in order of preference: those that need no
// daemon and no privileges first among equals.
func tools() []tool {
	return []tool{
		{
			name: "buildah", binary: "buildah", missing: "install buildah",
			make: func(path string) Builder { return containers{name: "buildah", path: path} },
		},
		{
			name: "buildkit", binary: "buildctl", probes: [][]string{{"debug", "workers"}},
			missing: "install buildctl", lacking: "start buildkitd, or set BUILDKIT_HOST to where it listens",
			make: func(path string) Builder { return buildkit{path: path} },
		},
		{
			name: "podman", binary: "podman", probes: [][]string{{"info"}},
			missing: "install podman", lacking: "see what podman info says",
			make: func(path string) Builder { return containers{name: "podman", path: path} },
		},
		{
			name: "docker", binary: "docker", probes: [][]string{{"version"}, {"buildx", "version"}},
			missing: "install docker", lacking: "start the docker daemon, or set DOCKER_HOST; buildx must be installed too",
			make: func(path string) Builder { return docker{path: path} },
		},
	}
}

// Find returns the builder called name, or, if name is empty, the first usable
// one of buildah, buildkit, podman, docker. A nil lookPath is exec.LookPath.
func Find(ctx context.Context, name string, lookPath func(string) (string, error)) (Builder, error) {
	if lookPath == nil {
		lookPath = exec.LookPath
	}
	var looked, names []string
	for _, t := range tools() {
		names = append(names, t.name)
		if name != "" && name != t.name {
			continue
		}
		builder, err := t.find(ctx, lookPath)
		if err == nil {
			return builder, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		looked = append(looked, err.Error())
	}
	if len(looked) == 0 {
		return nil, fmt.Errorf("%w is called %q; there are %s", ErrNoBuilder, name, strings.Join(names, ", "))
	}
	return nil, fmt.Errorf("%w found: %s", ErrNoBuilder, strings.Join(looked, "; "))
}

func (t tool) find(ctx context.Context, lookPath func(string) (string, error)) (Builder, error) {
	path, err := lookPath(t.binary)
	if err != nil {
		return nil, fmt.Errorf("%s is not in PATH (%s)", t.binary, t.missing)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, probeLimit, errors.New("no answer in time"))
	defer cancel()
	for _, probe := range t.probes {
		if tail, err := (command{path: path, args: probe}).run(ctx); err != nil {
			return nil, fmt.Errorf("%s is not usable: %s (%s)", t.name, image.Scrub(reason(tail, err)), t.lacking)
		}
	}
	return t.make(path), nil
}
