package authwebhook

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ystackdev/ystack/pkg/keystone"
)

// Options of an [Authenticator].
type Options struct {
	// Prefix starts the names of Keystone's users and groups in Kubernetes.
	Prefix string
	// Domains are the ids or names of the domains whose users are let in; none stands for all.
	Domains []string
	// Audiences are the API server's (--api-audiences). A review that names audiences is
	// accepted for those of them only. None leaves the comparison to the API server.
	Audiences []string
	// JWS is for a Keystone whose token provider is jws rather than fernet.
	JWS bool

	// TokenTTL is how long an accepted token is remembered at most.
	TokenTTL time.Duration
	// Recheck is how old Keystone's word on a remembered token may get, and so how long a
	// revoked token still passes here. When Keystone cannot say it again within that time,
	// the token is not accepted any more. Zero asks once per TokenTTL.
	Recheck time.Duration
	// BadTTL is how long a refused token is remembered.
	BadTTL time.Duration
	// CacheSize is how many tokens are remembered, accepted and refused ones each.
	CacheSize int

	// Concurrency is how many requests Keystone gets at a time, Queue how many tokens wait.
	Concurrency, Queue int
	// Timeout is for waiting in the queue, and again for Keystone's answer. The two should
	// stay below the ten seconds that the API server waits.
	Timeout time.Duration
	// BadRate is how many unknown tokens that turn out to be bad Keystone is asked about per
	// second in the long run, BadBurst how many at once. Beyond that unknown tokens get an
	// error instead of an answer; known ones are not affected.
	BadRate  float64
	BadBurst int

	// PolicyFile is an ABAC policy file, from which SubjectAccessReviews are answered; without
	// one none are.
	PolicyFile string
	// Namespaces, if set, are told to the users of their projects.
	Namespaces *Namespaces

	Log *slog.Logger
}

// DefaultOptions suit a Keystone with some ten workers.
func DefaultOptions() Options {
	return Options{
		Prefix:      keystone.DefaultPrefix,
		TokenTTL:    time.Hour,
		Recheck:     2 * time.Minute,
		BadTTL:      30 * time.Second,
		CacheSize:   16384,
		Concurrency: 8,
		Queue:       256,
		Timeout:     4 * time.Second,
		BadRate:     10,
		BadBurst:    200,
		Log:         slog.New(slog.DiscardHandler),
	}
}

// ErrOptions: an option has a value that makes no sense.
var ErrOptions = errors.New("invalid option")

// Validate says which option has an unusable value.
func (o Options) Validate() error {
	for _, c := range []struct {
		bad  bool
		flag string
		want string
	}{
		{o.TokenTTL <= 0, "--token-ttl", "more than 0"},
		{o.Recheck < 0, "--recheck", "0 or more"},
		{o.BadTTL < 0, "--bad-token-ttl", "0 or more"},
		{o.CacheSize < 1, "--cache-size", "1 or more"},
		{o.Concurrency < 1, "--keystone-concurrency", "1 or more"},
		{o.Queue < 0, "--keystone-queue", "0 or more"},
		{o.Timeout <= 0, "--keystone-timeout", "more than 0"},
		{o.BadRate <= 0, "--bad-token-rate", "more than 0"},
		{o.BadBurst < 1, "--bad-token-burst", "1 or more"},
	} {
		if c.bad {
			return fmt.Errorf("%w: %s must be %s", ErrOptions, c.flag, c.want)
		}
	}
	return nil
}

// recheckEvery is Recheck, or never within the life of an entry.
func (o Options) recheckEvery() time.Duration {
	if o.Recheck == 0 || o.Recheck > o.TokenTTL {
		return o.TokenTTL
	}
	return o.Recheck
}
