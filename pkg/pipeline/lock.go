package pipeline

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// lockKey takes the lock of everything that pushes and deploys to one place.
// The builder's processes inherit the file, so the lock outlives a killed run
// until the last of them is gone. busy is called once if there is a wait.
func (s *Store) lockKey(ctx context.Context, key string, busy func(holder string)) (*os.File, error) {
	dir := filepath.Join(s.dir, "locks")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, unwritable(err)
	}
	f, err := os.OpenFile(filepath.Join(dir, key), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, unwritable(err)
	}
	if err := lock(ctx, f, func() { busy(s.holder(key)) }); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// lock waits until the file's lock is free; waiting is called once if there
// is a wait.
func lock(ctx context.Context, f *os.File, waiting func()) error {
	for first := true; ; first = false {
		ok, err := tryLock(f, false)
		if ok {
			return nil
		} else if err != nil {
			return fmt.Errorf("lock %s: %w", f.Name(), err)
		}
		if first {
			waiting()
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// unwritable is the error of a run that finds no place for its record.
func unwritable(err error) error {
	return fmt.Errorf("runs cannot be recorded: %w; make the directory writable, or set XDG_STATE_HOME to one that is", err)
}

// holder names the run that holds a key's lock, "" if it has not begun its record.
func (s *Store) holder(key string) string {
	if r, _ := s.Latest(key); r != nil && r.State == Running {
		return r.ID
	}
	return ""
}

// alive reports whether some process is writing the run.
func (s *Store) alive(id string) bool {
	f, err := os.OpenFile(filepath.Join(s.runDir(id), eventsFile), os.O_RDWR, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	ok, err := tryLock(f, true) // shared: two that ask at once must not see each other
	return !ok && err == nil
}
