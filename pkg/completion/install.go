package completion

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Program is what kubectl calls to complete the arguments of its plugin.
const Program = "kubectl_complete-ystack"

// Plugin is what kubectl calls for `kubectl ystack`.
const Plugin = "kubectl-ystack"

// Kinds of failures of an installation.
var (
	ErrNoPlugin = errors.New("kubectl does not find " + Plugin)
	ErrTaken    = errors.New("not made by `completion install`")
)

// Place says where kubectl looks for programs, and where one may be put.
type Place struct {
	Path string // the value of PATH
	Home string
	Dir  string // the directory that the user chose, or empty
	Self string // this program
}

// Installed is what an installation left.
type Installed struct {
	File, Target string
	// Already says that nothing had to be done.
	Already bool
	// Found is the one that kubectl will call; empty if the PATH leads to none.
	Found string
}

// Install makes a [Program] that leads to the plugin: beside the one that kubectl finds,
// where krew has its links, or in ~/.local/bin if nothing can be written there. It leads
// to that link, not on to the program, which another version moves.
func Install(p Place) (Installed, error) {
	target := look(p.Path, Plugin)
	switch {
	case target != "":
	case p.Dir != "":
		target = p.Self
	default:
		return Installed{}, fmt.Errorf("%w: put %s into a directory of the PATH, under this name, or say where kubectl shall look with --dir", ErrNoPlugin, p.Self)
	}
	if p.Dir != "" {
		return p.installed(put(p.Dir, target))
	}
	done, err := put(filepath.Dir(target), target)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, errReadOnly) {
		done, err = put(filepath.Join(p.Home, ".local", "bin"), target)
	}
	return p.installed(done, err)
}

func (p Place) installed(done Installed, err error) (Installed, error) {
	done.Found = look(p.Path, Program)
	return done, err
}

// put makes the program in a directory, in one step, unless it is there.
func put(dir, target string) (Installed, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Installed{}, err
	}
	done := Installed{File: filepath.Join(dir, Program+suffix), Target: target}
	if filepath.Dir(target) == dir {
		done.Target = filepath.Base(target) // the directory may move as a whole
	}
	old, err := leadsTo(done.File)
	switch {
	case err == nil && old == done.Target:
		done.Already = true
		return done, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return done, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return done, err
	}
	next := done.File + ".new"
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return done, err
	}
	if err := lead(next, done.Target); err != nil {
		return done, err
	}
	return done, os.Rename(next, done.File)
}

// taken is a file of somebody else's.
func taken(file string) error {
	return fmt.Errorf("%s is %w: remove it, or choose another directory with --dir", file, ErrTaken)
}

// look finds a program as kubectl does.
func look(path, name string) string {
	for _, dir := range filepath.SplitList(path) {
		if !filepath.IsAbs(dir) {
			continue // kubectl, too, runs nothing from there
		}
		for _, suffix := range suffixes {
			file := filepath.Join(dir, name+suffix)
			if info, err := os.Stat(file); err == nil && runs(info) {
				return file
			}
		}
	}
	return ""
}
