package file

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ystackdev/ystack/pkg/image/store"
)

func TestSparse(t *testing.T) {
	from, to := &remote{Store: &Store{Dir: t.TempDir()}}, &Store{Dir: t.TempDir()}
	data := make([]byte, size+5)
	copy(data[9<<20:], "something")
	write(t, from.Dir, "a", data)
	if o, err := copyFile(t, from, to, "a", "b"); err != nil || o.Result != store.Copied {
		t.Fatalf("%+v, %v", o, err)
	}
	got, err := os.ReadFile(filepath.Join(to.Dir, "b"))
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("other content: %v", err)
	}
	info, err := os.Stat(filepath.Join(to.Dir, "b"))
	if err != nil {
		t.Fatal(err)
	}
	if used := info.Sys().(*syscall.Stat_t).Blocks * 512; used > 1<<20 {
		t.Errorf("%d bytes on the disk for 9", used)
	}
}

// TestFullDisk: nothing is left that keeps the disk full.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=10m"); err != nil {
		t.Skipf("cannot make a small disk: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, 0) })
	from, to := &remote{Store: &Store{Dir: t.TempDir()}}, &Store{Dir: dir}
	random(t, from.Dir, "a", size)
	if o, err := copyFile(t, from, to, "a", "b"); err != nil || !errors.Is(o.Err, store.ErrQuota) || !strings.Contains(o.Err.Error(), "no space left") {
		t.Errorf("%+v, %v", o, err)
	}
	if left := names(t, dir); left != "" {
		t.Errorf("left: %q", left)
	}
}
