package keystone

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// FuzzClouds: whatever clouds.yaml holds, the answer is a usable configuration or an
// error of a known kind, and secrets stay hidden.
func FuzzClouds(f *testing.F) {
	f.Add(twoClouds)
	f.Add("clouds: {lab: {auth: {auth_url: 'http://k/v3', user_id: u, password: " + canary + "}, regions: [a, {name: b, values: {auth: {}}}]}}")
	f.Add("x: &x {a: b}\nclouds: {lab: {<<: [*x, *x], auth: *x, profile: lab, verify: !!str no}}")
	f.Add("clouds:\n- lab\n--- \nclouds: ? {a: b}\n: c")
	f.Add("{\"clouds\":\t{\"lab\": null}}")
	f.Fuzz(func(t *testing.T, content string) {
		root, err := parseFile("clouds.yaml", []byte(content))
		if err != nil {
			if !errors.Is(err, ErrInvalidConfig) {
				t.Fatalf("%q: %v is of no kind", content, err)
			}
			return
		}
		l := &loader{LoadOptions: LoadOptions{Dir: t.TempDir(), ConfigDirs: []string{}}, clouds: root, cloudsPath: "clouds.yaml"}
		for _, l.Cloud = range append(l.names(), "") {
			l.problems = nil
			s, _, err := l.settings()
			if err == nil {
				cfg := l.bind(s)
				if err = errors.Join(l.problems...); err == nil {
					usable(t, cfg)
					if !strings.Contains(fmt.Sprint(cfg.withoutSecrets()), canary) {
						hides(t, cfg)
					}
					continue
				}
			}
			for _, kind := range []error{ErrNoConfig, ErrNoCloud, ErrInvalidConfig} {
				if errors.Is(err, kind) {
					err = nil
				}
			}
			if err != nil {
				t.Fatalf("%q: %v is of no kind", content, err)
			}
		}
	})
}

// withoutSecrets shows whether the fuzzer has put the canary where no secret belongs.
func (c Config) withoutSecrets() Config {
	c.Password, c.Passcode, c.Token, c.ApplicationCredentialSecret = "", "", "", ""
	return c
}

// usable checks what the rest of the package relies on.
func usable(t *testing.T, cfg *Config) {
	t.Helper()
	if authTypes()[cfg.AuthType] != cfg.AuthType {
		t.Errorf("auth type %q", cfg.AuthType)
	}
	if cfg.AuthURL != "" {
		if problem := checkURL(cfg.AuthURL); problem != "" || !strings.HasPrefix(cfg.AuthURL, "http") {
			t.Errorf("auth_url %q: %s", cfg.AuthURL, problem)
		}
		if cfg.CACert == "" && cfg.Cert == "" {
			if _, err := NewClient(cfg, "test"); err != nil {
				t.Error(err)
			}
		}
	}
	if problem := cfg.Scope.conflict(); problem != "" {
		t.Error(problem)
	}
	cfg.Missing()
}
