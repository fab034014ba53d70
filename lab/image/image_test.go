//go:build linux

package image

import (
	"archive/tar"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// fakeBusybox lists two applets, as the real one does.
func fakeBusybox(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "busybox")
	if err := os.WriteFile(file, []byte("#!/bin/sh\nprintf 'sh\\nbusybox\\nls\\n'\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return file
}

func goroot(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, file := range []string{"bin/go", "src/fmt/print.go", "src/doc/keep.go", "test/big.go", "doc/x", "api/x"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, file)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file), []byte(file), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("go", filepath.Join(dir, "bin/gofmt")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func server(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

func TestEnsure(t *testing.T) {
	busybox, root := fakeBusybox(t), goroot(t)
	var digests []v1.Hash
	for range 2 { // the same files, pushed to two registries, are the same image
		repository, made := server(t)+"/library/golang", 0
		for range 2 { // the second time nothing is to be done
			err := Ensure(t.Context(), http.DefaultTransport, repository, []string{"1.26", "1.26.8"}, func() (v1.Image, error) {
				made++
				return Golang(busybox, root, []byte("CA"))
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if made != 1 {
			t.Errorf("made %d times", made)
		}
		for _, tag := range []string{":1.26", ":1.26.8"} {
			digests = append(digests, pull(t, repository+tag))
		}
	}
	for _, d := range digests {
		if d != digests[0] {
			t.Fatalf("digests differ: %v", digests)
		}
	}
}

// pull checks an image of TestEnsure and returns its digest.
func pull(t *testing.T, ref string) v1.Hash {
	t.Helper()
	r, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	image, err := remote.Image(r)
	if err != nil {
		t.Fatal(err)
	}
	files := list(t, image)
	for _, want := range []string{"bin/sh", "bin/ls", "usr/bin/env", "etc/passwd", "tmp/", "usr/local/go/bin/go", "usr/local/go/bin/gofmt", "usr/local/go/src/doc/keep.go", "etc/ssl/certs/ca-certificates.crt"} {
		if files[want] == nil {
			t.Errorf("%s is missing", want)
		}
	}
	for file, h := range files {
		if strings.HasPrefix(file, "usr/local/go/test") || h.Uid != 0 || h.ModTime.Unix() != 0 {
			t.Errorf("%s: uid %d, time %v", file, h.Uid, h.ModTime)
		}
	}
	config, err := image.ConfigFile()
	if err != nil || !strings.Contains(strings.Join(config.Config.Env, " "), "GOTOOLCHAIN=local") {
		t.Errorf("%+v, %v", config, err)
	}
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest
}

func list(t *testing.T, image v1.Image) map[string]*tar.Header {
	t.Helper()
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]*tar.Header{}
	for _, l := range layers {
		data, err := l.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		for r := tar.NewReader(data); ; {
			h, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			files[h.Name] = h
		}
	}
	return files
}

func TestEnsureReports(t *testing.T) {
	broken := errors.New("broken")
	if err := Ensure(t.Context(), http.DefaultTransport, server(t)+"/x", []string{"1"}, func() (v1.Image, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	_, err := Busybox(filepath.Join(t.TempDir(), "none"))
	if err == nil {
		t.Error("an image without a busybox was made")
	}
	err = Ensure(t.Context(), http.DefaultTransport, "127.0.0.1:1/x", []string{"1"}, func() (v1.Image, error) {
		t.Error("a registry that does not answer was taken for an empty one")
		return nil, broken
	})
	if err == nil {
		t.Error("no error without a registry")
	}
}

func TestWritePause(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pause.tar")
	if err := WritePause(file, fakeBusybox(t), "lab.ystack.dev/pause:1"); err != nil {
		t.Fatal(err)
	}
	image, err := tarball.ImageFromPath(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	if files := list(t, image); len(files) != 1 || files["pause"] == nil {
		t.Errorf("holds %v", files)
	}
}
