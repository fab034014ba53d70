package login

import (
	"context"
	"errors"
	"maps"
	"os"
	"slices"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/ystackdev/ystack/pkg/keystone"
	"github.com/ystackdev/ystack/pkg/keystone/cache"
)

// LogoutInput says which login ends.
type LogoutInput struct {
	Kubeconfig clientcmd.ConfigAccess
	// Context is one of the login's; empty is the current one.
	Context string
	// All ends every login that this machine knows of.
	All bool
}

// Ended is something that a logout ended, or failed to.
type Ended struct {
	Who string // of whom
	// What is "token" or "application credential", For its project or name.
	What, For string
	Err       error
}

// Logout revokes the tokens of a login, deletes the application credentials that it
// made, and forgets both. What Keystone could not be told is an [ErrRemains]; here it
// is forgotten all the same.
func (s *Service) Logout(ctx context.Context, in LogoutInput) ([]Ended, error) {
	logins, err := s.ending(ctx, in)
	if err != nil {
		return nil, err
	}
	for _, p := range logins { // before all else: from now on nobody begins it again unasked
		if err := s.logOut(p); err != nil {
			return nil, err
		}
	}
	// The credentials first: deleting them takes one of the tokens.
	ended := s.endCredentials(ctx, logins)
	more, err := s.endTokens(ctx, logins)
	ended = append(ended, more...)
	problems := []error{err}
	for _, e := range ended {
		if e.Err != nil {
			problems = append(problems, &Error{ErrRemains, e.What + " of " + e.Who + " (" + e.For + "): " + e.Err.Error(), e.Err})
		}
	}
	return ended, errors.Join(problems...)
}

// ending are the logins that end, by [Pin.Login].
func (s *Service) ending(ctx context.Context, in LogoutInput) (map[string]Pin, error) {
	logins := map[string]Pin{}
	add := func(p Pin) { logins[p.Login()] = p }
	b, err := s.openBook(ctx, in.Kubeconfig)
	if err != nil {
		return nil, err
	}
	if in.All {
		for _, c := range b.ours() {
			add(c.pin)
		}
		tokens, err := s.tokens().All()
		for _, e := range tokens {
			add(e.Pin)
		}
		for _, c := range s.stored() {
			add(c.pin())
			add(c.Owner)
		}
		return logins, err
	}
	c, err := b.find(in.Context)
	if err != nil {
		return nil, err
	}
	add(c.pin)
	owner := c.pin.Login()
	if made, err := readCredential(c.file); err == nil {
		owner = made.Owner.Login()
		add(made.Owner)
	}
	for _, made := range s.stored() {
		if made.Owner.Login() == owner {
			add(made.pin())
		}
	}
	return logins, nil
}

// endTokens revokes and forgets the tokens of logins.
func (s *Service) endTokens(ctx context.Context, logins map[string]Pin) ([]Ended, error) {
	store := s.tokens()
	tokens, err := store.All()
	if err != nil {
		return nil, err
	}
	var ended []Ended
	for _, key := range slices.Sorted(maps.Keys(tokens)) {
		e := tokens[key]
		p := Pin(e.Pin)
		if logins[p.Login()] == nil {
			continue
		}
		if time.Now().Before(e.Expires) {
			ended = append(ended, Ended{p.User(), "token", first(p["project_name"], p["project_id"], "login"), s.revokeEntry(ctx, e)})
		}
		if err := store.Remove(key); err != nil {
			return ended, err
		}
	}
	return ended, nil
}

func (s *Service) revokeEntry(ctx context.Context, e cache.Entry) error {
	client, err := s.clientFor(e.Pin)
	if err != nil {
		return err
	}
	err = client.Revoke(ctx, keystone.Secret(e.Token))
	if errors.Is(err, keystone.ErrForbidden) || errors.Is(err, keystone.ErrUnauthorized) || errors.Is(err, keystone.ErrNotFound) {
		// An application credential of ours may not even revoke its token; it has been
		// deleted, and its tokens with it.
		if _, err := client.Validate(ctx, keystone.Secret(e.Token)); errors.Is(err, keystone.ErrNotFound) || errors.Is(err, keystone.ErrUnauthorized) {
			return nil
		}
	}
	return err
}

func (s *Service) clientFor(p Pin) (*keystone.Client, error) {
	cfg, err := s.config(p)
	if err != nil {
		return nil, err
	}
	return keystone.NewClient(cfg, s.UserAgent)
}

// endCredentials deletes application credentials that logins made.
func (s *Service) endCredentials(ctx context.Context, logins map[string]Pin) []Ended {
	var ended []Ended
	stored := s.stored()
	for _, path := range slices.Sorted(maps.Keys(stored)) {
		c := stored[path]
		if logins[c.Owner.Login()] == nil && logins[c.pin().Login()] == nil {
			continue
		}
		var err error
		if time.Now().Before(c.Expires) {
			err = s.deleteCredential(ctx, c)
		}
		if err == nil {
			err = os.Remove(path)
		}
		ended = append(ended, Ended{c.Owner.User(), "application credential", c.Name, err})
	}
	return ended
}

// deleteCredential needs the user's own login: a restricted credential cannot delete
// itself.
func (s *Service) deleteCredential(ctx context.Context, c credential) error {
	cfg, err := s.config(c.Owner)
	if err != nil {
		return err
	}
	r := &renewal{Service: s, pin: c.Owner, cfg: cfg}
	client, err := keystone.NewClient(cfg, s.UserAgent)
	if err != nil {
		return err
	}
	t, err := r.authenticated(ctx, client, cfg)
	if err == nil {
		err = client.DeleteApplicationCredential(ctx, t, c.ID)
		_ = client.Revoke(ctx, t.ID)
	}
	if err != nil {
		return remains(c, err)
	}
	return nil
}
