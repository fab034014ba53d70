package machine

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// note is what is known of a build under way, in a file: when the build is killed, the next
// one, or --clean, finds by it what was left behind.
type note struct {
	App, Target string
	Cloud       string
	Name        string // of server and image
	Inputs      string
	Key         string // the key pair's name
	Server      string `json:",omitempty"` // ids, as soon as they are known
	Image       string `json:",omitempty"`
	Whole       bool   `json:",omitempty"` // Packer has done its part
	Work        string // the directory of the build
	PID         int
	Started     time.Time

	file string
	lock *flock.Flock
}

// ErrBusy means that somebody else builds the image.
var ErrBusy = errors.New("another build of it is under way")

func (b *Builder) noteFile(app, target string) string {
	return filepath.Join(b.StateDir, "builds", app+"-"+target+".json")
}

// claim locks the note of an application's target and reads what a build that was killed
// has left in it.
func (b *Builder) claim(app, target string) (*note, error) {
	file := b.noteFile(app, target)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, err
	}
	n := &note{file: file, lock: flock.New(file + ".lock")}
	data, _ := os.ReadFile(file)
	_ = json.Unmarshal(data, n) // half of one is none: it is renamed into its place
	got, err := n.lock.TryLock()
	if err != nil {
		return nil, err
	}
	if !got {
		return nil, fmt.Errorf("%w (pid %d, since %s)", ErrBusy, n.PID, n.Started.Local().Format(time.TimeOnly))
	}
	return n, nil
}

// left tells whether there is anything of an earlier build.
func (n *note) left() bool { return n.Name != "" }

// write keeps the note. It must be there before what it is about.
func (n *note) write() error {
	data, err := json.MarshalIndent(n, "", "  ")
	if err != nil {
		return err
	}
	part := n.file + ".part"
	if err := os.WriteFile(part, data, 0o600); err != nil {
		return err
	}
	return os.Rename(part, n.file)
}

// forget says that nothing is left.
func (n *note) forget() error {
	*n = note{file: n.file, lock: n.lock}
	err := os.Remove(n.file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

func (n *note) close() { _ = n.lock.Close() }
