//go:build linux

// Package image makes the container images that the lab's registries start
// with, out of what the machine has. The same input gives the same digest.
package image

import (
	"archive/tar"
	"compress/gzip"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/stream"
)

// layer streams what fill writes into the registry, once. It is compressed
// lightly: it never leaves the machine.
func layer(fill func(*writer) error) v1.Layer {
	out, in := io.Pipe()
	go func() {
		w := &writer{tar.NewWriter(in)}
		err := fill(w)
		if err == nil {
			err = w.tar.Close()
		}
		in.CloseWithError(err)
	}()
	return stream.NewLayer(out, stream.WithCompressionLevel(gzip.BestSpeed))
}

// writer writes entries that do not depend on when and by whom: they belong
// to root, and to 1970.
type writer struct{ tar *tar.Writer }

func (w *writer) header(h tar.Header) error {
	h.ModTime, h.Format = time.Unix(0, 0), tar.FormatPAX
	return w.tar.WriteHeader(&h)
}

func (w *writer) dir(name string, mode int64) error {
	return w.header(tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: mode})
}

func (w *writer) link(name, target string) error {
	return w.header(tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target, Mode: 0o777})
}

func (w *writer) data(name string, mode int64, data []byte) error {
	if err := w.header(tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(data))}); err != nil {
		return err
	}
	_, err := w.tar.Write(data)
	return err
}

func (w *writer) file(name, source string, mode int64) error {
	data, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	return w.data(name, mode, data)
}

// tree writes the directory source as name, without the entries at its top
// that are listed in skip. WalkDir goes in lexical order.
func (w *writer) tree(name, source string, skip ...string) error {
	left := map[string]bool{}
	for _, s := range skip {
		left[filepath.Join(source, s)] = true
	}
	return filepath.WalkDir(source, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		inside := name + strings.TrimPrefix(path, source)
		switch {
		case left[path] && d.IsDir():
			return fs.SkipDir
		case d.IsDir():
			return w.dir(inside, 0o755)
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return w.link(inside, target)
		case d.Type().IsRegular():
			info, err := d.Info()
			if err != nil {
				return err
			}
			return w.file(inside, path, int64(0o644|info.Mode().Perm()&0o111))
		}
		return nil
	})
}
