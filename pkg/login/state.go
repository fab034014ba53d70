package login

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// state is a directory of ystack's own that only this user can read.
func (s *Service) state(name string) (string, error) {
	dir := filepath.Join(s.StateDir, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("ystack keeps its state in %s (XDG_STATE_HOME says where): %w", s.StateDir, err)
	}
	return dir, nil
}

func (s *Service) marker(p Pin) string { return filepath.Join(s.StateDir, "logged-out", p.Login()) }

// loggedOut tells when the user ended this login. Without a marker, a password in
// clouds.yaml would begin the next one unasked.
func (s *Service) loggedOut(p Pin) (when time.Time, out bool) {
	info, err := os.Stat(s.marker(p))
	if err != nil {
		return time.Time{}, false
	}
	return info.ModTime(), true
}

func (s *Service) logOut(p Pin) error {
	if _, err := s.state("logged-out"); err != nil {
		return err
	}
	return os.WriteFile(s.marker(p), nil, 0o600)
}

func (s *Service) logIn(p Pin) error {
	err := os.Remove(s.marker(p))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
