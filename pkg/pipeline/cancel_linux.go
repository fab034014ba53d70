package pipeline

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Cancel interrupts the process that writes a run, as Ctrl-C in its terminal would. It
// returns before the run has ended; the same command takes the run up again.
func (s *Store) Cancel(id string) error {
	r, err := s.Get(id)
	if err != nil {
		return err
	}
	if r.State != Running {
		return fmt.Errorf("run %s is %s: there is nothing to cancel", id, r.State)
	}
	pid, err := writer(filepath.Join(s.runDir(id), eventsFile))
	if err != nil {
		return err
	}
	if pid == 0 {
		return fmt.Errorf("run %s: the process that writes it is not visible from here; interrupt it where it was started", id)
	}
	command, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return err
	}
	if args := bytes.Split(command, []byte{0}); !slices.ContainsFunc(args, func(a []byte) bool { return string(a) == "run" }) {
		return fmt.Errorf("run %s belongs to process %d (%s), which does more than this run; it is not interrupted",
			id, pid, strings.TrimSpace(string(bytes.ReplaceAll(command, []byte{0}, []byte(" ")))))
	}
	return syscall.Kill(pid, syscall.SIGINT)
}

// writer is the process that holds the lock of a run's events, 0 if none is found.
func writer(path string) (int, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	inode := strconv.FormatUint(info.Sys().(*syscall.Stat_t).Ino, 10)
	locks, err := os.ReadFile("/proc/locks")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(locks)) {
		// 1: FLOCK  ADVISORY  WRITE 4711 00:2b:9921 0 EOF
		f := strings.Fields(line)
		if len(f) < 6 || f[1] != "FLOCK" || f[3] != "WRITE" || !strings.HasSuffix(f[5], ":"+inode) {
			continue
		}
		if pid, err := strconv.Atoi(f[4]); err == nil && pid > 1 && hasOpen(pid, path) {
			return pid, nil
		}
	}
	return 0, nil
}

// hasOpen makes sure that it is this file, and not one of the same number elsewhere.
func hasOpen(pid int, path string) bool {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, _ := os.ReadDir(dir)
	return slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		target, err := os.Readlink(filepath.Join(dir, e.Name()))
		return err == nil && target == path
	})
}
