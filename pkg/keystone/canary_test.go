package keystone

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// echo is a server that refuses everything with the given status, and repeats in its
// message whatever it was sent.
func echo(t *testing.T, status int) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Subject-Token", r.Header.Get("X-Auth-Token"))
		w.WriteHeader(status)
		io.WriteString(w, errorJSON(status, fmt.Sprintf("no: %s %v", body, r.Header)))
	}))
	t.Cleanup(server.Close)
	return server.URL + "/v3"
}

// canaries has the secret in every place for one.
func canaries(url, kind string) *Config {
	return &Config{
		AuthURL: url, AuthType: kind, AuthMethods: []string{"password", "totp", "token"},
		Username: "alice", UserDomainName: "People", ApplicationCredentialID: "ac", Interface: "public",
		Password: canary, Passcode: canary, Token: canary, ApplicationCredentialSecret: canary,
		Endpoints: map[string]string{"image": strings.TrimSuffix(url, "/v3")},
	}
}

// TestCanary: no secret shows in an error, whatever repeats it to us, nor in a value
// that is printed or logged.
func TestCanary(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	token := &Token{ID: canary, User: User{ID: "u1", Name: "alice"}}
	for _, status := range []int{200, 201, 204, 302, 400, 401, 403, 404, 409, 429, 500, 503} {
		url := echo(t, status)
		for _, kind := range authTypes() {
			cfg := canaries(url, kind)
			client := testClient(t, cfg)
			session := NewSession(client, cfg)
			for what, call := range map[string]func() error{
				"log in":   func() error { _, err := client.Authenticate(ctx, cfg, Scope{}); return err },
				"rescope":  func() error { _, err := client.Rescope(ctx, token, Scope{Unscoped: true}); return err },
				"validate": func() error { _, err := client.Validate(ctx, canary); return err },
				"revoke":   func() error { return client.Revoke(ctx, canary) },
				"projects": func() error { _, err := client.Projects(ctx, token); return err },
				"make": func() error {
					_, err := client.CreateApplicationCredential(ctx, token, ApplicationCredentialRequest{Name: "x"})
					return err
				},
				"delete":  func() error { return client.DeleteApplicationCredential(ctx, token, "x") },
				"session": func() error { _, err := session.Token(ctx); return err },
			} {
				err := call()
				if err == nil && what != "revoke" && what != "delete" {
					t.Errorf("%d: %s: no error", status, what)
				}
				hides(t, err)
			}
			hides(t, cfg, *cfg, client, session, token, *token, session.latest())
		}
	}
}

// TestCanaryRequests: neither the request that a session was given nor its answer have
// the token to show.
func TestCanaryRequests(t *testing.T) {
	t.Parallel()
	cfg := canaries(echo(t, http.StatusForbidden), AuthToken)
	session := NewSession(testClient(t, cfg), cfg)
	session.record(attempt{1, &Token{ID: canary}, nil})
	request, err := session.Request(t.Context(), http.MethodGet, "image", "/v2/images", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := session.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if got := request.Header.Get("X-Auth-Token") + response.Request.Header.Get("X-Auth-Token"); got != "" {
		t.Error("the token is in the request")
	}
}

// TestCanaryFiles: files that are broken around a secret.
func TestCanaryFiles(t *testing.T) {
	t.Parallel()
	whole := "clouds: {lab: {auth: {auth_url: 'http://k/v3', username: u, user_domain_id: d, password: " + canary + "}}}"
	for cut := range len(whole) {
		for _, name := range []string{"clouds.yaml", "secure.yaml", "clouds.json"} {
			p := place{cloud: "lab", files: map[string]string{"clouds.yml": whole, name: whole[:cut]}}
			cfg, _, err := p.load(t)
			hides(t, err, cfg)
		}
	}
	for _, override := range []string{"http://u:" + canary + "@i", "http://" + canary + "@i", canary, canary + "://i"} {
		p := place{cloud: "lab", files: map[string]string{"clouds.yaml": strings.Replace(whole, "auth:", "image_endpoint_override: '"+override+"', auth:", 1)}}
		_, _, err := p.load(t)
		checkError(t, err, ErrInvalidConfig, "image_endpoint_override: ")
	}
}

// TestCanaryProxy: a proxy's password stays hidden when the proxy is of no use. Its
// address is read once in a process, so each has its own.
func TestCanaryProxy(t *testing.T) {
	const variable = "YSTACK_TEST_PROXY"
	if os.Getenv(variable) != "" {
		cfg := canaries("https://keystone.example/v3", AuthPassword)
		_, err := testClient(t, cfg).Authenticate(context.Background(), cfg, Scope{})
		fmt.Printf("%v\n%+v\n%#v\n%v\n", err, err, err, errors.Unwrap(err))
		if !errors.Is(err, ErrUnreachable) {
			t.Errorf("got %v", err)
		}
		return
	}
	t.Parallel()
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, r.Header.Get("Proxy-Authorization"), http.StatusProxyAuthRequired)
	}))
	t.Cleanup(refusing.Close)
	at := strings.TrimPrefix(refusing.URL, "http://")
	for _, proxy := range []string{"http://u:" + canary + "@127.0.0.1:9", "u:" + canary + "@127.0.0.1:9", "socks5://u:" + canary + "@127.0.0.1:9", "http://u:" + canary + "@[::x", "http://u:" + canary + "@" + at} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCanaryProxy$", "-test.v")
		cmd.Env = append(os.Environ(), variable+"=1", "HTTPS_PROXY="+proxy, "https_proxy=", "NO_PROXY=", "no_proxy=")
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS") || !strings.Contains(strings.ToLower(string(out)), "proxy") {
			t.Errorf("%v\n%s", err, out)
		}
		if strings.Contains(string(out), canary) {
			t.Errorf("the proxy's password shows:\n%s", out)
		}
		t.Logf("%s", out)
	}
}
