// Package file keeps images in files.
package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/ystackdev/ystack/pkg/image/store"
)

// Store is the file system. References are relative to Dir.
type Store struct {
	Dir string // empty stands for the working directory
}

func (s *Store) path(r store.Ref) string {
	if filepath.IsAbs(r.Name) || s.Dir == "" {
		return r.Name
	}
	return filepath.Join(s.Dir, r.Name)
}

// Stat describes a file. Its digests are computed when somebody needs them.
func (s *Store) Stat(_ context.Context, r store.Ref) (store.Info, error) {
	info, err := os.Stat(s.path(r))
	switch {
	case err != nil:
		return store.Info{}, explain(r, err)
	case !info.Mode().IsRegular():
		return store.Info{}, store.Errorf(r, store.ErrNotReady, "is no ordinary file")
	}
	whole, err := filepath.Abs(s.path(r))
	if err != nil {
		return store.Info{}, explain(r, err)
	}
	return store.Info{
		Ref: r, Size: info.Size(), State: store.Active, Created: info.ModTime(), Format: s.format(r),
		Version: fmt.Sprintf("%s %d %d", whole, info.Size(), info.ModTime().UnixNano()),
	}, nil
}

// Open reads a file from an offset on.
func (s *Store) Open(_ context.Context, i store.Info, offset int64) (io.ReadCloser, error) {
	f, err := os.Open(s.path(i.Ref))
	if err != nil {
		return nil, explain(i.Ref, err)
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		_ = f.Close()
		return nil, explain(i.Ref, err)
	}
	return f, nil
}

// Sum reads the file for a digest.
func (s *Store) Sum(ctx context.Context, i store.Info, algorithm string) (string, error) {
	f, err := s.Open(ctx, i, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	defer context.AfterFunc(ctx, func() { _ = f.Close() })()
	sum, err := store.Sum(f, algorithm)
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	return sum, err
}

// List finds nothing: a file does not say whose image it is.
func (s *Store) List(context.Context, store.Ref, string) ([]store.Info, error) { return nil, nil }

// Delete removes a file.
func (s *Store) Delete(_ context.Context, i store.Info) error {
	if err := os.Remove(s.path(i.Ref)); err != nil {
		return explain(i.Ref, err)
	}
	return nil
}

// explain words what the operating system says.
func explain(r store.Ref, err error) error {
	kind := store.ErrFailed
	switch {
	case errors.Is(err, fs.ErrNotExist):
		kind = store.ErrNotFound
	case errors.Is(err, fs.ErrExist):
		return store.Errorf(r, store.ErrTaken, "is there now; somebody else has made it in the meantime")
	case errors.Is(err, fs.ErrPermission):
		kind = store.ErrDenied
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EFBIG):
		kind = store.ErrQuota
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		return store.Errorf(r, kind, "%s: %v", path.Op, path.Err)
	}
	return store.Errorf(r, kind, "%s", strings.TrimSpace(err.Error()))
}
