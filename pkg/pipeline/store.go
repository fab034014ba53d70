package pipeline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// ErrNoRun means that the store has no run of that name.
var ErrNoRun = errors.New("no such run")

// Store is the directory that holds the runs of one user.
type Store struct{ dir string }

// OpenStore returns the store in dir, which need not exist yet.
func OpenStore(dir string) *Store { return &Store{dir} }

const eventsFile = "events.jsonl"

func (s *Store) runDir(id string) string { return filepath.Join(s.dir, "runs", id) }

// imageDir is for the image that the holder of a key's lock builds.
func (s *Store) imageDir(key string) string { return filepath.Join(s.dir, "images", key) }

// List returns all runs, newest first. Directories without a readable first
// event are passed over: a run that never began left them.
func (s *Store) List() ([]Run, error) {
	entries, err := os.ReadDir(filepath.Join(s.dir, "runs"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var runs []Run
	for _, e := range entries {
		if !e.IsDir() {
			continue // what a file manager left
		}
		r, err := s.Get(e.Name())
		if errors.Is(err, ErrNoRun) {
			continue
		} else if err != nil {
			return nil, err
		}
		runs = append(runs, r)
	}
	sort.SliceStable(runs, func(i, k int) bool { return runs[k].Started.Before(runs[i].Started) })
	return runs, nil
}

// Get reads one run by its full id.
func (s *Store) Get(id string) (Run, error) {
	events, err := s.Events(id)
	if err != nil {
		return Run{}, err
	}
	var r Run
	for _, e := range events {
		r.apply(e)
	}
	if r.ID == "" {
		return Run{}, fmt.Errorf("%w: %s", ErrNoRun, id)
	}
	if !r.Finished() && !s.alive(id) {
		r.interrupted()
	}
	return r, nil
}

func (r *Run) interrupted() {
	r.State = Interrupted
	for i := range r.Steps {
		if r.Steps[i].State == Running {
			r.Steps[i].State = Interrupted
		}
	}
}

// Find returns the run whose id is name or begins with it, or, for an
// application's name, its newest run; "" is the newest of all.
func (s *Store) Find(name string) (Run, error) {
	runs, err := s.List()
	if err != nil {
		return Run{}, err
	}
	var found []Run
	for _, r := range runs {
		if r.ID == name || r.App == name || name == "" {
			return r, nil
		}
		if strings.HasPrefix(r.ID, name) {
			found = append(found, r)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return Run{}, fmt.Errorf("%w: %q begins %d runs, from %s to %s", ErrNoRun, name, len(found), found[len(found)-1].ID, found[0].ID)
	case name == "":
		return Run{}, fmt.Errorf("%w: nothing has been run yet", ErrNoRun)
	}
	return Run{}, fmt.Errorf("%w: %q is neither a run's id nor an application's name; `pipeline list` shows them", ErrNoRun, name)
}

// Latest returns the newest run with that key, or nil.
func (s *Store) Latest(key string) (*Run, error) {
	runs, err := s.List()
	for i := range runs {
		for _, a := range runs[i].Aims() {
			if a.Key == key {
				return &runs[i], err
			}
		}
	}
	return nil, err
}

// Events reads a run's log. A torn last line, left by a kill, is not an event.
func (s *Store) Events(id string) ([]Event, error) {
	data, err := os.ReadFile(filepath.Join(s.runDir(id), eventsFile))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
		return nil, fmt.Errorf("%w: %s", ErrNoRun, id)
	} else if err != nil {
		return nil, err
	}
	return parseEvents(data), nil
}

// parseEvents skips what is not an event: only a torn write can leave such a
// line (no beginning of an object is an object), and the events around it are
// good.
func parseEvents(data []byte) []Event {
	var events []Event
	for line := range bytes.Lines(data) {
		var e Event
		if json.Unmarshal(line, &e) != nil || e.Type == "" {
			continue
		}
		events = append(events, e)
	}
	return events
}
