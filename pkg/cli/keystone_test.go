package cli

import (
	"strings"
	"testing"
)

func TestKeystoneHelp(t *testing.T) {
	for name, args := range map[string][]string{
		"keystone-login":        {"keystone-login", "--help"},
		"keystone-login-status": {"keystone-login", "status", "--help"},
		"keystone-login-logout": {"keystone-login", "logout", "--help"},
		"keystone-login-use":    {"keystone-login", "use", "--help"},
		"keystone-token":        {"keystone-token", "--help"},
		"my-namespaces":         {"my-namespaces", "--help"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := run(t, NewKubectl, args...)
			if code != exitOK || errs != "" {
				t.Fatalf("status %d, %s", code, errs)
			}
			for _, hidden := range []string{"--os-password ", "--os-token ", "kubectl-ystack "} {
				if strings.Contains(out, hidden) {
					t.Errorf("help speaks of %s", hidden)
				}
			}
			golden(t, "help/"+name, []byte(out))
		})
	}
}

func TestKeystoneUsage(t *testing.T) {
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"argument":           {[]string{"keystone-login", "web"}, `"web"`},
		"all and one":        {[]string{"keystone-login", "--all-projects", "--project", "a"}, "--all-projects has every --project in it"},
		"print and output":   {[]string{"keystone-login", "--print", "-o", "json"}, "leave out --output"},
		"role alone":         {[]string{"keystone-login", "--role", "reader"}, "--role is for --application-credential"},
		"lifetime":           {[]string{"keystone-login", "--application-credential", "--lifetime", "1s"}, "--lifetime 1s: at least a minute"},
		"cache":              {[]string{"keystone-login", "--cache", "memory"}, `--cache "memory": file or none`},
		"cache of a token":   {[]string{"keystone-token", "--cache", "memory"}, `--cache "memory": file or none`},
		"logout":             {[]string{"keystone-login", "logout", "--all", "--context", "x"}, "--all ends every login"},
		"use":                {[]string{"keystone-login", "use"}, "say which project"},
		"use two":            {[]string{"keystone-login", "use", "a", "b"}, "say which project"},
		"status of":          {[]string{"keystone-login", "status", "x"}, "takes no arguments"},
		"argument of mine":   {[]string{"my-namespaces", "x"}, "takes no arguments"},
		"output of mine":     {[]string{"my-namespaces", "-o", "xml"}, `unknown output format "xml"`},
		"argument of token":  {[]string{"keystone-token", "x"}, "takes no arguments"},
		"password":           {[]string{"keystone-login", "--os-password", "canary-7f3a"}, "set OS_PASSWORD"},
		"password of token":  {[]string{"keystone-token", "--os-password=canary-7f3a"}, "set OS_PASSWORD"},
		"token":              {[]string{"keystone-token", "--os-token=canary-7f3a"}, "set OS_TOKEN"},
		"passcode":           {[]string{"keystone-login", "--os-passcode=canary-7f3a"}, "set OS_PASSCODE"},
		"credential, secret": {[]string{"keystone-login", "--os-application-credential-secret=canary-7f3a"}, "set OS_APPLICATION_CREDENTIAL_SECRET"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := run(t, NewKubectl, tc.args...)
			if code != exitUsage || !strings.Contains(errs, tc.want) || out != "" {
				t.Errorf("status %d, %q on stderr, %q on stdout; want %q", code, errs, out, tc.want)
			}
			if strings.Contains(errs, "canary") {
				t.Error("the message repeats the secret")
			}
		})
	}
}

// TestKeystoneNothingGiven: without any configuration the message says what there can be.
func TestKeystoneNothingGiven(t *testing.T) {
	code, out, errs := run(t, NewKubectl, "keystone-token", "--os-cloud", "nosuch")
	if code != exitError || out != "" || !strings.Contains(errs, `cloud "nosuch"`) {
		t.Errorf("status %d, %s%s", code, out, errs)
	}
}
