package machine

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// What a build that was killed may leave on the machine is found by its directory, and
// that of another build is left alone.
func TestEndLeft(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounts and loop devices need root")
	}
	work, other := t.TempDir(), t.TempDir()
	sleeper := func(dir string) *exec.Cmd {
		cmd := exec.Command("sleep", "600")
		cmd.Env = append(os.Environ(), mark+"="+dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill() })
		return cmd
	}
	left, foreign := sleeper(work), sleeper(other)
	mnt, disk := filepath.Join(work, "mnt"), filepath.Join(work, "disk")
	if err := os.Mkdir(mnt, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", mnt, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(mnt, unix.MNT_DETACH) })
	if err := os.WriteFile(disk, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("/sbin/losetup", "--find", "--show", disk).CombinedOutput()
	if err != nil {
		t.Skipf("losetup: %v: %s", err, out)
	}
	loop := strings.TrimSpace(string(out))
	t.Cleanup(func() {
		if data, err := os.ReadFile("/sys/block/" + filepath.Base(loop) + "/loop/backing_file"); err == nil && strings.HasPrefix(string(data), disk) {
			_ = exec.Command("/sbin/losetup", "--detach", loop).Run()
		}
	})

	found, err := endLeft(work)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"process ", "mount " + mnt, "loop device " + loop} {
		if !strings.Contains(strings.Join(found, "\n"), want) {
			t.Errorf("%q is not in %q", want, found)
		}
	}
	if err := left.Wait(); err == nil {
		t.Error("the process ended by itself")
	}
	if err := foreign.Process.Signal(unix.Signal(0)); err != nil {
		t.Errorf("another build's process: %v", err)
	}
	for range 100 { // a device goes when the last who looks at it has closed it
		if found, err = endLeft(work); err != nil || len(found) == 0 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err != nil || len(found) > 0 {
		t.Errorf("still there: %q, %v", found, err)
	}
}
