//go:build linux

// Package preflight tells whether this machine can hold the lab, and if not,
// why not.
package preflight

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	minMemory   = 3700 << 20 // what a machine sold with 4 GiB shows
	minDisk     = 10 << 30
	minDiskUsed = 2 << 30 // once the programs are compiled
)

// Root refuses everybody else.
func Root() error {
	if os.Geteuid() != 0 {
		return errors.New("the lab makes namespaces, mounts and control groups: run it as root (sudo -E env PATH=\"$PATH\" go run ./lab …)")
	}
	return nil
}

// Machine checks what does not change from one minute to the next.
func Machine(dir string) error {
	if err := Root(); err != nil {
		return err
	}
	if _, err := exec.LookPath("/usr/bin/apt-get"); err != nil {
		return errors.New("no apt-get: the lab's container runtime and registries come from Debian's packages; use Debian 12 or a relative")
	}
	if err := overlay(); err != nil {
		return err
	}
	return errors.Join(memory(), disk(dir))
}

func overlay() error {
	_ = exec.Command("/usr/sbin/modprobe", "-q", "overlay").Run()
	data, err := os.ReadFile("/proc/filesystems")
	if err == nil && !strings.Contains(string(data), "\toverlay\n") {
		err = errors.New("this kernel has no overlayfs, which containers need (modprobe overlay)")
	}
	return err
}

func memory() error {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var kib uint64
		if n, _ := fmt.Sscanf(lines.Text(), "MemTotal: %d kB", &kib); n == 1 && kib<<10 < minMemory {
			return fmt.Errorf("this machine has %d MiB of memory; the lab needs 4 GiB", kib>>10)
		}
	}
	return nil
}

// disk looks at the nearest parent of dir that exists.
func disk(dir string) error {
	need := uint64(minDisk)
	if _, err := os.Stat(filepath.Join(dir, "bin/kube-apiserver")); err == nil {
		need = minDiskUsed
	}
	var stat unix.Statfs_t
	for unix.Statfs(dir, &stat) != nil && dir != "/" {
		dir = filepath.Dir(dir)
	}
	if free := stat.Bavail * uint64(stat.Bsize); free < need {
		return fmt.Errorf("%s has %d MiB free; the lab needs %d MiB there (YSTACK_LAB=DIR chooses another place)", dir, free>>20, need>>20)
	}
	return nil
}
