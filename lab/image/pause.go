//go:build linux

package image

import (
	"archive/tar"
	"bytes"
	"io"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// WritePause writes an archive for "ctr images import" with an image that
// holds nothing but the program binary.
func WritePause(archive, binary, ref string) error {
	tag, err := name.NewTag(ref)
	if err != nil {
		return err
	}
	var files bytes.Buffer
	w := &writer{tar.NewWriter(&files)}
	if err := w.file("pause", binary, 0o755); err != nil {
		return err
	}
	if err := w.tar.Close(); err != nil {
		return err
	}
	only, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(files.Bytes())), nil })
	if err != nil {
		return err
	}
	image, err := build(v1.Config{Entrypoint: []string{"/pause"}}, only)
	if err != nil {
		return err
	}
	return tarball.WriteToFile(archive, tag, image)
}
