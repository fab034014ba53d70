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
func (c credential) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "{application credential %s}", c.Name) }

const credentialsDir = "application-credentials"

// credentials makes an application credential for each context, if that is wanted, and
// has the contexts use those only.
func (l *session) credentials(ctx context.Context, contexts []Context, projects []keystone.Project, head *keystone.Token) error {
	want := l.in.ApplicationCredential
	if want == nil {
		return nil
	}
	dir, err := l.state(credentialsDir)
	if err != nil {
		return err
	}
	for i, p := range projects {
		t := head
		if i > 0 {
			if t, err = l.scoped(ctx, p); err != nil {
				return err
			}
		}
		owner := contexts[i].pin
		before := l.madeFor(owner)
		c, err := l.makeCredential(ctx, t, owner, *want)
		if err != nil {
			return err
		}
		path := filepath.Join(dir, c.ID+".json")
		if err := writeCredential(path, c); err != nil {
			return errors.Join(err, l.client.DeleteApplicationCredential(ctx, t, c.ID))
		}
		contexts[i].use(c, path)
		for path, old := range before { // the new one takes its place
			if err := l.client.DeleteApplicationCredential(ctx, t, old.ID); err != nil {
				l.Warn("the application credential %s of an earlier login remains until %s: %v", old.Name, old.Expires.Local().Format(time.DateTime), err)
			}
			_ = l.tokens().Remove(old.pin().Key())
			_ = os.Remove(path)
		}
	}
	return nil
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

func (l *session) makeCredential(ctx context.Context, t *keystone.Token, owner Pin, want CredentialRequest) (credential, error) {
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
// that a Kubernetes API server does with it. Every other service refuses it, and so
// does Keystone for anything else.
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
