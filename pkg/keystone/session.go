package keystone

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// renewBefore is how long before its end a token is renewed. What a service begins with
// a token it may have to finish with it.
const renewBefore = 2 * time.Minute

// Session speaks to the services of a cloud as one user. It logs in when it must, and
// again when a token ends or was revoked. It may be used by several goroutines; when
// many need a login at once, there is one.
type Session struct {
	client *Client
	cfg    *Config

	login chan struct{} // holds one value while somebody logs in

	mu   sync.Mutex
	last attempt
}

// attempt is a login, or none yet if its number is zero.
type attempt struct {
	number int
	token  *Token
	err    error
}

// NewSession does not log in yet.
func NewSession(client *Client, cfg *Config) *Session {
	return &Session{client: client, cfg: cfg, login: make(chan struct{}, 1)}
}

// Format makes every verb print who the session is of. Of its own fmt would reach into
// fields that it may not call the methods of, and show the secrets there.
func (s *Session) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "session of %s at Keystone %s", s.cfg.who(), s.client.where())
}

// Token is a token that holds.
func (s *Session) Token(ctx context.Context) (*Token, error) {
	a, err := s.current(ctx)
	return a.token, err
}

// Request is one to a service: to path, which begins with the version of the API if the
// service has versions (/v2/images), below the endpoint of the service. [Session.Do] sends it.
func (s *Session) Request(ctx context.Context, method, service, path string, body io.Reader) (*http.Request, error) {
	endpoint, err := s.Endpoint(ctx, service)
	if err != nil {
		return nil, err
	}
	return http.NewRequestWithContext(ctx, method, join(endpoint, path), body)
}

// Do sends a request with a token. When the service refuses the token, Do logs in once
// more and repeats the request, unless the credentials are good for one login only or
// the request has a body without GetBody; then, as for a second refusal, the 401 is the
// answer. Whoever calls closes its body. The request's context is all that bounds the
// time: an image takes as long as it takes.
func (s *Session) Do(r *http.Request) (*http.Response, error) {
	a, err := s.current(r.Context())
	if err != nil {
		return nil, err
	}
	response, err := s.send(r, a.token)
	if err != nil || response.StatusCode != http.StatusUnauthorized || !s.cfg.repeatable() {
		return response, err
	}
	again := rewound(r)
	if again == nil {
		s.forget(a)
		return response, nil
	}
	discard(response.Body)
	if a, err = s.renew(r.Context(), a); err != nil {
		return nil, err
	}
	return s.send(again, a.token)
}

func (s *Session) send(r *http.Request, token *Token) (*http.Response, error) {
	with := r.Clone(r.Context())
	with.Header.Set("X-Auth-Token", token.ID.Reveal())
	with.Header.Set("User-Agent", s.client.userAgent)
	response, err := s.client.http.Do(with)
	if err != nil {
		doing := r.Method + " " + r.URL.Path
		return nil, s.client.explainTransport(r.Context(), err, peer{"the service at " + r.URL.Scheme + "://" + r.URL.Host, "its endpoint"}, doing)
	}
	response.Request = r // has no token that somebody may print
	return response, nil
}

// current is the last login if its token holds for long enough, else a new one.
func (s *Session) current(ctx context.Context) (attempt, error) {
	a := s.latest()
	if a.token == nil || s.cfg.repeatable() && s.client.now().Add(renewBefore).After(a.token.Expires) {
		return s.renew(ctx, a)
	}
	return a, nil
}

// renew logs in, unless somebody has since the login that is known. Who has waited takes
// a failure too: many wrong passwords at once lock a user.
func (s *Session) renew(ctx context.Context, known attempt) (attempt, error) {
	select {
	case s.login <- struct{}{}:
		defer func() { <-s.login }()
	case <-ctx.Done():
		return attempt{}, fmt.Errorf("wait for a login at Keystone %s: %w", s.client.where(), context.Cause(ctx))
	}
	last := s.latest()
	if last.number != known.number && (last.token != nil || last.err != nil) {
		return last, last.err
	}
	token, err := s.client.Authenticate(ctx, s.cfg, s.cfg.Scope)
	if err != nil && ctx.Err() != nil {
		return attempt{}, err // the caller's own end, and nobody else's
	}
	return s.record(attempt{last.number + 1, token, err}), err
}

func (s *Session) latest() attempt {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

func (s *Session) record(a attempt) attempt {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = a
	return a
}

// forget drops a token that was refused, if it is still the one in use.
func (s *Session) forget(a attempt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last.number == a.number {
		s.last.token = nil
	}
}

// repeatable tells whether one can log in twice with the same credentials: a code holds
// only once, and a token brings none that lives longer.
func (c *Config) repeatable() bool { return c.AuthType != AuthToken && c.Passcode == "" }

// rewound is the request with its body from the start, nil if that is gone.
func rewound(r *http.Request) *http.Request {
	if r.Body == nil || r.Body == http.NoBody {
		return r
	}
	if r.GetBody == nil {
		return nil
	}
	body, err := r.GetBody()
	if err != nil {
		return nil
	}
	again := r.Clone(r.Context())
	again.Body = body
	return again
}

// discard reads a little, so that the connection serves again.
func discard(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, bodyLimit)
	body.Close()
}
