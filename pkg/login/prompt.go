package login

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ystackdev/ystack/pkg/keystone"
)

// complete asks the user for what the configuration lacks.
func (s *Service) complete(ctx context.Context, c *keystone.Config, names []string, remedy string) error {
	if len(names) == 0 {
		return nil
	}
	if s.Prompter == nil {
		return missingError(c, names, remedy)
	}
	for _, name := range names {
		if err := s.ask(ctx, c, name); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) ask(ctx context.Context, c *keystone.Config, name string) error {
	label := strings.ReplaceAll(name, "_", " ")
	label = strings.ToUpper(label[:1]) + label[1:]
	if c.AuthURL != "" && secret(name) {
		label += fmt.Sprintf(" for %s at %s", pinOf(c).User(), c.AuthURL)
	}
	if field := secretField(c, name); field != nil {
		v, err := s.Prompter.AskSecret(ctx, label)
		*field = v
		return answered(name, v.Reveal(), err)
	}
	var field *string
	switch name {
	case "auth_url":
		field = &c.AuthURL
	case "username":
		field = &c.Username
	case "application_credential_id":
		field = &c.ApplicationCredentialID
	case "user_domain_name":
		v, err := s.Prompter.Ask(ctx, label+" (empty: the default one)")
		if c.UserDomainName = strings.TrimSpace(v); c.UserDomainName == "" {
			c.UserDomainID = defaultDomain
		}
		return err
	default:
		return failf(ErrMissing, "no %s; set OS_%s or --%s", name, strings.ToUpper(name), Flag(name))
	}
	v, err := s.Prompter.Ask(ctx, label)
	*field = strings.TrimSpace(v)
	return answered(name, *field, err)
}

func answered(name, value string, err error) error {
	if err == nil && value == "" {
		return failf(ErrMissing, "no %s was entered", name)
	}
	return err
}

func secretField(c *keystone.Config, name string) *keystone.Secret {
	switch name {
	case "password":
		return &c.Password
	case "passcode":
		return &c.Passcode
	case "token":
		return &c.Token
	case "application_credential_secret":
		return &c.ApplicationCredentialSecret
	}
	return nil
}

// authenticate logs in, and asks for further factors if Keystone wants them.
func (s *Service) authenticate(ctx context.Context, client *keystone.Client, c *keystone.Config, scope keystone.Scope) (*keystone.Token, error) {
	t, err := client.Authenticate(ctx, c, scope)
	var more *keystone.MFAError
	if !errors.As(err, &more) || s.Prompter == nil {
		return t, err
	}
	methods := askable(more.Missing)
	if methods == nil {
		return nil, err
	}
	had := c.AuthMethods
	if c.AuthType != keystone.AuthMultiFactor {
		had = []string{strings.TrimPrefix(c.AuthType, "v3")}
	}
	c.AuthType, c.AuthMethods = keystone.AuthMultiFactor, slices.Clone(had)
	c.AuthMethods = append(c.AuthMethods, methods...)
	if err := s.complete(ctx, c, missing(c), ""); err != nil {
		return nil, err
	}
	return client.Authenticate(ctx, c, scope)
}

// askable is the first set of methods that a person can answer.
func askable(sets [][]string) []string {
	for _, set := range sets {
		if len(set) > 0 && !slices.ContainsFunc(set, func(m string) bool { return m != "password" && m != "totp" }) {
			return set
		}
	}
	return nil
}
