package login

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ystackdev/ystack/pkg/keystone"
)

// CredentialRequest describes the application credentials that a login makes.
type CredentialRequest struct {
	Lifetime time.Duration
	// Roles are names; none stands for all that the user has in the project.
	Roles []string
	// Host is where it will be used; it is part of the name.
	Host string
}

// credential is an application credential as it is kept: the one secret that ystack
// writes down.
type credential struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Secret  string    `json:"secret"`
	Expires time.Time `json:"expires"`
	// Owner is the login that made it, for the project that it is good for.
	Owner Pin `json:"owner"`
}

// Format keeps the secret out of messages.
func (c credential) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "{application credential %s}", c.Name)
}

const credentialsDir = "application-credentials"

// credentials makes an application credential for each context, if that is wanted, and
// has the contexts use those only. After an error there is none.
func (l *session) credentials(ctx context.Context, contexts []Context, projects []keystone.Project, head *keystone.Token) (made newCredentials, err error) {
	if l.in.ApplicationCredential == nil {
		return nil, nil
	}
	dir, err := l.state(credentialsDir)
	if err != nil {
		return nil, err
	}
	for i, p := range projects {
		t := head
		if i > 0 {
			t, err = l.scoped(ctx, p)
		}
		var c credential
		if err == nil {
			c, err = l.makeCredential(ctx, t, contexts[i].pin)
		}
		if err != nil {
			return nil, errors.Join(err, made.withdraw(l))
		}
		one := newCredential{c, filepath.Join(dir, c.ID+".json"), t}
		made = append(made, one)
		if err := writeCredential(one.path, c); err != nil {
			return nil, errors.Join(err, made.withdraw(l))
		}
		contexts[i].use(c, one.path)
	}
	return made, nil
}

// newCredential is one of this login: where it is kept, and a token that may delete it.
type newCredential struct {
	credential
	path  string
	token *keystone.Token
}

type newCredentials []newCredential

// replace deletes those that earlier logins made for the same.
func (made newCredentials) replace(ctx context.Context, l *session) {
	for _, c := range made {
		for path, old := range l.madeFor(c.Owner) {
			if path == c.path {
				continue
			}
			if err := l.client.DeleteApplicationCredential(ctx, c.token, old.ID); err != nil {
				l.Warn("the application credential %s of an earlier login remains until %s: %v", old.Name, old.Expires.Local().Format(time.DateTime), err)
			}
			_ = l.tokens().Remove(old.pin().Key())
			_ = os.Remove(path)
		}
	}
}

// withdraw deletes what a login that failed has made; an interrupted one too.
func (made newCredentials) withdraw(l *session) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var problems []error
	for _, c := range made {
		_ = os.Remove(c.path)
		if err := l.client.DeleteApplicationCredential(ctx, c.token, c.ID); err != nil {
			problems = append(problems, remains(c.credential, err))
		}
	}
	return errors.Join(problems...)
}

// remains says how to get rid of a credential that could not be deleted.
func remains(c credential, err error) error {
	return &Error{ErrRemains, err.Error() + "; until " + c.Expires.Local().Format(time.DateTime) +
		" it stays good, unless `openstack application credential delete " + c.ID + "` is called", err}
}

// use makes the context log in with the credential.
func (c *Context) use(made credential, path string) {
	c.pin, c.args, c.Expires = made.pin(), []string{"--application-credential-file=" + path}, &made.Expires
}

// pin is the identity of a credential's own tokens.
func (c credential) pin() Pin {
	p := c.Owner.clone()
	p["auth_type"], p["auth_methods"], p["application_credential_id"] = keystone.AuthApplicationCredential, "", c.ID
	return p.compact()
}

func (l *session) makeCredential(ctx context.Context, t *keystone.Token, owner Pin) (credential, error) {
	want := l.in.ApplicationCredential
	var tail [4]byte
	_, _ = rand.Read(tail[:])
	made, err := l.client.CreateApplicationCredential(ctx, t, keystone.ApplicationCredentialRequest{
		Name:        fmt.Sprintf("ystack-%s-%s", want.Host, hex.EncodeToString(tail[:])),
		Description: "kubectl on " + want.Host + ", made by keystone-login",
		Roles:       want.Roles,
		Expires:     time.Now().Add(want.Lifetime).UTC().Truncate(time.Second),
		AccessRules: validationOnly(owner["auth_url"]),
	})
	if err != nil {
		return credential{}, err
	}
	return credential{made.ID, made.Name, made.Secret.Reveal(), made.Expires, owner}, nil
}

// validationOnly are access rules under which a token can be looked at, which is all
// that a Kubernetes API server does with it. Every other service refuses it. Keystone
// itself does not heed access rules; there it cannot make further credentials, since it
// is restricted.
func validationOnly(authURL string) []keystone.AccessRule {
	paths := []string{"/v3/auth/tokens"}
	if u, err := url.Parse(authURL); err == nil {
		// Services compare with the whole path, also where Keystone is not at the root.
		base := strings.TrimSuffix(strings.TrimRight(u.Path, "/"), "/v3")
		if base != "" {
			paths = append(paths, base+"/v3/auth/tokens")
		}
	}
	var rules []keystone.AccessRule
	for _, path := range paths {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			rules = append(rules, keystone.AccessRule{Service: "identity", Method: method, Path: path})
		}
	}
	return rules
}

func writeCredential(path string, c credential) error {
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

func readCredential(path string) (credential, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return credential{}, err
	}
	var c credential
	if json.Unmarshal(data, &c) != nil || c.ID == "" || c.Secret == "" {
		return credential{}, fmt.Errorf("%s does not hold an application credential", path)
	}
	return c, nil
}

// gone explains why a context's credential cannot be read.
func gone(err error, path, remedy string) error {
	if errors.Is(err, fs.ErrNotExist) {
		return failf(ErrLoggedOut, "the application credential of this context is gone (%s; logged out?); log in again with %s", path, remedy)
	}
	return fmt.Errorf("%w; log in again with %s", err, remedy)
}

// stored are the credentials that logins made here, by file.
func (s *Service) stored() map[string]credential {
	all := map[string]credential{}
	paths, _ := filepath.Glob(filepath.Join(s.StateDir, credentialsDir, "*.json"))
	for _, path := range paths {
		if c, err := readCredential(path); err == nil {
			all[path] = c
		}
	}
	return all
}

// madeFor are those for a login and project.
func (s *Service) madeFor(owner Pin) map[string]credential {
	all := s.stored()
	for path, c := range all {
		if c.Owner.Login() != owner.Login() || c.Owner["project_id"] != owner["project_id"] {
			delete(all, path)
		}
	}
	return all
}
