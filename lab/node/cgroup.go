//go:build linux

package node

import (
	"bufio"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Cgroup is the control group that everything of one lab runs in: its
// servers in a leaf of their own, the pods below the kubelet's. What is in it
// is the lab's, whoever started it, so nothing can be left behind unseen.
type Cgroup struct {
	Name   string   // from the lab's directory, so that two labs differ
	mounts []string // where the kernel's hierarchies are mounted: one with cgroup 2, several with 1
}

// CgroupName is the name of the control group of the lab in dir.
func CgroupName(dir string) string {
	return fmt.Sprintf("ystack-lab-%08x", crc32.ChecksumIEEE([]byte(dir)))
}

// NewCgroup finds the hierarchies for the control group of the lab in dir.
func NewCgroup(dir string) (Cgroup, error) {
	c := Cgroup{Name: CgroupName(dir)}
	f, err := os.Open("/proc/self/mounts")
	if err != nil {
		return c, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		switch fields[2] {
		case "cgroup2": // first: it is the one that every process is in exactly once
			c.mounts = slices.Insert(c.mounts, 0, fields[1])
		case "cgroup":
			c.mounts = append(c.mounts, fields[1])
		}
	}
	if len(c.mounts) == 0 {
		return c, errors.New("no control groups are mounted below /sys/fs/cgroup")
	}
	return c, nil
}

// Create makes the group in every hierarchy; the kubelet insists on that.
func (c Cgroup) Create() error {
	for _, m := range c.mounts {
		for _, controller := range []string{"cpu", "cpuset", "memory", "pids", "io", "hugetlb"} {
			// Only cgroup 2 has this file; a controller that is not there is not needed.
			_ = os.WriteFile(filepath.Join(m, "cgroup.subtree_control"), []byte("+"+controller), 0o644)
		}
		if err := os.MkdirAll(filepath.Join(m, c.Name), 0o755); err != nil {
			return err
		}
	}
	return os.MkdirAll(c.servers(), 0o755)
}

// Join puts the calling process, and so its children, among the servers.
func (c Cgroup) Join() error {
	return os.WriteFile(filepath.Join(c.servers(), "cgroup.procs"), []byte("0"), 0o644)
}

func (c Cgroup) servers() string { return filepath.Join(c.mounts[0], c.Name, "servers") }

// KillPods ends every process of every pod.
func (c Cgroup) KillPods() error { return c.kill("kubepods") }

// KillAll ends every process of the lab.
func (c Cgroup) KillAll() error { return c.kill("") }

// kill repeats until nothing is left: a process may fork while it is read.
func (c Cgroup) kill(below string) error {
	for range 200 {
		pids := c.pids(below)
		if len(pids) == 0 {
			return nil
		}
		for _, pid := range pids {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return fmt.Errorf("processes %v of control group %s do not end", c.pids(below), c.Name)
}

func (c Cgroup) pids(below string) []int {
	var pids []int
	c.walk(below, func(dir string) {
		data, _ := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
		for _, field := range strings.Fields(string(data)) {
			if pid, err := strconv.Atoi(field); err == nil && pid != os.Getpid() {
				pids = append(pids, pid)
			}
		}
	})
	slices.Sort(pids)
	return slices.Compact(pids)
}

// Remove takes the group, empty by now, out of every hierarchy. A process that
// has ended keeps its group busy for a moment longer.
func (c Cgroup) Remove() error {
	var dirs []string
	c.walk("", func(dir string) { dirs = append(dirs, dir) })
	slices.Reverse(dirs) // children first
	var errs []error
	for _, dir := range dirs {
		err := unix.Rmdir(dir)
		for range 100 {
			if err != unix.EBUSY {
				break
			}
			time.Sleep(20 * time.Millisecond)
			err = unix.Rmdir(dir)
		}
		if err != nil && err != unix.ENOENT {
			errs = append(errs, fmt.Errorf("rmdir %s: %w", dir, err))
		}
	}
	return errors.Join(errs...)
}

func (c Cgroup) walk(below string, visit func(dir string)) {
	for _, m := range c.mounts {
		_ = filepath.WalkDir(filepath.Join(m, c.Name, below), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				visit(path)
			}
			return nil // a group that vanishes meanwhile is as good as visited
		})
	}
}
