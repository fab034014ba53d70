package openstack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

func (s *seeder) seedUsers(ctx context.Context, content Content) error {
	for _, u := range content.Users {
		if err := s.seedUser(ctx, u); err != nil {
			return fmt.Errorf("user %s of %s: %w", u.Name, u.Domain, err)
		}
	}
	return nil
}

func (s *seeder) seedUser(ctx context.Context, u User) error {
	have := s.world.users[u.Ref]
	attributes := object{"options": u.options(), "enabled": !u.Disabled}
	switch {
	case have.ID == "":
		attributes["name"], attributes["domain_id"], attributes["password"] = u.Name, s.domain(u.Domain), u.Password
		id, err := s.create(ctx, "/users", "user", attributes)
		if err != nil {
			return err
		}
		have.ID = id
		s.world.users[u.Ref] = have
	case len(have.Options) < len(u.options()): // bootstrap's admin
		if _, err := s.call(ctx, http.MethodPatch, "/users/"+have.ID, object{"user": attributes}, nil); err != nil {
			return err
		}
	}
	if u.Seed != "" && !s.world.seeded[have.ID] {
		if _, err := s.create(ctx, "/credentials", "credential", object{"type": "totp", "blob": u.Seed, "user_id": have.ID}); err != nil {
			return err
		}
	}
	if u.Expired && have.Expires == "" {
		return s.expire(ctx, have.ID)
	}
	return nil
}

func (u User) options() object {
	options := object{}
	if !u.Lockable {
		options["ignore_lockout_failure_attempts"] = true
	}
	if len(u.Rules) > 0 {
		options["multi_factor_auth_enabled"], options["multi_factor_auth_rules"] = true, u.Rules
	}
	return options
}

// seedAppCreds logs in as the owner: nobody else can make an application credential.
func (s *seeder) seedAppCreds(ctx context.Context, content Content) error {
	for _, a := range content.AppCreds {
		path := "/users/" + s.world.users[a.User.Ref].ID + "/application_credentials"
		found, err := s.list(ctx, path+"?name="+a.Name, "application_credentials")
		if err != nil {
			return err
		}
		if len(found) > 0 {
			continue
		}
		owner, _, err := s.anonymous.login(ctx, a.User.Ref, a.User.Password, a.Project)
		if err != nil {
			return err
		}
		if _, err := owner.create(ctx, path, "application_credential", a.attributes()); err != nil {
			return err
		}
	}
	return nil
}

func (a AppCred) attributes() object {
	attributes := object{"name": a.Name, "secret": a.Secret}
	roles := []object{}
	for _, name := range a.Roles {
		roles = append(roles, object{"name": name})
	}
	attributes["roles"] = roles
	if len(a.Rules) > 0 {
		attributes["access_rules"] = a.Rules
	}
	return attributes
}

// lock enters wrong passwords, after which the right one must be refused.
func (s *seeder) lock(ctx context.Context, content Content) error {
	for _, u := range content.Users {
		if !u.Locked {
			continue
		}
		_, _, err := s.anonymous.login(ctx, u.Ref, u.Password, Ref{})
		if err == nil {
			for range 10 { // more than Keystone allows
				_, _, _ = s.anonymous.login(ctx, u.Ref, "not-"+u.Password, Ref{})
			}
			_, _, err = s.anonymous.login(ctx, u.Ref, u.Password, Ref{})
		}
		if !errors.Is(err, errUnauthorized) {
			return fmt.Errorf("user %s should be locked, but its right password gives: %v", u.Name, err)
		}
	}
	return nil
}
