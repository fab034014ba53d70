package login

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ystackdev/ystack/pkg/keystone"
)

func fullPin() Pin {
	p := Pin{}
	for _, o := range Options() {
		p[o] = "a " + o + "=x, 花'\"\\ --os-cloud=z"
	}
	return p
}

func TestPinArgs(t *testing.T) {
	for name, p := range map[string]Pin{"full": fullPin(), "none": {}, "one": {"username": "--os-username"}} {
		if diff := cmp.Diff(p, parsePin(p.Args())); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	got := parsePin([]string{verb, "--os-username=alice", "--cache=none", "--os-nosuch=x", "--application-credential-file=/x"})
	if diff := cmp.Diff(Pin{"username": "alice"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestKey: all that decides what a token is has a part in its key, and nothing else.
func TestKey(t *testing.T) {
	without := map[string][]string{ // what has no part, in a pin that has all else
		"key":     {"cloud", "cacert", "cert", "key", "insecure", "project_name", "project_domain_name", "project_domain_id", "domain_id", "domain_name", "system_scope"},
		"session": {"cloud", "cacert", "cert", "key", "insecure", "project_id", "project_name", "project_domain_name", "project_domain_id", "domain_id", "domain_name", "system_scope"},
		"login":   {"cloud", "cacert", "cert", "key", "insecure", "project_id", "project_name", "project_domain_name", "project_domain_id", "domain_id", "domain_name", "system_scope", "auth_type", "auth_methods"},
	}
	for name, of := range map[string]func(Pin) string{"key": Pin.Key, "session": Pin.session, "login": Pin.Login} {
		for _, o := range Options() {
			p := fullPin()
			before := of(p)
			p[o] = "another"
			if same := of(p) == before; same != slices.Contains(without[name], o) {
				t.Errorf("%s: with another %s it is the same: %v", name, o, same)
			}
		}
	}
	names := map[string]string{}
	for name, p := range map[string]Pin{
		"project by name":      {"username": "u", "project_name": "x"},
		"of a domain":          {"username": "u", "project_name": "x", "project_domain_name": "d"},
		"of a domain by id":    {"username": "u", "project_name": "x", "project_domain_id": "d"},
		"project by id":        {"username": "u", "project_id": "x"},
		"domain by name":       {"username": "u", "domain_name": "x"},
		"domain by id":         {"username": "u", "domain_id": "x"},
		"system":               {"username": "u", "system_scope": "all"},
		"none":                 {"username": "u"},
		"user by id":           {"user_id": "u"},
		"of a user domain":     {"username": "u", "user_domain_name": "d"},
		"two values run on":    {"username": "u\",\"x\":\"y"},
		"credential":           {"application_credential_id": "u"},
		"credential by name":   {"application_credential_name": "u"},
		"credential of a user": {"application_credential_name": "u", "username": "u"},
	} {
		if other, ok := names[p.Key()]; ok {
			t.Errorf("%s and %s have one key", name, other)
		}
		names[p.Key()] = name
		if p.Key() == p.session() {
			t.Errorf("%s: the key is the session's", name)
		}
		if len(p.Key()) != 64 || strings.Trim(p.Key(), "0123456789abcdef") != "" {
			t.Errorf("%s: %q is no name of a file", name, p.Key())
		}
	}
}

func TestScopeOfPin(t *testing.T) {
	for name, tc := range map[string]struct {
		pin  Pin
		want keystone.Scope
	}{
		"the id counts":  {Pin{"project_id": "i", "project_name": "n", "project_domain_id": "d"}, keystone.Scope{ProjectID: "i"}},
		"name":           {Pin{"project_name": "n", "project_domain_id": "d"}, keystone.Scope{ProjectName: "n", ProjectDomainID: "d"}},
		"domain":         {Pin{"domain_name": "d"}, keystone.Scope{DomainName: "d"}},
		"system":         {Pin{"system_scope": "all"}, keystone.Scope{System: true}},
		"none":           {Pin{}, keystone.Scope{}},
		"has one itself": {Pin{"auth_type": keystone.AuthApplicationCredential, "project_id": "i"}, keystone.Scope{}},
	} {
		if diff := cmp.Diff(tc.want, tc.pin.Scope()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestPinOf: settings of TLS that came from outside of clouds.yaml are held on to.
func TestPinOf(t *testing.T) {
	c := &keystone.Config{
		Cloud: "c", AuthURL: "https://k/v3/", AuthType: keystone.AuthMultiFactor, AuthMethods: []string{"password", "totp"},
		Username: "u", UserDomainName: "d", Password: "secret", Passcode: "secret", Token: "secret", ApplicationCredentialSecret: "secret",
		CACert: "/ca", Cert: "/cert", Key: "/key", Insecure: true,
		Scope:  keystone.Scope{ProjectID: "p"},
		Origin: map[string]string{"cacert": "OS_CACERT", "cert": "/etc/openstack/clouds.yaml:3:7", "insecure": "--os-insecure"},
	}
	want := Pin{
		"cloud": "c", "auth_url": "https://k/v3", "auth_type": "v3multifactor", "auth_methods": "password,totp",
		"username": "u", "user_domain_name": "d", "project_id": "p", "cacert": "/ca", "insecure": "true",
	}
	if diff := cmp.Diff(want, pinOf(c)); diff != "" {
		t.Error(diff)
	}
}

func TestRemedy(t *testing.T) {
	for want, p := range map[string]Pin{
		"`kubectl ystack keystone-login --os-cloud mine --project web`":                                                          {"cloud": "mine", "auth_url": "https://k/v3", "username": "u", "project_id": "1", "project_name": "web"},
		"`kubectl ystack keystone-login --os-auth-url https://k/v3 --os-username 'a b' --os-user-domain-name d --project 1`":     {"auth_url": "https://k/v3", "auth_type": "password", "username": "a b", "user_domain_name": "d", "project_id": "1"},
		"`kubectl ystack keystone-login --os-auth-url https://k/v3 --os-auth-type v3totp --os-user-id 7 --os-cacert /ca --more`": {"auth_url": "https://k/v3", "auth_type": "v3totp", "user_id": "7", "cacert": "/ca"},
	} {
		var more []string
		if p["auth_type"] == keystone.AuthTOTP {
			more = []string{"--more"}
		}
		if got := p.remedy(more...); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// TestQuote: a shell reads back what was quoted.
func TestQuote(t *testing.T) {
	for _, s := range []string{"web", "", "a b", "it's", `"`, `\`, "$HOME", "`id`", "花子", "a\nb", "-x", "*", "a;b", "~", "!x", "#x", "a@b%40"} {
		out, err := exec.CommandContext(t.Context(), "sh", "-c", "printf %s "+quote(s)).Output()
		if err != nil || string(out) != s {
			t.Errorf("%q is quoted as %s, which sh reads as %q, %v", s, quote(s), out, err)
		}
	}
	if got := quote("team-a"); got != "team-a" {
		t.Errorf("plain words are quoted: %s", got)
	}
}
