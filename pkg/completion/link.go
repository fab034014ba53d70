//go:build !windows

package completion

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const suffix = ""

var (
	suffixes    = []string{""}
	errReadOnly = error(syscall.EROFS)
)

func runs(info fs.FileInfo) bool { return info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0 }

// lead makes a program that leads to another.
func lead(file, target string) error { return os.Symlink(target, file) }

// leadsTo is where a program of ours leads.
func leadsTo(file string) (string, error) {
	target, err := os.Readlink(file)
	if errors.Is(err, syscall.EINVAL) || err == nil && !strings.HasPrefix(filepath.Base(target), Plugin) {
		return "", taken(file)
	}
	return target, err
}
