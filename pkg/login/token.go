package login

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ystackdev/ystack/pkg/keystone"
	"github.com/ystackdev/ystack/pkg/keystone/cache"
)

// TokenInput asks for a token.
type TokenInput struct {
	// Pin says whose and what for. Where it is not complete, the usual configuration
	// fills it in.
	Pin Pin
	// Credential is the file of an application credential that keystone-login made.
	Credential string
	// Parent is the process that asks, if a second time means that the token was
	// refused; see [Parent].
	Parent string
}

// Credential is a token for kubectl.
type Credential struct {
	Token keystone.Secret
	// Expires is a little before Keystone's own time.
	Expires time.Time
	// Source tells where it came from: the cache, or whence the secret came.
	Source string

	pin Pin
}

// Token returns a good token, from the cache if it has one.
func (s *Service) Token(ctx context.Context, in TokenInput) (Credential, error) {
	pin, cfg, err := s.resolve(in.Pin)
	if err != nil {
		return Credential{}, err
	}
	r := &renewal{Service: s, pin: pin, cfg: cfg, file: in.Credential}
	if when, out := s.loggedOut(pin); out {
		return Credential{}, failf(ErrLoggedOut, "%s logged out of %s on %s; log in again with %s",
			pin.User(), pin["auth_url"], when.Local().Format(time.DateTime), r.remedy())
	}
	store, key := s.tokens(), pin.Key()
	usable := func(e cache.Entry) bool { return time.Now().Before(e.RenewAt()) }
	old, ok := store.Get(key)
	if ok && usable(old) {
		if !store.Returning(key, in.Parent, old, time.Now()) || s.stillKnown(ctx, r, key, old) {
			return handOut(old, old.RenewAt(), "cache "+store.Path(key), pin), nil
		}
		ok, usable = false, func(e cache.Entry) bool { return e.Token != old.Token && time.Now().Before(e.RenewAt()) }
	}
	got, err := store.Fetch(ctx, cache.Request{
		Key: key, Asker: in.Parent, Usable: usable, Renew: r.renew,
		Warn: func(err error) { s.Warn("the token cannot be kept, so every call asks Keystone: %v", err) },
	})
	if err != nil {
		if ok && passing(err) && time.Now().Before(old.Expires) {
			return handOut(old, old.Expires, "cache "+store.Path(key), pin), nil // for its last minutes
		}
		return Credential{}, err
	}
	store.Returning(key, in.Parent, got, time.Now()) // this process has it now
	return handOut(got, got.RenewAt(), first(r.source, "cache "+store.Path(key)), pin), nil
}

// passing reports whether a failure says nothing about the credentials.
func passing(err error) bool {
	var shared *cache.SharedError
	return errors.Is(err, keystone.ErrUnreachable) || errors.Is(err, keystone.ErrServer) || errors.Is(err, ErrMissing) || errors.As(err, &shared)
}

func handOut(e cache.Entry, until time.Time, source string, pin Pin) Credential {
	return Credential{Token: keystone.Secret(e.Token), Expires: until, Source: source, pin: pin}
}

// resolve completes a pin by the usual configuration; the configuration is nil where
// it was not needed.
func (s *Service) resolve(pin Pin) (Pin, *keystone.Config, error) {
	if pin.Complete() {
		return pin, nil, nil
	}
	cfg, err := s.configure(keystone.LoadOptions{Cloud: pin["cloud"], Getenv: s.Getenv, Dir: s.Dir, Overrides: pin.overrides()})
	if err != nil {
		return nil, nil, err
	}
	return pinOf(cfg), cfg, nil
}

// stillKnown asks Keystone about a token that the API server seems to have refused. If
// Keystone cannot be asked, a new token cannot be had either.
func (s *Service) stillKnown(ctx context.Context, r *renewal, key string, e cache.Entry) bool {
	client, _, err := r.client()
	if err != nil {
		return true
	}
	_, err = client.Validate(ctx, keystone.Secret(e.Token))
	if errors.Is(err, keystone.ErrNotFound) || errors.Is(err, keystone.ErrUnauthorized) {
		return false
	}
	s.tokens().Confirmed(key, time.Now()) // unreachable counts: it is asked again in a while
	return true
}

// renewal gets one new token.
type renewal struct {
	*Service
	pin    Pin
	cfg    *keystone.Config // nil until needed
	file   string           // of an application credential
	source string
}

// client is a connection for the pin, and its configuration.
func (r *renewal) client() (*keystone.Client, *keystone.Config, error) {
	if r.cfg == nil {
		cfg, err := r.config(r.pin)
		if err != nil {
			return nil, nil, err
		}
		r.cfg = cfg
	}
	client, err := keystone.NewClient(r.cfg, r.UserAgent)
	return client, r.cfg, err
}

func (r *renewal) renew(ctx context.Context) (cache.Entry, error) {
	client, cfg, err := r.client()
	if err != nil {
		return cache.Entry{}, err
	}
	if r.file != "" {
		c, err := readCredential(r.file)
		if err != nil {
			return cache.Entry{}, gone(err, r.file, r.remedy())
		}
		cfg.ApplicationCredentialSecret, cfg.Origin["application_credential_secret"] = keystone.Secret(c.Secret), r.file
	}
	t, err := r.authenticated(ctx, client, cfg)
	if err != nil {
		return cache.Entry{}, r.explain(err)
	}
	if err := r.isMine(t); err != nil {
		return cache.Entry{}, err
	}
	return entry(t, r.pin), nil
}

// authenticated gets a token in the cheapest way that asks nobody; then, if there is
// somebody, by asking.
func (r *renewal) authenticated(ctx context.Context, client *keystone.Client, cfg *keystone.Config) (*keystone.Token, error) {
	lacks := missing(cfg)
	if len(lacks) > 0 || passcodes(cfg) {
		// A code is good once: what the environment has may be the last one's.
		if t, err := r.fromSession(ctx, client); t != nil || err != nil {
			return t, err
		}
	}
	if len(lacks) == 0 {
		r.source = cfg.Origin[proof(cfg)]
		return r.Service.authenticate(ctx, client, cfg, cfg.Scope)
	}
	if err := r.complete(ctx, cfg, lacks, "or log in with "+r.remedy()); err != nil {
		return nil, err
	}
	r.source = "entered"
	if cfg.AuthType == keystone.AuthApplicationCredential || cfg.Scope == (keystone.Scope{}) {
		return r.Service.authenticate(ctx, client, cfg, cfg.Scope)
	}
	t, err := r.Service.authenticate(ctx, client, cfg, keystone.Scope{Unscoped: true})
	if err != nil {
		return nil, err
	}
	r.keepSession(r.pin, t)
	return client.Rescope(ctx, t, cfg.Scope)
}

// fromSession makes the token of the one that the login left, if it is still good.
func (r *renewal) fromSession(ctx context.Context, client *keystone.Client) (*keystone.Token, error) {
	key := r.pin.session()
	e, ok := r.tokens().Get(key)
	if !ok || time.Now().After(e.Expires.Add(-5*time.Second)) {
		return nil, nil
	}
	r.source = "login of " + e.Got.Local().Format(time.DateTime)
	t, err := client.Rescope(ctx, &keystone.Token{ID: keystone.Secret(e.Token), Expires: e.Expires}, r.pin.Scope())
	if errors.Is(err, keystone.ErrUnauthorized) || errors.Is(err, keystone.ErrNotFound) {
		if _, err := client.Validate(ctx, keystone.Secret(e.Token)); err != nil && !errors.Is(err, keystone.ErrUnreachable) && !errors.Is(err, keystone.ErrServer) {
			_ = r.tokens().Remove(key) // revoked: as good as no session
			return nil, nil
		}
	}
	return t, err
}

func (s *Service) keepSession(p Pin, t *keystone.Token) {
	if err := s.tokens().Put(p.session(), entry(t, p.unscoped())); err != nil {
		s.Warn("the login cannot be kept: %v", err)
	}
}

// isMine makes sure that a token which came from outside belongs to whom the entry
// says; passwords and secrets cannot be somebody else's.
func (r *renewal) isMine(t *keystone.Token) error {
	p := r.pin
	same := func(option, value string) bool { return p[option] == "" || p[option] == value }
	if p["auth_type"] == keystone.AuthToken && !(same("username", t.User.Name) && same("user_id", t.User.ID) &&
		same("user_domain_name", t.User.Domain.Name) && same("user_domain_id", t.User.Domain.ID)) {
		return failf(ErrMissing, "the token in OS_TOKEN is of user %s, not of %s; log in with %s", t.User.Name, p.User(), p.remedy())
	}
	return nil
}

// explain adds the remedy to a refusal.
func (r *renewal) explain(err error) error {
	if errors.Is(err, keystone.ErrUnauthorized) && r.Prompter == nil {
		return fmt.Errorf("%w; or log in again with %s", err, r.remedy())
	}
	return err
}

func (r *renewal) remedy() string {
	if r.file == "" {
		return r.pin.remedy()
	}
	return r.pin.remedy("--application-credential")
}

// proof is the option that holds what proves who somebody is.
func proof(c *keystone.Config) string {
	switch c.AuthType {
	case keystone.AuthToken:
		return "token"
	case keystone.AuthApplicationCredential:
		return "application_credential_secret"
	case keystone.AuthTOTP:
		return "passcode"
	}
	return "password"
}
