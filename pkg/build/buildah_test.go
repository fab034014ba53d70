//go:build linux

package build

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/ystackdev/ystack/pkg/image"
	"github.com/ystackdev/ystack/pkg/image/registrytest"
)

// unable skips the test for want of something, unless it runs in CI.
func unable(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// real is the machine's buildah or podman with a storage of the test's own.
func real(t *testing.T, tool string) Builder {
	t.Helper()
	if os.Geteuid() != 0 {
		unable(t, "building with a private storage needs root")
	}
	dir := t.TempDir()
	config := fmt.Sprintf("[storage]\ndriver = \"vfs\"\ngraphroot = %q\nrunroot = %q\n", dir+"/root", dir+"/run")
	if err := os.WriteFile(dir+"/storage.conf", []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CONTAINERS_STORAGE_CONF", dir+"/storage.conf")
	t.Setenv("BUILDAH_ISOLATION", "chroot")
	t.Setenv("TMPDIR", dir)
	builder, err := Find(t.Context(), tool, nil)
	if err != nil {
		unable(t, err.Error())
	}
	return builder
}

// compileShell makes testdata/sh a static file.
func compileShell(t *testing.T) []byte {
	t.Helper()
	shell := filepath.Join(t.TempDir(), "sh")
	compile := exec.Command("go", "build", "-o", shell, "./testdata/sh")
	compile.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	binary, err := os.ReadFile(shell)
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

// baseImage is a file system with that shell, and a file that tells images apart.
func baseImage(t *testing.T, binary []byte, marker string) v1.Image {
	t.Helper()
	var content bytes.Buffer
	w := tar.NewWriter(&content)
	for path, body := range map[string][]byte{"bin/sh": binary, "marker": []byte(marker)} {
		if err := w.WriteHeader(&tar.Header{Name: path, Mode: 0o755, Size: int64(len(body)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content.Bytes())), nil })
	if err != nil {
		t.Fatal(err)
	}
	img, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		t.Fatal(err)
	}
	img, err = mutate.ConfigFile(img, config(t, img))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func config(t *testing.T, img v1.Image) *v1.ConfigFile {
	t.Helper()
	file, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	file = file.DeepCopy()
	file.OS, file.Architecture = "linux", "amd64"
	file.Config.Env = []string{"PATH=/bin"}
	return file
}

// site is a registry with base images, and a builder.
type site struct {
	host    string
	builder Builder
	dir     string
}

func newSite(t *testing.T, tool string) *site {
	t.Helper()
	builder := real(t, tool)
	host := registrytest.Start(t)
	shell := compileShell(t)
	for _, base := range []string{"one", "two"} {
		ref, err := name.ParseReference(host + "/docker/library/" + base + ":1")
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(ref, baseImage(t, shell, base)); err != nil {
			t.Fatal(err)
		}
	}
	return &site{host: host, builder: builder, dir: t.TempDir()}
}

// request resolves the Dockerfile's bases through the site, as a pipeline does.
func (s *site) request(t *testing.T, dockerfile string, args map[string]string) (Request, *bytes.Buffer) {
	t.Helper()
	path := filepath.Join(s.dir, "Dockerfile")
	if err := os.WriteFile(path, []byte(dockerfile), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "file"), []byte("hi"), 0o644); err != nil {
		t.Fatal(err)
	}
	names, err := ReadBases(path, args, "")
	if err != nil {
		t.Fatal(err)
	}
	log := new(bytes.Buffer)
	req := Request{
		ContextDir: s.dir, Dockerfile: path, Args: args, Log: log,
		Labels: map[string]string{"ystack_revision": "abc"}, Created: time.Unix(1_700_000_000, 0),
	}
	for _, base := range names {
		found, err := new(image.Client).ResolveBase(t.Context(), base, []string{s.host + "/docker"})
		if err != nil {
			t.Fatal(err)
		}
		req.Bases = append(req.Bases, found)
	}
	return req, log
}

// Every way in which a Dockerfile names an image leads to the pinned one: the
// names below exist nowhere else.
func TestBuildahPinsEveryReference(t *testing.T) { testPins(t, "buildah") }

func TestPodmanPinsEveryReference(t *testing.T) { testPins(t, "podman") }

func testPins(t *testing.T, tool string) {
	s := newSite(t, tool)
	tests := map[string]struct {
		dockerfile string
		args       map[string]string
	}{
		"tag":       {dockerfile: "FROM one:1\nRUN echo ok\n"},
		"canonical": {dockerfile: "FROM docker.io/library/one:1\nRUN echo ok\n"},
		"platform":  {dockerfile: "FROM --platform=linux/amd64 one:1 AS x\nRUN echo ok\n"},
		"arg":       {dockerfile: "ARG N=nosuch\nARG V=1\nFROM ${N}:$V\nRUN echo ok\n", args: map[string]string{"N": "one"}},
		"stages":    {dockerfile: "FROM one:1 AS b\nRUN save /x y\nFROM two:1\nCOPY --from=b /x /x\nRUN echo ok\n"},
		"copy from": {dockerfile: "FROM one:1\nCOPY --from=two:1 /marker /two\nRUN echo ok\n"},
		"mount":     {dockerfile: "FROM one:1\nRUN --mount=type=bind,from=two:1,target=/mnt mtime /mnt/marker; echo ok\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			req, log := s.request(t, strings.ReplaceAll(test.dockerfile, "ok", "ok "+name), test.args)
			if _, err := s.builder.Build(t.Context(), req); err != nil {
				t.Fatalf("%v\n%s", err, log)
			}
			if !strings.Contains(log.String(), "\nok "+name+"\n") || !strings.Contains(log.String(), "FROM "+s.host) {
				t.Errorf("log: %s", log)
			}
		})
	}
}

func TestBuildahBuildPushHas(t *testing.T) { testBuildPushHas(t, "buildah") }

func TestPodmanBuildPushHas(t *testing.T) { testBuildPushHas(t, "podman") }

func testBuildPushHas(t *testing.T, tool string) {
	s, ctx := newSite(t, tool), t.Context()
	req, log := s.request(t, "FROM one:1\nCOPY file /file\nRUN save /saved now; mtime /saved\n", nil)
	lock, err := os.Create(filepath.Join(t.TempDir(), "lock"))
	if err != nil {
		t.Fatal(err)
	}
	req.Inherit = []*os.File{lock}
	id, err := s.builder.Build(ctx, req)
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	if again, err := s.builder.Build(ctx, req); err != nil || again != id || !strings.Contains(log.String(), "Using cache") {
		t.Errorf("built again: %s, was %s, %v", again, id, err)
	}
	if strings.Contains(log.String(), "/saved 1700000000") {
		t.Error("the build changes the times of files")
	}
	has(t, s.builder, id, true)
	has(t, s.builder, "sha256:"+strings.Repeat("1", 64), false)

	ref := s.host + "/apps/hello:abc"
	digest, err := s.builder.Push(ctx, id, ref, PushRequest{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	if again, err := s.builder.Push(ctx, id, ref, PushRequest{}); err != nil || again != digest {
		t.Errorf("pushed again: %s, was %s, %v", again, digest, err)
	}
	got, labels, err := new(image.Client).Labels(ctx, ref)
	if err != nil || got != digest || labels["ystack_revision"] != "abc" {
		t.Errorf("in the registry: %s %v %v, want %s", got, labels, err, digest)
	}
	checkAnnotation(t, ref, "ystack_revision", "abc")
	checkAnnotation(t, ref, createdLabel, "2023-11-14T22:13:20Z")
}

func has(t *testing.T, builder Builder, id string, want bool) {
	t.Helper()
	if got, err := builder.Has(t.Context(), id); err != nil || got != want {
		t.Errorf("Has(%s) = %v %v, want %v", id, got, err, want)
	}
}

func checkAnnotation(t *testing.T, ref, key, want string) {
	t.Helper()
	r, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	img, err := remote.Image(r)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := img.Manifest()
	if err != nil || manifest.Annotations[key] != want {
		t.Errorf("annotations %v %v", manifest.Annotations, err)
	}
}

func TestBuildahHonoursIgnoreFiles(t *testing.T) {
	s := newSite(t, "buildah")
	req, log := s.request(t, "FROM one:1\nCOPY . /all/\nRUN mtime /all/file\n", nil)
	for file, content := range map[string]string{".containerignore": "file\n", ".dockerignore": "file\n", "Dockerfile.dockerignore": "other\n"} {
		if err := os.WriteFile(filepath.Join(s.dir, file), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.builder.Build(t.Context(), req); err != nil {
		t.Errorf("the Dockerfile's own ignore file was not used: %v\n%s", err, log)
	}
}

func TestBuildahFailures(t *testing.T) {
	s := newSite(t, "buildah")
	tests := []struct {
		name, dockerfile string
		kind             error
		want             string
	}{
		{
			"run", "FROM one:1\nRUN echo first\nRUN complain broken; exit 3\n", ErrStep,
			"buildah: D:3: step failed: RUN complain broken; exit 3: exit status 3; it last said: broken",
		},
		{"copy", "FROM one:1\nCOPY nosuch /\n", ErrStep, "buildah: D:2: step failed: COPY nosuch /: "},
		{"flag", "FROM one:1\nCOPY --nosuch=1 file /\n", ErrDockerfile, "buildah: D:2: wrong Dockerfile: COPY --nosuch=1 file /: "},
		{"heredoc", "FROM one:1\nRUN <<E\necho x\nE\n", ErrDockerfile, "D:2: here-documents need buildah 1.33 or newer, this is 1.28.2"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			req, log := s.request(t, test.dockerfile, nil)
			if test.name == "heredoc" {
				if version, err := s.builder.Version(t.Context()); err != nil || !older(version, heredocs["buildah"]) {
					t.Skipf("buildah %s knows here-documents", version)
				}
			}
			_, err := s.builder.Build(t.Context(), req)
			if !errors.Is(err, test.kind) || !strings.HasPrefix(strings.ReplaceAll(err.Error(), req.Dockerfile, "D"), test.want) {
				t.Errorf("got  %v\nwant %s\n%s", err, test.want, log)
			}
		})
	}
}

func TestBuildahBaseGone(t *testing.T) {
	s := newSite(t, "buildah")
	req, log := s.request(t, "FROM one:1\nRUN echo x\n", nil)
	good := req.Bases[0]
	req.Bases[0].Ref = s.host + "/docker/library/one@sha256:" + strings.Repeat("1", 64)
	if _, err := s.builder.Build(t.Context(), req); !errors.Is(err, ErrBase) {
		t.Errorf("absent base: %v\n%s", err, log)
	}
	req.Bases[0].Ref, req.Bases[0].Registry = "127.0.0.1:1/one@"+good.Digest, "127.0.0.1:1"
	if _, err := s.builder.Build(t.Context(), req); !errors.Is(err, ErrBase) || !errors.Is(err, ErrUnreachable) {
		t.Errorf("dead registry: %v\n%s", err, log)
	}
}

func TestBuildahPushRefused(t *testing.T) {
	s, ctx := newSite(t, "buildah"), t.Context()
	req, _ := s.request(t, "FROM one:1\n", nil)
	id, err := s.builder.Build(ctx, req)
	if err != nil {
		t.Fatal(err)
	}
	closed := registrytest.Start(t, registrytest.Login("user:$2y$04$5OJQ9XYaSGBu3Hp7cgHsVeS56EzZMnab9J65StxeSEU98bJ114Cvu\n"))
	if _, err := s.builder.Push(ctx, id, closed+"/a:1", PushRequest{}); !errors.Is(err, ErrUnauthorized) {
		t.Errorf("without a login: %v", err)
	}
	if _, err := s.builder.Push(ctx, id, "127.0.0.1:1/a:1", PushRequest{}); !errors.Is(err, ErrUnreachable) {
		t.Errorf("dead registry: %v", err)
	}
}

// A build that is cancelled during a step leaves no process behind.
func TestBuildahCancel(t *testing.T) {
	s := newSite(t, "buildah")
	req, log := s.request(t, "FROM one:1\nRUN echo started; sleep 98765\n", nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	started := make(chan struct{})
	req.Log = &waiter{for_: "started", done: started, log: log}
	go func() { <-started; cancel() }()
	_, err := s.builder.Build(ctx, req)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v\n%s", err, log)
	}
	eventually(t, "end of the step", func() bool { return !running("sleep 98765") })
}

// waiter closes done once a line is for_.
type waiter struct {
	for_ string
	done chan struct{}
	log  io.Writer
}

func (w *waiter) Write(line []byte) (int, error) {
	if strings.TrimSpace(string(line)) == w.for_ {
		close(w.done)
	}
	return w.log.Write(line)
}

func running(command string) bool {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		line, _ := os.ReadFile(file)
		if strings.Contains(string(bytes.ReplaceAll(line, []byte{0}, []byte(" "))), command) {
			return true
		}
	}
	return false
}
