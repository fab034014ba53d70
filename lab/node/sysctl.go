//go:build linux

package node

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/ystackdev/ystack/lab/process"
)

// Borrowed is what the lab changes on the machine outside of its namespaces,
// kept in a file until it is given back.
type Borrowed struct {
	Boot    string            `json:"boot"`    // a reboot gives the sysctls back by itself
	Sysctls map[string]string `json:"sysctls"` // path below /proc/sys: value before
	Dirs    []string          `json:"dirs"`    // directories made as mount points, parents first
}

// Borrow notes what the kubelet is about to change, and makes the mount points
// of PrivateDirs. What an earlier run noted in this boot stays as it is: by
// now the machine shows the changed values.
func Borrow(file string) error {
	var b Borrowed
	data, err := os.ReadFile(file)
	known := err == nil && json.Unmarshal(data, &b) == nil
	if !known || b.Boot != process.BootID() {
		b.Boot, b.Sysctls = process.BootID(), sysctls()
	}
	for _, dir := range PrivateDirs() {
		b.Dirs = append(b.Dirs, missing(dir)...)
	}
	if data, err = json.Marshal(b); err != nil {
		return err
	}
	if err := process.WriteFile(file, data, 0o644); err != nil {
		return err
	}
	for _, dir := range b.Dirs {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	return nil
}

// GiveBack undoes Borrow. A directory that somebody else uses by now stays.
func GiveBack(file string) error {
	data, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	var b Borrowed
	if err := errors.Join(err, json.Unmarshal(data, &b)); err != nil {
		return err
	}
	var errs []error
	if b.Boot == process.BootID() {
		for name, value := range b.Sysctls {
			errs = append(errs, setSysctl(name, value))
		}
	}
	for i := len(b.Dirs) - 1; i >= 0; i-- {
		_ = os.Remove(b.Dirs[i])
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return os.Remove(file)
}

func sysctls() map[string]string {
	values := map[string]string{}
	for _, name := range []string{"vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops", "kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes"} {
		if data, err := os.ReadFile("/proc/sys/" + name); err == nil {
			values[name] = strings.TrimSpace(string(data))
		}
	}
	return values
}

// setSysctl writes only what differs: not every kernel lets root write all.
func setSysctl(name, value string) error {
	data, err := os.ReadFile("/proc/sys/" + name)
	if err == nil && strings.TrimSpace(string(data)) == value {
		return nil
	}
	return os.WriteFile("/proc/sys/"+name, []byte(value), 0)
}

// missing lists dir and its parents as far as they do not exist, parents first.
func missing(dir string) []string {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	return append(missing(filepath.Dir(dir)), dir)
}
