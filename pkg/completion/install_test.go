//go:build !windows

package completion

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// machine is a folder with programs and links; of "a -> b", a is a link.
func machine(t *testing.T, files ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, f := range files {
		name, target, isLink := strings.Cut(f, " -> ")
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if isLink {
			err = os.Symlink(strings.ReplaceAll(target, "/root/", root+"/"), path)
		} else {
			err = os.WriteFile(path, []byte("#!/bin/sh\n"), 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestInstall(t *testing.T) {
	krew := []string{"store/v1/kubectl-ystack", "bin/kubectl-ystack -> /root/store/v1/kubectl-ystack"}
	for name, tc := range map[string]struct {
		files   []string
		dir     string
		err     error
		file    string // made, and what it leads to
		target  string
		already bool
		found   string
	}{
		"krew": {files: krew, file: "bin/" + Program, target: Plugin, found: "bin/" + Program},
		"again": {
			files: append([]string{"bin/" + Program + " -> " + Plugin}, krew...),
			file:  "bin/" + Program, target: Plugin, already: true, found: "bin/" + Program,
		},
		"to what an upgrade removed": {
			files: append([]string{"bin/" + Program + " -> /root/store/v0/kubectl-ystack"}, krew...),
			file:  "bin/" + Program, target: Plugin, found: "bin/" + Program,
		},
		"what an interrupted one left": {
			files: append([]string{"bin/" + Program + ".new -> x"}, krew...),
			file:  "bin/" + Program, target: Plugin, found: "bin/" + Program,
		},
		"elsewhere":      {files: krew, dir: "other", file: "other/" + Program, target: "bin/" + Plugin},
		"in the way":     {files: append([]string{"sbin/" + Program}, krew...), file: "bin/" + Program, target: Plugin, found: "sbin/" + Program},
		"a script":       {files: append([]string{"bin/" + Program}, krew...), err: ErrTaken},
		"another's link": {files: append([]string{"bin/" + Program + " -> /bin/true"}, krew...), err: ErrTaken},
		"no plugin":      {err: ErrNoPlugin},
		"no plugin, yet": {dir: "bin", file: "bin/" + Program, target: "built/kubectl-ystack", found: "bin/" + Program},
	} {
		t.Run(name, func(t *testing.T) {
			root := machine(t, append(tc.files, "built/kubectl-ystack")...)
			in := func(name string) string {
				if name == "" {
					return ""
				}
				return filepath.Join(root, name)
			}
			p := Place{Path: "relative:" + in("sbin") + ":" + in("bin"), Home: in("home"), Dir: in(tc.dir), Self: in("built/kubectl-ystack")}
			done, err := Install(p)
			if !errors.Is(err, tc.err) {
				t.Fatalf("got %v, want %v", err, tc.err)
			}
			if err != nil {
				t.Log(err)
				return
			}
			want := tc.target
			if want != Plugin {
				want = in(want)
			}
			if target, err := os.Readlink(in(tc.file)); err != nil || target != want || done.File != in(tc.file) || done.Target != want {
				t.Errorf("%+v leads to %s, want %s (%v)", done, target, want, err)
			}
			if done.Already != tc.already || done.Found != in(tc.found) {
				t.Errorf("%+v", done)
			}
			again, err := Install(p)
			if err != nil || !again.Already {
				t.Errorf("a second time: %+v, %v", again, err)
			}
		})
	}
}

// TestReadOnly: beside a plugin that an administrator installed nothing can be written.
func TestReadOnly(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may write everywhere; the test of a fresh account in e2e is this one's")
	}
	root := machine(t, "bin/kubectl-ystack")
	if err := os.Chmod(filepath.Join(root, "bin"), 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(root, "bin"), 0o755) })
	done, err := Install(Place{Path: filepath.Join(root, "bin"), Home: filepath.Join(root, "home")})
	if err != nil || done.File != filepath.Join(root, "home/.local/bin", Program) || done.Target != filepath.Join(root, "bin", Plugin) {
		t.Errorf("%+v, %v", done, err)
	}
}
