//go:build linux

package install

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestTreeMissing(t *testing.T) {
	tree := Tree{Dir: t.TempDir()}
	if err := os.WriteFile(tree.stamp(), []byte("glance-api\nmemcached\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(tree.Missing([]string{"uwsgi-core", "memcached", "keystone", "uwsgi-core"}), " "); got != "keystone uwsgi-core" {
		t.Errorf("missing %q", got)
	}
}

func TestTreeUnpacksOnceAndLinks(t *testing.T) {
	if _, err := exec.LookPath("/usr/bin/dpkg-deb"); err != nil {
		t.Skip("no dpkg-deb: the lab needs Debian")
	}
	tree := Tree{Dir: t.TempDir(), Debs: t.TempDir()}
	library := "usr/lib/x86_64-linux-gnu/libthing.so.1"
	deb := makeDeb(t, tree.Debs, library, "usr/lib/uwsgi/plugins/python311_plugin.so")
	if err := os.MkdirAll(tree.Libraries(), 0o755); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := tree.unpack(t.Context(), deb); err != nil {
			t.Fatal(err)
		}
		if err := tree.link(); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{library, "shared/libthing.so.1", "usr/lib/uwsgi/plugins/python3_plugin.so"} {
		if _, err := os.Stat(filepath.Join(tree.Dir, name)); err != nil {
			t.Error(err)
		}
	}
	// What has been unpacked is not touched again: programs may be using it.
	if err := os.Remove(filepath.Join(tree.Dir, library)); err != nil {
		t.Fatal(err)
	}
	if err := tree.unpack(t.Context(), deb); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(tree.Dir, library)); err == nil {
		t.Error("a package was unpacked twice")
	}
}

// makeDeb builds a package of empty files.
func makeDeb(t *testing.T, dir string, files ...string) string {
	t.Helper()
	root := t.TempDir()
	files = append(files, "DEBIAN/control")
	for _, file := range files {
		path := filepath.Join(root, file)
		content := ""
		if filepath.Base(file) == "control" {
			content = "Package: thing\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@example.com>\nDescription: thing\n"
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	deb := filepath.Join(dir, "thing_1_all.deb")
	if out, err := exec.Command("/usr/bin/dpkg-deb", "--build", root, deb).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return deb
}
