//go:build linux

package install

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ystackdev/ystack/lab/process"
)

// Tree is a directory of Debian packages that are unpacked, not installed,
// together with what they need and this machine lacks. Some bring so much that
// installing them would change the machine: OpenStack's libraries alone want a
// newer systemd, an iSCSI daemon and 220 packages more.
type Tree struct {
	Dir  string // like a root directory: usr/bin, usr/lib, …
	Debs string // where the packages themselves are kept
}

// Missing returns those of names that the tree does not have, sorted.
func (t Tree) Missing(names []string) []string {
	have, _ := os.ReadFile(t.stamp())
	var missing []string
	for _, name := range names {
		if !slices.Contains(strings.Fields(string(have)), name) {
			missing = append(missing, name)
		}
	}
	slices.Sort(missing)
	return slices.Compact(missing)
}

func (t Tree) stamp() string { return filepath.Join(t.Dir, ".packages") }

// Libraries is the directory where programs of the tree find shared libraries.
func (t Tree) Libraries() string { return filepath.Join(t.Dir, "shared") }

// Add unpacks the packages. What is there stays as it is, so programs of the
// tree may run meanwhile; what an interrupted run has left is completed.
func (t Tree) Add(ctx context.Context, names []string, log io.Writer) error {
	if err := errors.Join(os.MkdirAll(t.Libraries(), 0o755), os.MkdirAll(filepath.Join(t.Debs, "partial"), 0o755)); err != nil {
		return err
	}
	// Named packages are wanted here even where the machine has them too.
	argv := append([]string{"install", "-y", "--download-only", "--reinstall", "--no-install-recommends", "-o", "Dir::Cache::archives=" + t.Debs}, names...)
	if err := aptFresh(ctx, "", log, argv...); err != nil {
		return err
	}
	debs, _ := filepath.Glob(filepath.Join(t.Debs, "*.deb"))
	for _, deb := range debs {
		if err := t.unpack(ctx, deb); err != nil {
			return err
		}
	}
	if err := t.link(); err != nil {
		return err
	}
	have, _ := os.ReadFile(t.stamp())
	return process.WriteFile(t.stamp(), append(have, strings.Join(names, "\n")+"\n"...), 0o644)
}

// unpack adds one package, once.
func (t Tree) unpack(ctx context.Context, deb string) error {
	done := filepath.Join(t.Dir, ".done", filepath.Base(deb))
	if _, err := os.Stat(done); err == nil {
		return nil
	}
	if out, err := exec.CommandContext(ctx, "/usr/bin/dpkg", "-x", deb, t.Dir).CombinedOutput(); err != nil {
		return fmt.Errorf("dpkg -x %s: %w: %s", deb, err, bytes.TrimSpace(out))
	}
	return process.WriteFile(done, nil, 0o644)
}

// link makes the links that installing would have made: shared libraries,
// which lie in directories named after the machine's architecture, under one
// roof, and uwsgi's plugin, whose file is named after the version of Python.
func (t Tree) link() error {
	links := map[string]string{}
	for _, pattern := range []string{"lib/*-linux-gnu*/*.so.*", "usr/lib/*-linux-gnu*/*.so.*"} {
		for _, file := range t.glob(pattern) {
			links[file] = filepath.Join(t.Libraries(), filepath.Base(file))
		}
	}
	for _, file := range t.glob("usr/lib/uwsgi/plugins/python3?*_plugin.so") {
		links[file] = filepath.Join(filepath.Dir(file), "python3_plugin.so")
	}
	for file, link := range links {
		if err := os.Symlink(file, link); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

func (t Tree) glob(pattern string) []string {
	files, _ := filepath.Glob(filepath.Join(t.Dir, pattern))
	return files
}
