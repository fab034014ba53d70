//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// site writes a Site file like the lab's that pushes elsewhere.
func site(t *testing.T, push string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "site.yaml")
	content := fmt.Sprintf(`apiVersion: ystack.dev/v1alpha1
kind: Site
metadata: {name: fault}
spec:
  kubernetes: {context: lab}
  registries: {push: %s, bases: [127.0.0.1:15000/docker]}
  builder: {name: buildah}
`, push)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPushRefused: known before anything is built.
func TestPushRefused(t *testing.T) {
	needLab(t)
	registry := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/v2/":
		case r.Method == http.MethodPost:
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"errors":[{"code":"DENIED","message":"this repository is read only"}]}`)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer registry.Close()
	a := newApp(t)
	out, err := a.run("YSTACK_SITE=" + site(t, strings.TrimPrefix(registry.URL, "http://")+"/apps"))
	if err == nil || !strings.Contains(out, "this repository is read only") {
		t.Errorf("%v\n%s", err, out)
	}
	a.mustHaveDoneNothing(t)
}

// TestDiskFull: the builder's storage, and the record's.
func TestDiskFull(t *testing.T) {
	needLab(t)
	if os.Geteuid() != 0 {
		if os.Getenv("CI") != "" {
			t.Fatal("needs root, to mount a small disk")
		}
		t.Skip("needs root, to mount a small disk")
	}
	t.Run("builder", func(t *testing.T) {
		a, disk := newApp(t), smallDisk(t, "1m")
		conf := filepath.Join(t.TempDir(), "storage.conf")
		content := fmt.Sprintf("[storage]\ndriver = \"vfs\"\nrunroot = %q\ngraphroot = %q\n", disk+"/run", disk+"/graph")
		if err := os.WriteFile(conf, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := a.run("CONTAINERS_STORAGE_CONF="+conf, "TMPDIR="+t.TempDir())
		if err == nil || !strings.Contains(out, "no space left on device") {
			t.Errorf("%v\n%s", err, out)
		}
		if n := a.pushes(t); n != 0 {
			t.Errorf("pushed %d times", n)
		}
		a.mustFinish(t, "succeeded failed") // with a disk that has room
	})
	t.Run("record", func(t *testing.T) {
		a, disk := newApp(t), smallDisk(t, "16k")
		_ = os.WriteFile(filepath.Join(disk, "filler"), make([]byte, 16<<10), 0o600) // to the last page
		out, err := a.run("XDG_STATE_HOME=" + disk)
		if err == nil || !strings.Contains(out, "no space left on device") {
			t.Errorf("%v\n%s", err, out)
		}
		a.mustHaveDoneNothing(t)
	})
}

func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for syscall.Unmount(dir, syscall.MNT_DETACH) == nil { //nolint:revive // builders mount things of their own there
		}
	})
	return dir
}

func (a *application) mustHaveDoneNothing(t *testing.T) {
	t.Helper()
	if n := a.pushes(t); n != 0 {
		t.Errorf("pushed %d times", n)
	}
	if out := a.kubectl(t, "get", "deployments,services", "-o", "name"); out != "" {
		t.Errorf("left %s", out)
	}
}
