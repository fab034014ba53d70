package cache

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"time"

	"github.com/gofrs/flock"
)

// Request is the wish for a token.
type Request struct {
	Key string
	// Asker is the process that the token is for; see [Store.Returning]. May be empty.
	Asker string
	// Usable decides whether a token that is there will do.
	Usable func(Entry) bool
	// Renew gets a new one. It runs under the key's lock.
	Renew func(context.Context) (Entry, error)
	// Warn is told when the token cannot be kept.
	Warn func(error)
}

// SharedError is the failure of another process that asked for the same at the same
// time: the request was not made again, since failed logins are counted.
type SharedError struct{ Message string }

func (e *SharedError) Error() string { return e.Message }

// sameAsker is how long a failure answers the process that caused it: kubectl, for
// one, asks five times in a row.
const sameAsker = 20 * time.Second

// Fetch returns a usable token, and gets one if there is none. Of many processes that
// want the same, one gets it and the others wait.
func (s *Store) Fetch(ctx context.Context, r Request) (Entry, error) {
	if s.off() {
		return r.Renew(ctx)
	}
	if e, ok := s.Get(r.Key); ok && r.Usable(e) {
		return e, nil
	}
	began := time.Now()
	unlock, err := s.lock(ctx, r.Key)
	if err != nil {
		return Entry{}, err
	}
	defer unlock()
	if e, ok := s.Get(r.Key); ok && r.Usable(e) {
		return e, nil
	}
	if err := s.failed(r, began); err != nil {
		return Entry{}, err
	}
	e, err := r.Renew(ctx)
	if err != nil {
		if ctx.Err() == nil {
			s.fail(r, err)
		}
		return Entry{}, err
	}
	if err := s.Put(r.Key, e); err != nil {
		r.Warn(err)
	}
	return e, nil
}

// lock waits for the key's lock. Where there can be none (a home that is read-only,
// or on a server without locks), going on without costs a few requests.
func (s *Store) lock(ctx context.Context, key string) (unlock func(), err error) {
	if s.mkdir() != nil {
		return func() {}, nil
	}
	l := flock.New(s.path(key, lockFile), flock.SetPermissions(0o600))
	if _, err := l.TryLockContext(ctx, 10*time.Millisecond); err != nil && ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return func() { _ = l.Close() }, nil
}

type failure struct {
	Time    time.Time `json:"time"`
	Asker   string    `json:"asker"`
	Message string    `json:"message"`
}

func (s *Store) fail(r Request, err error) {
	var shared *SharedError
	if errors.As(err, &shared) {
		return
	}
	if data, err := json.Marshal(failure{time.Now(), r.Asker, err.Error()}); err == nil {
		_ = s.write(r.Key, failedFile, data)
	}
}

// failed returns the failure that answers this request too.
func (s *Store) failed(r Request, began time.Time) error {
	data, err := readPrivate(s.path(r.Key, failedFile))
	var f failure
	if err != nil || json.Unmarshal(data, &f) != nil || f.Message == "" {
		return nil
	}
	age := time.Since(f.Time)
	if f.Time.After(began) || r.Asker != "" && f.Asker == r.Asker && age >= 0 && age < sameAsker {
		return &SharedError{f.Message}
	}
	return nil
}

// Forgive forgets that getting a token failed.
func (s *Store) Forgive(key string) {
	if !s.off() {
		_ = os.Remove(s.path(key, failedFile))
	}
}
