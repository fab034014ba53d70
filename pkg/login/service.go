package login

import (
	"context"
	"path/filepath"
	"time"

	"github.com/ystackdev/ystack/pkg/keystone"
	"github.com/ystackdev/ystack/pkg/keystone/cache"
)

// Service holds what the use cases take from the process around them.
type Service struct {
	// Getenv reads the environment, Dir is the working directory.
	Getenv func(string) string
	Dir    string
	// CacheDir and StateDir are ystack's own.
	CacheDir, StateDir string
	// NoCache keeps tokens nowhere.
	NoCache bool
	// Prompter asks the user; nil where nobody can be asked.
	Prompter Prompter
	// Warn tells what does not stop the work.
	Warn func(format string, args ...any)

	UserAgent string
}

// Prompter asks the person at the terminal.
type Prompter interface {
	Ask(ctx context.Context, label string) (string, error)
	AskSecret(ctx context.Context, label string) (keystone.Secret, error)
}

// tokens is where tokens are kept.
func (s *Service) tokens() *cache.Store {
	if s.NoCache {
		return nil
	}
	return cache.Open(filepath.Join(s.CacheDir, "tokens"))
}

// entry is a token as it is kept.
func entry(t *keystone.Token, pin Pin) cache.Entry {
	return cache.Entry{Token: t.ID.Reveal(), Got: time.Now(), Expires: t.Expires, Pin: pin}
}
