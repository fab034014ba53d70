//go:build unix

package build

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// path makes a lookPath that knows only the given scripts.
func path(t *testing.T, scripts map[string]string) func(string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	for name, script := range scripts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return func(name string) (string, error) { return exec.LookPath(filepath.Join(dir, name)) }
}

func TestFind(t *testing.T) {
	down := "echo ERROR: no daemon here >&2; exit 1"
	tests := []struct {
		name, ask string
		scripts   map[string]string
		want      string
		err       string
	}{
		{"order", "", map[string]string{"podman": "", "buildah": "", "docker": ""}, "buildah", ""},
		{"daemon down", "", map[string]string{"buildctl": down, "podman": ""}, "podman", ""},
		{"asked for", "docker", map[string]string{"buildah": "", "docker": ""}, "docker", ""},
		{
			"asked for, down", "buildkit",
			map[string]string{"buildah": "", "buildctl": down},
			"",
			"no container image builder found: buildkit is not usable: no daemon here (start buildkitd, or set BUILDKIT_HOST to where it listens)",
		},
		{"unknown", "kaniko", nil, "", `no container image builder is called "kaniko"; there are buildah, buildkit, podman, docker`},
		{"none", "", nil, "", "no container image builder found: buildah is not in PATH (install buildah); buildctl is not in PATH (install buildctl); " +
			"podman is not in PATH (install podman); docker is not in PATH (install docker)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := Find(t.Context(), test.ask, path(t, test.scripts))
			switch {
			case test.err != "":
				if !errors.Is(err, ErrNoBuilder) || err.Error() != test.err {
					t.Errorf("got  %v\nwant %s", err, test.err)
				}
			case err != nil || got.Name() != test.want:
				t.Errorf("got %v %v, want %s", got, err, test.want)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	lookup := path(t, map[string]string{
		"buildah":  "echo 'buildah version 1.28.2 (image-spec 1.1.0-rc2, runtime-spec 1.0.2-dev)'",
		"podman":   "echo podman version 4.3.1",
		"buildctl": "echo buildctl github.com/moby/buildkit v0.31.2 0123abc",
		"docker":   "echo '28.2.2 (daemon 28.2.2)'",
	})
	var got []string
	for _, tool := range tools() {
		builder, err := Find(t.Context(), tool.name, lookup)
		if err != nil {
			t.Fatal(err)
		}
		version, err := builder.Version(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, version)
	}
	if want := "1.28.2, 0.31.2, 4.3.1, 28.2.2 (daemon 28.2.2)"; strings.Join(got, ", ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
