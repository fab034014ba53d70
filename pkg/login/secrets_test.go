package login

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ystackdev/ystack/pkg/keystone"
)

// testService is a service with directories of its own and an environment.
func testService(t *testing.T, env map[string]string) *Service {
	t.Helper()
	dir := t.TempDir()
	return &Service{
		Getenv: func(name string) string { return env[name] }, Dir: dir,
		CacheDir: filepath.Join(dir, "cache"), StateDir: filepath.Join(dir, "state"),
		Warn: func(format string, args ...any) { t.Logf("warning: "+format, args...) },
	}
}

func writeFile(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const twoClouds = `clouds:
  a:
    auth: {auth_url: https://a/v3, username: alice, user_domain_name: Default, password: of-alice, project_name: web, project_domain_name: Default}
    cacert: /ca-of-a
  b:
    auth: {auth_url: https://b/v3, username: bob, user_domain_name: Default, password: of-bob, project_name: web, project_domain_name: Default}
`

// TestSecretsOfAPin: they come from clouds.yaml and the environment, but only from what
// is about this very identity.
func TestSecretsOfAPin(t *testing.T) {
	alice := Pin{"cloud": "a", "auth_url": "https://a/v3", "auth_type": "password", "username": "alice", "user_domain_name": "Default", "project_id": "1"}
	with := func(p Pin, kv ...string) Pin {
		q := p.clone()
		for i := 0; i < len(kv); i += 2 {
			q[kv[i]] = kv[i+1]
		}
		return q.compact()
	}
	noCloud := with(alice, "cloud", "")
	for name, tc := range map[string]struct {
		pin  Pin
		env  map[string]string
		want string // the password
	}{
		"clouds.yaml":                      {alice, nil, "of-alice"},
		"variable over clouds.yaml":        {alice, map[string]string{"OS_PASSWORD": "new"}, "new"},
		"of the same user":                 {alice, map[string]string{"OS_PASSWORD": "new", "OS_USERNAME": "alice", "OS_AUTH_URL": "https://a/v3/"}, "new"},
		"the same cloud":                   {alice, map[string]string{"OS_PASSWORD": "new", "OS_CLOUD": "a"}, "new"},
		"another project":                  {alice, map[string]string{"OS_PASSWORD": "new", "OS_USERNAME": "alice", "OS_PROJECT_NAME": "x"}, "new"},
		"of another user":                  {alice, map[string]string{"OS_PASSWORD": "of-bob", "OS_USERNAME": "bob"}, "of-alice"},
		"of another domain":                {alice, map[string]string{"OS_PASSWORD": "of-bob", "OS_USERNAME": "alice", "OS_USER_DOMAIN_NAME": "corp"}, "of-alice"},
		"of another domain, by id":         {alice, map[string]string{"OS_PASSWORD": "of-bob", "OS_USERNAME": "alice", "OS_USER_DOMAIN_ID": "x"}, "of-alice"},
		"of another Keystone":              {alice, map[string]string{"OS_PASSWORD": "of-bob", "OS_AUTH_URL": "https://b/v3"}, "of-alice"},
		"of another cloud":                 {alice, map[string]string{"OS_PASSWORD": "of-bob", "OS_CLOUD": "b"}, "of-alice"},
		"beside a credential":              {alice, map[string]string{"OS_PASSWORD": "of-bob", "OS_APPLICATION_CREDENTIAL_ID": "x"}, "of-alice"},
		"the pin is of another user":       {with(alice, "username", "carol"), nil, ""},
		"the pin is of another domain":     {with(alice, "user_domain_name", "corp"), nil, ""},
		"the pin is of another server":     {with(alice, "auth_url", "https://evil/v3"), nil, ""},
		"no cloud":                         {noCloud, nil, ""},
		"no cloud, variable":               {noCloud, map[string]string{"OS_PASSWORD": "new"}, "new"},
		"no cloud, OS_CLOUD":               {noCloud, map[string]string{"OS_PASSWORD": "of-bob", "OS_CLOUD": "b"}, ""},
		"no cloud, openrc of another":      {noCloud, map[string]string{"OS_PASSWORD": "of-bob", "OS_USERNAME": "bob", "OS_AUTH_URL": "https://a/v3"}, ""},
		"openrc by id against one by name": {noCloud, map[string]string{"OS_PASSWORD": "of-bob", "OS_USER_ID": "77"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := testService(t, tc.env)
			writeFile(t, s.Dir, "clouds.yaml", twoClouds)
			c, err := s.config(tc.pin)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.Password.Reveal(); got != tc.want {
				t.Errorf("password %q, want %q", got, tc.want)
			}
			if c.Username != tc.pin["username"] || c.AuthURL != tc.pin["auth_url"] || c.Scope.ProjectID != "1" {
				t.Errorf("became somebody else: %s at %s in %+v", c.Username, c.AuthURL, c.Scope)
			}
			if ca := c.CACert; (ca == "/ca-of-a") != (tc.pin["cloud"] != "") {
				t.Errorf("cacert %q", ca)
			}
		})
	}
}

// TestFlagsOfAnother: flags that name another user take no secrets along.
func TestFlagsOfAnother(t *testing.T) {
	for name, tc := range map[string]struct {
		cloud string
		env   map[string]string
		flags map[string]string
		want  string
	}{
		"no flag":             {"a", nil, nil, "of-alice"},
		"a project":           {"a", nil, map[string]string{"project_name": "x"}, "of-alice"},
		"the same user":       {"a", nil, map[string]string{"username": "alice"}, "of-alice"},
		"another user":        {"a", nil, map[string]string{"username": "bob"}, ""},
		"another domain":      {"a", nil, map[string]string{"user_domain_name": "corp"}, ""},
		"a user by id":        {"a", nil, map[string]string{"user_id": "77"}, ""},
		"another Keystone":    {"a", nil, map[string]string{"auth_url": "https://c/v3"}, "of-alice"},
		"variable":            {"", map[string]string{"OS_AUTH_URL": "https://a/v3", "OS_USERNAME": "alice", "OS_USER_DOMAIN_NAME": "d", "OS_PASSWORD": "x"}, map[string]string{"username": "bob"}, ""},
		"variable, same user": {"", map[string]string{"OS_AUTH_URL": "https://a/v3", "OS_USERNAME": "alice", "OS_USER_DOMAIN_NAME": "d", "OS_PASSWORD": "x"}, map[string]string{"username": "alice"}, "x"},
		"password alone":      {"", map[string]string{"OS_AUTH_URL": "https://a/v3", "OS_PASSWORD": "x"}, map[string]string{"username": "bob", "user_domain_name": "d"}, "x"},
	} {
		t.Run(name, func(t *testing.T) {
			s := testService(t, tc.env)
			writeFile(t, s.Dir, "clouds.yaml", twoClouds)
			c, err := s.configure(keystone.LoadOptions{Cloud: tc.cloud, Getenv: s.Getenv, Dir: s.Dir, Overrides: tc.flags})
			if err != nil {
				t.Fatal(err)
			}
			if got := c.Password.Reveal(); got != tc.want {
				t.Errorf("password %q, want %q", got, tc.want)
			}
		})
	}
}

func TestMissingError(t *testing.T) {
	c := &keystone.Config{Cloud: "mine", AuthURL: "https://k/v3", Username: "alice", UserDomainName: "corp"}
	for name, tc := range map[string]struct {
		c     *keystone.Config
		names []string
		want  string
	}{
		"password": {c, []string{"password"}, "no password for alice (domain corp) at https://k/v3, and there is no terminal to ask on; " +
			"set OS_PASSWORD or password of cloud mine in clouds.yaml or secure.yaml, or log in"},
		"passcode": {c, []string{"password", "passcode"}, "set OS_PASSWORD or password of cloud mine in clouds.yaml or secure.yaml; OS_PASSCODE, or log in"},
		"user":     {&keystone.Config{}, []string{"auth_url", "username"}, "no auth_url and no username, and there is no terminal to ask on; set OS_AUTH_URL or --os-auth-url; OS_USERNAME or --os-username, or log in"},
	} {
		if err := missingError(tc.c, tc.names, "or log in"); !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s:\n got %v\nwant %s", name, err, tc.want)
		}
	}
}
