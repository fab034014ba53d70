package keystone

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// hides fails when a secret shows in any way that Go has of printing a value.
func hides(t *testing.T, values ...any) {
	t.Helper()
	for _, v := range values {
		asJSON, _ := json.Marshal(v)
		var logged strings.Builder
		slog.New(slog.NewTextHandler(&logged, nil)).Info("m", "v", v)
		text := fmt.Sprintf("%v %+v %#v %s %q %x", v, v, v, v, v, v) + string(asJSON) + logged.String()
		for err, ok := v.(error); ok && err != nil; err = errors.Unwrap(err) {
			text += fmt.Sprintf("%#v", err)
		}
		if strings.Contains(text, canary) || strings.Contains(text, fmt.Sprintf("%x", canary)) {
			t.Errorf("the secret shows in %s", text)
		}
	}
}

// TestLoadErrors: each says what is wrong, where, and what to do, and no secret.
func TestLoadErrors(t *testing.T) {
	files := func(clouds string) place { return place{files: map[string]string{"clouds.yaml": clouds}} }
	lab := func(rest string) place {
		return files("clouds:\n  lab:\n    auth: {auth_url: 'http://k/v3', user_id: u, password: " + canary + "}\n" + rest)
	}
	auth := func(rest string) place {
		return files("clouds:\n  lab:\n    auth:\n      password: " + canary + "\n      user_id: u\n" + rest)
	}
	tests := []struct {
		name string
		place
		kind error
		want string // after the root of the files
	}{
		{"nothing", place{}, ErrNoConfig, "no OpenStack credentials: there is no clouds.yaml (looked in $ROOT, $ROOT/etc) and no OS_AUTH_URL; write one, name it with OS_CLIENT_CONFIG_FILE, or source an openrc file"},
		{"several", files(twoClouds), ErrNoCloud, "$ROOT/clouds.yaml has several clouds (lab, other); name one with --os-cloud or OS_CLOUD"},
		{"unknown", place{files: map[string]string{"clouds.yaml": twoClouds}, cloud: "lap"}, ErrNoCloud, `--os-cloud asks for cloud "lap", which is not in $ROOT/clouds.yaml: it has lab, other; did you mean "lab"?`},
		{"unknown, no file", place{env: map[string]string{"OS_CLOUD": "lap"}}, ErrNoCloud, `OS_CLOUD asks for cloud "lap", but there is no clouds.yaml; looked for $ROOT/clouds.yaml, $ROOT/clouds.yml, $ROOT/clouds.json, $ROOT/etc/clouds.yaml, $ROOT/etc/clouds.yml, $ROOT/etc/clouds.json`},
		{"missing", place{env: map[string]string{"OS_AUTH_URL": "http://k", "OS_TENANT_NAME": "t"}}, ErrIncomplete, "credentials are incomplete: the OS_* variables lack username (OS_USERNAME), user_domain_name (OS_USER_DOMAIN_NAME), password (OS_PASSWORD), project_domain_name (OS_PROJECT_DOMAIN_NAME)"},
		{"missing of a cloud", files("clouds: {lab: }"), ErrIncomplete, `credentials are incomplete: cloud "lab" lacks auth_url (OS_AUTH_URL), username (OS_USERNAME), user_domain_name (OS_USER_DOMAIN_NAME), password (OS_PASSWORD)`},
		{"missing factors", place{env: openrc("OS_AUTH_TYPE", "v3multifactor")}, ErrIncomplete, "auth_methods (OS_AUTH_METHODS)"},
		{"type", lab("    auth_type: v3kerberos"), ErrInvalidConfig, `$ROOT/clouds.yaml:4:16: auth_type: "v3kerberos" is not supported; supported are password, v3password, token, v3token, v3applicationcredential, v3totp, v3multifactor`},
		{"type of old", place{env: openrc("OS_AUTH_TYPE", "v2password")}, ErrInvalidConfig, `OS_AUTH_TYPE: auth_type: "v2password" is not supported; OpenStack has removed version 2 of the Identity API; supported are`},
		{"version of old", place{env: openrc("OS_IDENTITY_API_VERSION", "2.0")}, ErrInvalidConfig, "OS_IDENTITY_API_VERSION: identity_api_version: OpenStack has removed version 2"},
		{"URL of old", place{env: openrc("OS_AUTH_URL", "http://k/v2.0/")}, ErrInvalidConfig, "OS_AUTH_URL: auth_url: is of the Identity API version 2"},
		{"URL with a password", place{env: openrc("OS_AUTH_URL", "http://u:"+canary+"@k/v3")}, ErrInvalidConfig, "OS_AUTH_URL: auth_url: must not hold a user name or password"},
		{"no URL", auth("      auth_url: keystone"), ErrInvalidConfig, "$ROOT/clouds.yaml:6:17: auth_url: is no http or https URL"},
		{"another scheme", auth("      auth_url: file:///etc/v3"), ErrInvalidConfig, "auth_url: is no http or https URL"},
		{"URL with a query", auth("      auth_url: http://k/v3?a"), ErrInvalidConfig, "with nothing after the path"},
		{"unknown mark in the URL", auth("      auth_url: http://{region}/v3"), ErrInvalidConfig, "auth_url: "},
		{"factor", place{env: openrc("OS_AUTH_TYPE", "v3multifactor", "OS_AUTH_METHODS", "v3password,v3fax")}, ErrInvalidConfig, `OS_AUTH_METHODS: auth_methods: "v3fax" is not supported; supported are v3password, v3totp, v3token`},
		{"trust", place{env: openrc("OS_TRUST_ID", "t")}, ErrInvalidConfig, "OS_TRUST_ID: trust_id: trusts are not supported"},
		{"system scope", place{env: openrc("OS_SYSTEM_SCOPE", "some", "OS_PROJECT_NAME", "")}, ErrInvalidConfig, `OS_SYSTEM_SCOPE: system_scope: the only value that is allowed is "all"`},
		{"two scopes", place{env: openrc("OS_SYSTEM_SCOPE", "all")}, ErrInvalidConfig, "OS_SYSTEM_SCOPE: a token is for a project, a domain or the system, but this asks for a project and the system; remove all but one"},
		{"interface", lab("    interface: private"), ErrInvalidConfig, `$ROOT/clouds.yaml:4:16: interface: unknown interface "private"; allowed: public, internal, admin`},
		{"verify", lab("    verify: maybe"), ErrInvalidConfig, "$ROOT/clouds.yaml:4:13: verify: expected is true or false"},
		{"key alone", lab("    key: k.pem"), ErrInvalidConfig, "$ROOT/clouds.yaml:4:10: key: a key needs its certificate"},
		{"slip in auth", auth("      user_domian_name: x"), ErrInvalidConfig, `$ROOT/clouds.yaml:6:7: auth: no such setting "user_domian_name"; did you mean "user_domain_name"?`},
		{"octal", auth("      auth_url: http://k/v3\n      passcode: 012345"), ErrInvalidConfig, "$ROOT/clouds.yaml:7:17: passcode: YAML readers differ on what this is; put it in quotes"},
		{"yes", auth("      auth_url: http://k/v3\n      project_id: yes"), ErrInvalidConfig, "project_id: YAML readers differ"},
		{"sexagesimal", auth("      auth_url: http://k/v3\n      project_id: 12:30"), ErrInvalidConfig, "project_id: YAML readers differ"},
		{"list for text", auth("      auth_url: [" + canary + "]"), ErrInvalidConfig, "auth_url: expected is a string, not a list"},
		{"auth is text", files("clouds: {lab: {auth: " + canary + "}}"), ErrInvalidConfig, "auth: expected is an object with auth_url: and more, not a string"},
		{"cloud is a list", files("clouds: {lab: []}"), ErrInvalidConfig, "$ROOT/clouds.yaml:1:10: clouds.lab: expected is an object"},
		{"no object", files(canary), ErrInvalidConfig, "$ROOT/clouds.yaml: is empty or no object"},
		{"twice", files("clouds:\n  lab:\n  lab:"), ErrInvalidConfig, `$ROOT/clouds.yaml:3:3: "lab" is here for a second time`},
		{"tab", files("clouds:\n\tlab: " + canary), ErrInvalidConfig, "$ROOT/clouds.yaml:2:1: not valid YAML: a tab cannot indent YAML; use spaces"},
		{"broken", files("clouds: {lab: {auth: {password: " + canary + "}"), ErrInvalidConfig, "not valid YAML"},
		{"broken beside a secret", files("clouds:\n  lab:\n    password: '" + canary + "\n"), ErrInvalidConfig, "not valid YAML"},
		{"broken by a secret", files("clouds:\n  lab:\n    auth:\n      " + canary + "\n      password: x"), ErrInvalidConfig, "not valid YAML"},
		{"secret as a key", auth("      auth_url: http://k/v3\n      'x " + canary + "': x"), ErrInvalidConfig, "auth: no such setting a key"},
		{"alias of nothing", files("clouds: *" + canary), ErrInvalidConfig, "no such anchor"},
		{"UTF-16", files("\xff\xfec\x00l\x00"), ErrInvalidConfig, "$ROOT/clouds.yaml: is not UTF-8 text"},
		{"profile", files("clouds: {lab: {profile: acme}}"), ErrInvalidConfig, `$ROOT/clouds.yaml:1:25: profile: nothing is known of the vendor "acme": there is no clouds-public.yaml`},
		{"region", place{files: map[string]string{"clouds.yaml": twoClouds}, cloud: "lab", env: map[string]string{"OS_REGION_NAME": "Two"}}, ErrInvalidConfig, `OS_REGION_NAME: region_name: the cloud has no region "Two"; it has One`},
		{"unknown region", lab("    regions: [{values: {}}]"), ErrInvalidConfig, "$ROOT/clouds.yaml:4:15: regions: expected is a name"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, root, err := test.load(t)
			if !errors.Is(err, test.kind) {
				t.Fatalf("got %v, want kind %v", err, test.kind)
			}
			if text := strings.ReplaceAll(err.Error(), root, "$ROOT"); !strings.Contains(text, test.want) {
				t.Errorf("got  %s\nwant %s", text, test.want)
			}
			hides(t, err)
			t.Log(err)
		})
	}
}

func TestIncomplete(t *testing.T) {
	_, _, err := place{env: openrc("OS_PASSWORD", "", "OS_TOKEN", canary)}.load(t)
	var incomplete *IncompleteError
	if !errors.As(err, &incomplete) || strings.Join(incomplete.Missing, " ") != "password" {
		t.Fatalf("got %v", err)
	}
	incomplete.Config.Password = canary
	if missing := incomplete.Config.Missing(); len(missing) != 0 {
		t.Errorf("still missing: %v", missing)
	}
}

func TestSecret(t *testing.T) {
	cfg, _, err := place{env: openrc("OS_TOKEN", canary, "OS_PASSCODE", canary)}.load(t)
	if err != nil {
		t.Fatal(err)
	}
	hides(t, cfg, *cfg, cfg.Password, &cfg.Password, []Secret{canary}, &Token{ID: canary}, ApplicationCredential{Secret: canary}, &IncompleteError{Config: cfg})
	if cfg.Password.Reveal() != canary || Secret("").String() != "" {
		t.Error("a secret does not keep its value")
	}
}
