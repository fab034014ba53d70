package app

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

func TestFindSite(t *testing.T) {
	dir := t.TempDir()
	place := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
	for _, name := range []string{"flag.yaml", "env.yaml", "xdg/ystack/site.yaml", "home/.config/ystack/site.yaml"} {
		write(t, place(name), "")
	}
	all := map[string]string{"YSTACK_SITE": place("env.yaml"), "XDG_CONFIG_HOME": place("xdg"), "HOME": place("home")}
	cases := []struct {
		name, flag string
		env        map[string]string
		want       string
		wantErr    string
	}{
		{"flag goes first", place("flag.yaml"), all, place("flag.yaml"), ""},
		{"then the environment", "", all, place("env.yaml"), ""},
		{"then XDG", "", map[string]string{"XDG_CONFIG_HOME": place("xdg"), "HOME": place("home")}, place("xdg/ystack/site.yaml"), ""},
		{"then home", "", map[string]string{"HOME": place("home")}, place("home/.config/ystack/site.yaml"), ""},
		{"home when XDG has none", "", map[string]string{"XDG_CONFIG_HOME": place("empty"), "HOME": place("home")}, place("home/.config/ystack/site.yaml"), ""},
		{"relative XDG does not count", "", map[string]string{"XDG_CONFIG_HOME": "xdg", "HOME": place("home")}, place("home/.config/ystack/site.yaml"), ""},
		{"a flag must exist", place("gone.yaml"), all, "", "--site"},
		{"a variable must exist", "", map[string]string{"YSTACK_SITE": place("gone.yaml"), "HOME": place("home")}, "", "YSTACK_SITE"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := FindSite(c.flag, func(name string) string { return c.env[name] })
			if c.wantErr != "" {
				if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), c.wantErr) {
					t.Errorf("error %v, want one that names %s", err, c.wantErr)
				}
				return
			}
			if err != nil || got != c.want {
				t.Errorf("%q, %v; want %q", got, err, c.want)
			}
		})
	}
}

func TestNoSite(t *testing.T) {
	home := t.TempDir()
	_, err := FindSite("", func(name string) string { return map[string]string{"HOME": home}[name] })
	if !errors.Is(err, ErrNoSite) {
		t.Fatalf("error %v", err)
	}
	for _, way := range []string{"--site", "YSTACK_SITE", "XDG_CONFIG_HOME", "~/.config/ystack/site.yaml"} {
		if !strings.Contains(err.Error(), way) {
			t.Errorf("%v does not name %s", err, way)
		}
	}
	// The example in the text is one that loads.
	_, example, _ := strings.Cut(err.Error(), "\n\n")
	if _, err := parseSite("example", []byte(example)); err != nil {
		t.Error(err)
	}
}
