package cache

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// maxFile bounds what is read: a Fernet token has 250 bytes, a PKI one could have
// thousands.
const maxFile = 64 << 10

// What belongs to one key.
const (
	tokenFile  = ".json"   // the token
	lockFile   = ".lock"   // held while a new one is got
	askersFile = ".askers" // who was given this token
	failedFile = ".failed" // why the last attempt failed
)

// Store is the directory that holds a user's tokens. The zero Store and a nil one
// keep nothing.
type Store struct{ dir string }

// Open returns the store in dir, which need not exist yet.
func Open(dir string) *Store { return &Store{dir} }

func (s *Store) off() bool { return s == nil || s.dir == "" }

// Path is the file that holds a key's token.
func (s *Store) Path(key string) string {
	if s.off() {
		return ""
	}
	return s.path(key, tokenFile)
}

func (s *Store) path(key, kind string) string { return filepath.Join(s.dir, key+kind) }

// Get returns the token of a key, whether or not it is still good.
func (s *Store) Get(key string) (Entry, bool) {
	if s.off() {
		return Entry{}, false
	}
	data, err := readPrivate(s.path(key, tokenFile))
	if err != nil {
		return Entry{}, false
	}
	e, err := decode(key, data)
	return e, err == nil
}

// readPrivate reads a file that nobody else can have read: a token that others may
// know is not used.
func readPrivate(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, errUnusable
	}
	return io.ReadAll(io.LimitReader(f, maxFile))
}

// Put keeps a token, in place of the one before.
func (s *Store) Put(key string, e Entry) error {
	if s.off() {
		return nil
	}
	data, err := encode(key, e)
	if err != nil {
		return err
	}
	if err := s.write(key, tokenFile, data); err != nil {
		return err
	}
	// They were about the token before.
	_ = os.Remove(s.path(key, askersFile))
	_ = os.Remove(s.path(key, failedFile))
	s.prune(time.Now())
	return nil
}

// write replaces a file as a whole: who reads meanwhile sees the old one or the new.
func (s *Store) write(key, kind string, data []byte) error {
	if err := s.mkdir(); err != nil {
		return err
	}
	f, err := os.CreateTemp(s.dir, ".new-*") // made with 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), s.path(key, kind))
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

func (s *Store) mkdir() error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	info, err := os.Stat(s.dir)
	if err == nil && runtime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
		err = os.Chmod(s.dir, 0o700)
	}
	return err
}

// Remove forgets a key and all that belongs to it.
func (s *Store) Remove(key string) error {
	if s.off() {
		return nil
	}
	// Without its lock file, at worst two processes get a token each.
	for _, kind := range []string{askersFile, failedFile, lockFile, tokenFile} {
		if err := os.Remove(s.path(key, kind)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// All returns what is there, by key, whether or not it is still good.
func (s *Store) All() (map[string]Entry, error) {
	all := map[string]Entry{}
	if s.off() {
		return all, nil
	}
	files, err := os.ReadDir(s.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, f := range files {
		key, ok := strings.CutSuffix(f.Name(), tokenFile)
		if !ok {
			continue
		}
		if e, ok := s.Get(key); ok {
			all[key] = e
		}
	}
	return all, nil
}

// kept is how long a file stays that is of no use any more.
const kept = 24 * time.Hour

// prune removes what is older and belongs to no good token: expired ones, files of
// other versions, what killed processes left.
func (s *Store) prune(now time.Time) {
	files, _ := os.ReadDir(s.dir)
	for _, f := range files {
		info, err := f.Info()
		if err != nil || now.Sub(info.ModTime()) < kept {
			continue
		}
		key := strings.TrimSuffix(f.Name(), filepath.Ext(f.Name()))
		if e, ok := s.Get(key); ok && now.Before(e.Expires) {
			continue
		}
		_ = os.Remove(filepath.Join(s.dir, f.Name()))
	}
}
