package image

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

func TestContainersAuth(t *testing.T) {
	dir := t.TempDir()
	write := func(file string, logins map[string]string) string {
		var entries []string
		for key, user := range logins {
			entries = append(entries, fmt.Sprintf("%q: {%q: %q}", key, "auth", base64.StdEncoding.EncodeToString([]byte(user+":secret"))))
		}
		path := filepath.Join(dir, file)
		if err := os.WriteFile(path, []byte(`{"auths": {`+strings.Join(entries, ",")+`}}`), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	first := write("first", map[string]string{"r.example:5000": "host", "r.example:5000/team": "team", "r.example:5000/team/app": "app"})
	second := write("second", map[string]string{"docker.io": "hub", "r.example:5000": "later"})
	for repository, want := range map[string]string{
		"r.example:5000/x":         "host",
		"r.example:5000/team/x":    "team",
		"r.example:5000/team/app":  "app",
		"r.example:5000/teams/app": "host",
		"r.example/x":              "",
		"busybox":                  "hub",
	} {
		t.Run(repository, func(t *testing.T) {
			repo, err := name.NewRepository(repository)
			if err != nil {
				t.Fatal(err)
			}
			found, err := containersAuth{[]string{filepath.Join(dir, "none"), first, second}}.Resolve(repo)
			if err != nil {
				t.Fatal(err)
			}
			login, err := found.Authorization()
			if err != nil || login.Username != want || want != "" && login.Password != "secret" {
				t.Errorf("got %q, %v; want %q", login.Username, err, want)
			}
		})
	}
	broken := filepath.Join(dir, "broken")
	if err := os.WriteFile(broken, []byte(`{"auths": "c2VjcmV0"`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (containersAuth{[]string{broken}}).Resolve(name.MustParseReference("r.example/x").Context()); err == nil || !strings.Contains(err.Error(), broken) || strings.Contains(err.Error(), "c2Vj") {
		t.Error(err)
	}
}

func TestAuthFiles(t *testing.T) {
	own := fmt.Sprintf("/run/containers/%d/auth.json", os.Getuid())
	for _, tc := range []struct {
		env  map[string]string
		want []string
	}{
		{map[string]string{"HOME": "/home/a"}, []string{own, "/home/a/.config/containers/auth.json"}},
		{map[string]string{"HOME": "/home/a", "XDG_RUNTIME_DIR": "/run/user/7", "XDG_CONFIG_HOME": "/c"}, []string{"/run/user/7/containers/auth.json", "/c/containers/auth.json"}},
		{map[string]string{"HOME": "/home/a", "REGISTRY_AUTH_FILE": "f"}, []string{"f"}},
		{nil, []string{own}},
	} {
		if got := authFiles(func(key string) string { return tc.env[key] }); !slices.Equal(got, tc.want) {
			t.Errorf("%v: %v, want %v", tc.env, got, tc.want)
		}
	}
}

// TestCredentials: a keychain of the caller's is the only one.
func TestCredentials(t *testing.T) {
	own := authn.NewMultiKeychain()
	if got := (&Client{Keychain: own}).credentials(); got != own {
		t.Errorf("got %v", got)
	}
}
