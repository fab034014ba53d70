//go:build linux

package process

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Record is what is kept of a started process.
type Record struct {
	PID     int       `json:"pid"`
	Start   uint64    `json:"start"` // see Stat.Start
	Boot    string    `json:"boot"`
	Node    string    `json:"node,omitempty"` // ID of the namespace holder it was started in
	Since   time.Time `json:"since"`
	Command []string  `json:"command"`
}

// Self describes the calling process, which is about to become command.
func Self(command []string, node string) (Record, error) {
	stat, err := StatOf(os.Getpid())
	if err != nil {
		return Record{}, err
	}
	return Record{PID: os.Getpid(), Start: stat.Start, Boot: BootID(), Node: node, Since: time.Now().Truncate(time.Second), Command: command}, nil
}

// ID tells this process from every other of the same boot.
func (r Record) ID() string { return fmt.Sprintf("%d@%d", r.PID, r.Start) }

// Alive reports whether the process that was recorded still runs.
func (r Record) Alive() bool {
	if r.PID == 0 || r.Boot != BootID() {
		return false
	}
	stat, err := StatOf(r.PID)
	return err == nil && stat.Start == r.Start && stat.State != 'Z' && stat.State != 'X'
}

// Replaced reports whether the program's file is another one now than the
// process runs, having been compiled again.
func (r Record) Replaced() bool {
	file, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", r.PID))
	return err == nil && strings.HasSuffix(file, " (deleted)")
}

// Read returns the record in file, or the zero Record when there is none or
// it cannot be understood: both mean that no process is known.
func Read(file string) (Record, bool) {
	var r Record
	data, err := os.ReadFile(file)
	if err != nil || json.Unmarshal(data, &r) != nil {
		return Record{}, false
	}
	return r, true
}

// Write puts the record into file.
func (r Record) Write(file string) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return WriteFile(file, append(data, '\n'), 0o644)
}

// WriteFile writes by rename: whoever reads, and whatever crashes, meets the
// old content or the new, never half of it. Unchanged content is left alone.
func WriteFile(file string, data []byte, mode fs.FileMode) error {
	if old, err := os.ReadFile(file); err == nil && string(old) == string(data) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	part, err := os.CreateTemp(filepath.Dir(file), ".part-*")
	if err != nil {
		return err
	}
	_, err = part.Write(data)
	err = errors.Join(err, part.Chmod(mode), part.Close())
	if err == nil {
		err = os.Rename(part.Name(), file)
	}
	if err != nil {
		_ = os.Remove(part.Name())
	}
	return err
}
