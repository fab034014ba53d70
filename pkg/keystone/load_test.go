package keystone

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// canary is the secret that nothing may show. It is what YAML takes for text.
const canary = "canary-2718281828"

// place is a machine of its own: files, by name, and variables.
type place struct {
	files     map[string]string // clouds.yaml …, in the working directory unless they say etc/
	env       map[string]string
	cloud     string
	overrides map[string]string
}

func (p place) load(t *testing.T) (*Config, string, error) {
	t.Helper()
	root := t.TempDir()
	for name, content := range p.files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, err := Load(LoadOptions{
		Cloud: p.cloud, Dir: root, ConfigDirs: []string{filepath.Join(root, "etc")}, Overrides: p.overrides,
		Getenv: func(name string) string { return strings.ReplaceAll(p.env[name], "$ROOT", root) },
	})
	return cfg, root, err
}

// openrc is what the dashboard hands out.
func openrc(more ...string) map[string]string {
	env := map[string]string{
		"OS_AUTH_URL": "http://k:5000/v3", "OS_USERNAME": "alice", "OS_PASSWORD": canary, "OS_USER_DOMAIN_NAME": "People",
		"OS_PROJECT_NAME": "blue", "OS_PROJECT_DOMAIN_ID": "d1", "OS_IDENTITY_API_VERSION": "3",
	}
	for i := 0; i+1 < len(more); i += 2 {
		env[more[i]] = more[i+1]
		if more[i+1] == "" {
			delete(env, more[i])
		}
	}
	return env
}

const twoClouds = `
clouds:
  lab:
    auth:
      auth_url: http://k:5000/v3
      username: alice
      password: ` + canary + `
      user_domain_name: People
      project_id: p1
    region_name: One
  other:
    auth: {auth_url: https://o/v3, user_id: u1, password: ` + canary + `, project_id: p2}
`

// TestLoad holds what openstackclient does with the same input.
func TestLoad(t *testing.T) {
	alice := func(change func(*Config)) *Config {
		c := &Config{
			AuthURL: "http://k:5000/v3", AuthType: AuthPassword, Username: "alice", UserDomainName: "People", Password: canary,
			Scope: Scope{ProjectName: "blue", ProjectDomainID: "d1"}, Interface: "public",
		}
		change(c)
		return c
	}
	lab := func(change func(*Config)) *Config {
		return alice(func(c *Config) {
			c.Cloud, c.Region, c.Scope = "lab", "One", Scope{ProjectID: "p1"}
			change(c)
		})
	}
	same := func(*Config) {}
	one := func(lines string) map[string]string {
		return map[string]string{"clouds.yaml": "clouds: {lab: {" + strings.Join(strings.Split(strings.TrimSpace(lines), "\n"), ", ") + "}}"}
	}
	auth := "auth: {auth_url: 'http://k:5000/v3', username: alice, password: " + canary + ", user_domain_name: People, project_id: p1"
	tests := []struct {
		name string
		place
		want *Config
	}{
		{"openrc", place{env: openrc()}, alice(same)},
		{"cloud by flag", place{files: map[string]string{"clouds.yaml": twoClouds}, cloud: "lab"}, lab(same)},
		{"cloud by variable", place{files: map[string]string{"clouds.yaml": twoClouds}, env: map[string]string{"OS_CLOUD": "lab"}}, lab(same)},
		{"flag before variable", place{files: map[string]string{"clouds.yaml": twoClouds}, env: map[string]string{"OS_CLOUD": "other"}, cloud: "lab"}, lab(same)},
		{"the only cloud", place{files: one(auth + "}\nregion_name: One")}, lab(same)},
		{"variables beside the only cloud", place{files: one(auth + "}"), env: openrc()}, alice(same)},
		{"cloud envvars", place{files: map[string]string{"clouds.yaml": twoClouds}, env: openrc("OS_CLOUD", "envvars")}, alice(same)},
		{
			"variables above a named cloud",
			place{files: map[string]string{"clouds.yaml": twoClouds}, cloud: "lab", env: map[string]string{"OS_USERNAME": "bob", "OS_REGION_NAME": "One"}},
			lab(func(c *Config) { c.Username = "bob" }),
		},
		{
			"an id in the file goes before a name in a variable",
			place{files: map[string]string{"clouds.yaml": twoClouds}, cloud: "lab", env: map[string]string{"OS_PROJECT_NAME": "red"}},
			lab(func(c *Config) { c.Scope.ProjectName = "red"; c.Scope.ProjectDomainName = "?" }),
		},
		{
			"but not before a flag",
			place{files: map[string]string{"clouds.yaml": twoClouds}, cloud: "lab", overrides: map[string]string{"project_name": "red", "project_domain_id": "d2"}},
			lab(func(c *Config) { c.Scope = Scope{ProjectName: "red", ProjectDomainID: "d2"} }),
		},
		{
			"system by flag",
			place{files: map[string]string{"clouds.yaml": twoClouds}, cloud: "lab", overrides: map[string]string{"system-scope": "all"}},
			lab(func(c *Config) { c.Scope = Scope{System: true} }),
		},
		{"user by flag", place{files: map[string]string{"clouds.yaml": twoClouds}, cloud: "other", overrides: map[string]string{"os_username": "bob", "user_domain_id": "d"}}, &Config{
			Cloud: "other", AuthURL: "https://o/v3", AuthType: AuthPassword, Username: "bob", UserDomainID: "d", Password: canary, Scope: Scope{ProjectID: "p2"}, Interface: "public",
		}},
		{"empty variables are absent", place{env: openrc("OS_CLOUD", "", "OS_TOKEN", "", "OS_PROJECT_NAME", "blue", "OS_CACERT", "")}, alice(same)},
		{"tenants of old", place{env: openrc("OS_PROJECT_NAME", "", "OS_TENANT_NAME", "blue")}, alice(same)},
		{"a project goes before a tenant", place{env: openrc("OS_TENANT_NAME", "red")}, alice(same)},
		{"default domain with version 3", place{env: openrc("OS_USER_DOMAIN_NAME", "", "OS_PROJECT_DOMAIN_ID", "")}, alice(func(c *Config) {
			c.UserDomainID, c.UserDomainName, c.Scope.ProjectDomainID = "default", "", "default"
		})},
		{"OS_DEFAULT_DOMAIN", place{env: openrc("OS_USER_DOMAIN_NAME", "", "OS_DEFAULT_DOMAIN", "d3")}, alice(func(c *Config) {
			c.UserDomainID, c.UserDomainName = "d3", ""
		})},
		{"OS_DEFAULT_DOMAIN_NAME", place{env: openrc("OS_IDENTITY_API_VERSION", "", "OS_USER_DOMAIN_NAME", "", "OS_DEFAULT_DOMAIN_NAME", "D")}, alice(func(c *Config) {
			c.UserDomainName = "D"
		})},
		{"domain shorthand", place{env: openrc("OS_USER_DOMAIN_NAME", "", "OS_PROJECT_DOMAIN_ID", "", "OS_DOMAIN_ID", "d4")}, alice(func(c *Config) {
			c.UserDomainID, c.UserDomainName, c.Scope.ProjectDomainID = "d4", "", "d4"
		})},
		{"domain scope", place{env: openrc("OS_PROJECT_NAME", "", "OS_DOMAIN_NAME", "D")}, alice(func(c *Config) {
			c.Scope = Scope{DomainName: "D", ProjectDomainID: "d1"}
		})},
		{"two domains stay two", place{env: openrc("OS_USER_DOMAIN_ID", "u", "OS_USER_DOMAIN_NAME", "", "OS_PROJECT_DOMAIN_ID", "p")}, alice(func(c *Config) {
			c.UserDomainID, c.UserDomainName, c.Scope.ProjectDomainID = "u", "", "p"
		})},
		{"token", place{env: map[string]string{"OS_AUTH_URL": "http://k/v3", "OS_AUTH_TYPE": "v3token", "OS_TOKEN": canary}}, &Config{
			AuthURL: "http://k/v3", AuthType: AuthToken, Token: canary, Interface: "public",
		}},
		{"token without a type", place{env: map[string]string{"OS_AUTH_URL": "http://k/v3", "OS_AUTH_TOKEN": canary}}, &Config{
			AuthURL: "http://k/v3", AuthType: AuthToken, Token: canary, Interface: "public",
		}},
		{"a user goes before a token", place{env: openrc("OS_TOKEN", canary)}, alice(func(c *Config) { c.Token = canary })},
		{"application credential", place{env: map[string]string{
			"OS_AUTH_URL": "http://k", "OS_AUTH_TYPE": "v3applicationcredential",
			"OS_APPLICATION_CREDENTIAL_ID": "ac", "OS_APPLICATION_CREDENTIAL_SECRET": canary,
		}}, &Config{AuthURL: "http://k", AuthType: AuthApplicationCredential, ApplicationCredentialID: "ac", ApplicationCredentialSecret: canary, Interface: "public"}},
		{"application credential by name", place{env: map[string]string{
			"OS_AUTH_URL": "http://k", "OS_APPLICATION_CREDENTIAL_NAME": "ac", "OS_APPLICATION_CREDENTIAL_SECRET": canary, "OS_USERNAME": "alice", "OS_USER_DOMAIN_ID": "d",
		}}, &Config{
			AuthURL: "http://k", AuthType: AuthApplicationCredential, ApplicationCredentialName: "ac", ApplicationCredentialSecret: canary,
			Username: "alice", UserDomainID: "d", Interface: "public",
		}},
		{"TOTP", place{env: openrc("OS_AUTH_TYPE", "v3totp", "OS_PASSWORD", "", "OS_PASSCODE", "123456")}, alice(func(c *Config) {
			c.AuthType, c.Password, c.Passcode = AuthTOTP, "", "123456"
		})},
		{"multi-factor", place{env: openrc("OS_AUTH_TYPE", "v3multifactor", "OS_AUTH_METHODS", "v3password,v3totp", "OS_PASSCODE", "123456")}, alice(func(c *Config) {
			c.AuthType, c.AuthMethods, c.Passcode = AuthMultiFactor, []string{"password", "totp"}, "123456"
		})},
		{"multi-factor as a list", place{files: one(auth + ", passcode: '1'}\nauth_type: v3multifactor\nauth_methods: [v3totp, v3password]")}, lab(func(c *Config) {
			c.AuthType, c.AuthMethods, c.Passcode, c.Region = AuthMultiFactor, []string{"totp", "password"}, "1", ""
		})},
		{"interface and TLS", place{files: one(auth + "}\nendpoint_type: internalURL\ncacert: ca.pem\ncert: /c.pem\nkey: ~/k.pem\nverify: false\nimage_endpoint_override: http://i"), env: map[string]string{"HOME": "/h"}}, lab(func(c *Config) {
			c.Interface, c.CACert, c.Cert, c.Key, c.Insecure, c.Region = "internal", "$ROOT/ca.pem", "/c.pem", "/h/k.pem", true, ""
			c.Endpoints = map[string]string{"image": "http://i"}
		})},
		{"top level goes before auth", place{files: one(auth + "}\nusername: bob\nproject-id: p9")}, lab(func(c *Config) {
			c.Username, c.Scope.ProjectID, c.Region = "bob", "p9", ""
		})},
		{"secure.yaml", place{files: map[string]string{
			"clouds.yaml": "clouds: {lab: {auth: {auth_url: 'http://k:5000/v3', username: alice, user_domain_name: People, project_id: p1, password: wrong}, region_name: One}}",
			"secure.yaml": "clouds: {lab: {auth: {password: " + canary + "}}}",
		}}, lab(same)},
		{"secure.yaml elsewhere", place{files: map[string]string{
			"clouds.yaml": "clouds: {lab: {auth: {auth_url: 'http://k:5000/v3', username: alice, user_domain_name: People, project_id: p1}, region_name: One}}",
			"s/s.json":    "{\"clouds\": {\n\t\"lab\": {\"auth\": {\"password\": \"" + canary + "\"}}}}",
		}, env: map[string]string{"OS_CLIENT_SECURE_FILE": "$ROOT/s/s.json"}}, lab(same)},
		{"named file first", place{files: map[string]string{"clouds.yaml": "clouds: {x: {}}", "my.yml": twoClouds}, env: map[string]string{"OS_CLIENT_CONFIG_FILE": "$ROOT/my.yml", "OS_CLOUD": "lab"}}, lab(same)},
		{"working directory before the user's", place{files: map[string]string{"clouds.yml": twoClouds, "etc/clouds.yaml": "clouds: {x: {}}"}, cloud: "lab"}, lab(same)},
		{"the user's", place{files: map[string]string{"etc/clouds.yaml": twoClouds}, cloud: "lab"}, lab(same)},
		{"profile", place{files: map[string]string{
			"clouds.yaml":        "clouds: {lab: {profile: acme, auth: {username: alice, password: " + canary + ", user_domain_name: People, project_id: p1}}}",
			"clouds-public.yaml": "public-clouds: {acme: {auth: {auth_url: 'http://k:5000/v3', username: nobody}, region_name: One}}",
		}}, lab(same)},
		{"first region", place{files: one(auth + "}\nregions: [One, {name: Two, values: {interface: admin}}]")}, lab(same)},
		{"second region", place{files: one(auth + "}\nregions: [One, {name: Two, values: {interface: admin, auth: {project_id: p2}}}]"), env: map[string]string{"OS_CLOUD": "lab", "OS_REGION_NAME": "Two"}}, lab(func(c *Config) {
			c.Region, c.Interface, c.Scope.ProjectID = "Two", "admin", "p2"
		})},
		{"region in the URL", place{files: one("auth: {auth_url: 'https://{region_name}.acme/v3', user_id: u, password: " + canary + "}\nregion_name: one")}, &Config{
			Cloud: "lab", AuthURL: "https://one.acme/v3", AuthType: AuthPassword, UserID: "u", Password: canary, Region: "one", Interface: "public",
		}},
		{"anchors and merges", place{files: map[string]string{"clouds.yaml": `
x: &x {auth_url: 'http://k:5000/v3', user_domain_name: People}
clouds:
  lab: {auth: {<<: *x, username: alice, password: ` + canary + `, project_id: p1}, region_name: One}
`}}, lab(same)},
		{"plain numbers are text", place{files: one(auth + ", passcode: 123456}\nregion_name: One")}, lab(func(c *Config) { c.Passcode = "123456" })},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, root, err := test.load(t)
			var incomplete *IncompleteError
			if errors.As(err, &incomplete) && test.want.Scope.ProjectDomainName == "?" {
				got, err = incomplete.Config, nil
			}
			if err != nil {
				t.Fatal(err)
			}
			want := *test.want
			want.CACert = strings.ReplaceAll(want.CACert, "$ROOT", root)
			want.Scope.ProjectDomainName = strings.TrimSuffix(want.Scope.ProjectDomainName, "?")
			if want.Endpoints == nil {
				want.Endpoints = map[string]string{}
			}
			for field := range got.Origin {
				if !slices.Contains(fields(), field) && !strings.HasSuffix(field, "_endpoint_override") {
					t.Errorf("origin of unknown field %s", field)
				}
			}
			want.Origin = got.Origin
			if diff := cmp.Diff(reveal(&want), reveal(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// revealed makes secrets comparable in messages of tests.
type revealed struct {
	Config
	Secrets []string
}

func reveal(c *Config) revealed {
	r := revealed{Config: *c}
	for _, s := range []Secret{c.Password, c.Passcode, c.Token, c.ApplicationCredentialSecret} {
		r.Secrets = append(r.Secrets, s.Reveal())
	}
	return r
}

func TestOrigin(t *testing.T) {
	cfg, root, err := place{files: map[string]string{"clouds.yaml": twoClouds}, cloud: "lab", env: map[string]string{"OS_USERNAME": "bob"}, overrides: map[string]string{"region_name": "One"}}.load(t)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"auth_url": root + "/clouds.yaml:5:17", "username": "OS_USERNAME", "password": root + "/clouds.yaml:7:17",
		"user_domain_name": root + "/clouds.yaml:8:25", "project_id": root + "/clouds.yaml:9:19", "region_name": "--os-region-name",
	}
	if diff := cmp.Diff(want, cfg.Origin); diff != "" {
		t.Error(diff)
	}
	if got := slices.Sorted(maps.Keys(cfg.Origin)); len(got) != len(want) {
		t.Error(got)
	}
}
