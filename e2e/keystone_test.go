//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/creack/pty"
)

// desk is a home with a kubeconfig and a cloud called mine, whose Keystone is the lab's
// behind a proxy that counts logins.
type desk struct {
	dir    string
	env    []string
	logins atomic.Int32
}

func newDesk(t *testing.T, auth string) *desk {
	t.Helper()
	needLab(t)
	d := &desk{dir: t.TempDir()}
	target, err := url.Parse(labKeystone)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.URL.Path == "/v3/auth/tokens" {
			d.logins.Add(1)
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	clouds := fmt.Sprintf("clouds:\n  mine:\n    auth: {auth_url: '%s/v3', user_domain_name: Default, %s}\n", server.URL, auth)
	if err := os.WriteFile(d.path("clouds.yaml"), []byte(clouds), 0o600); err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile(os.Getenv("KUBECONFIG"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.path("kc"), config, 0o600); err != nil {
		t.Fatal(err)
	}
	d.env = append(labEnv(), "HOME="+d.dir, "KUBECONFIG="+d.path("kc"), "OS_CLIENT_CONFIG_FILE="+d.path("clouds.yaml"), "PATH="+os.Getenv("PATH"))
	return d
}

func (d *desk) path(name string) string { return filepath.Join(d.dir, name) }

func (d *desk) command(argv ...string) *exec.Cmd {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = d.env
	return cmd
}

func (d *desk) must(t *testing.T, argv ...string) string {
	t.Helper()
	out, err := d.command(argv...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(argv, " "), err, out)
	}
	return string(out)
}

// forget empties the token cache.
func (d *desk) forget(t *testing.T) {
	t.Helper()
	if err := os.RemoveAll(d.path(".cache/ystack")); err != nil {
		t.Fatal(err)
	}
}

const alicesAuth = "username: alice, password: secret-of-alice, project_name: team-a, project_domain_name: Default"

// TestFiftyKubectls at once, on a cold cache, make one login.
func TestFiftyKubectls(t *testing.T) {
	d := newDesk(t, alicesAuth)
	d.must(t, "kubectl", "ystack", "keystone-login", "--os-cloud", "mine")
	d.forget(t)
	before := d.logins.Load()
	var running sync.WaitGroup
	for range 50 {
		running.Go(func() {
			out, err := d.command("kubectl", "--context", "mine/team-a", "get", "--raw", "/version").CombinedOutput()
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	running.Wait()
	if n := d.logins.Load() - before; n != 1 {
		t.Errorf("%d logins", n)
	}
}

// TestWarmTokenNeedsNoNetwork: it comes in a namespace that has none.
func TestWarmTokenNeedsNoNetwork(t *testing.T) {
	d := newDesk(t, alicesAuth)
	d.must(t, "kubectl", "ystack", "keystone-login", "--os-cloud", "mine")
	token := []string{"kubectl-ystack", "keystone-token", "--os-cloud=mine"}
	alone := append([]string{"unshare", "--net", "--map-root-user"}, token...)
	if out, err := d.command(alone...).CombinedOutput(); err == nil || !strings.Contains(string(out), "cannot reach Keystone") {
		t.Fatalf("a cold cache in a closed namespace: %v\n%s", err, out)
	}
	want := d.must(t, token...)
	if got := d.must(t, alone...); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestRevokedToken: kubectl comes back within the same process when the API server
// refuses a token. That process may fail; the next one has a new token.
func TestRevokedToken(t *testing.T) {
	d := newDesk(t, alicesAuth)
	d.must(t, "kubectl", "ystack", "keystone-login", "--os-cloud", "mine")
	whoami := []string{"kubectl", "--context", "mine/team-a", "auth", "whoami"}
	d.must(t, whoami...)
	token := d.token(t)
	r, err := http.NewRequest(http.MethodDelete, labKeystone+"/v3/auth/tokens", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Auth-Token", token)
	r.Header.Set("X-Subject-Token", token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil || answer.StatusCode != http.StatusNoContent {
		t.Fatalf("%v, %v", answer, err)
	}
	_ = answer.Body.Close()
	before := d.logins.Load()
	// The webhook and the API server remember a good token for some seconds.
	eventually(t, func() error {
		if out, err := d.command(whoami...).CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		if d.token(t) == token {
			return fmt.Errorf("the revoked token is still in use")
		}
		return nil
	})
	if n := d.logins.Load() - before; n != 1 {
		t.Errorf("%d logins", n)
	}
}

// token is the one in the cache.
func (d *desk) token(t *testing.T) string {
	t.Helper()
	files, _ := filepath.Glob(d.path(".cache/ystack/tokens/*.json"))
	if len(files) != 1 {
		t.Fatalf("tokens: %v", files)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), `"token":"`)
	token, _, _ := strings.Cut(rest, `"`)
	return token
}

// TestRestrictedCredential: what the API server could steal is of no use elsewhere.
func TestRestrictedCredential(t *testing.T) {
	d := newDesk(t, alicesAuth)
	d.must(t, "kubectl", "ystack", "keystone-login", "--os-cloud", "mine", "--application-credential", "--lifetime", "2h")
	t.Cleanup(func() { d.must(t, "kubectl", "ystack", "keystone-login", "logout", "--all") })
	d.must(t, "kubectl", "--context", "mine/team-a", "auth", "whoami")
	glance := func(token string) int {
		r, err := http.NewRequest(http.MethodGet, "http://127.0.0.1:15092/v2/images", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Auth-Token", token)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		return answer.StatusCode
	}
	if code := glance(labTokens(t, 1)[0]); code != http.StatusOK {
		t.Errorf("Glance answers %d to a usual token", code)
	}
	if code := glance(d.token(t)); code != http.StatusUnauthorized {
		t.Errorf("Glance answers %d to the restricted one", code)
	}
}

// onTerminal runs a command that sees a terminal, and answers what it asks.
func (d *desk) onTerminal(t *testing.T, answer string, argv ...string) string {
	t.Helper()
	cmd := d.command(argv...)
	tty, err := pty.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	var out bytes.Buffer
	for part := make([]byte, 4096); ; {
		n, err := tty.Read(part)
		out.Write(part[:n])
		if answer != "" && bytes.HasSuffix(out.Bytes(), []byte(": ")) {
			if _, err := io.WriteString(tty, answer+"\n"); err != nil {
				t.Fatal(err)
			}
			answer = ""
		}
		if err != nil {
			break
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	return out.String()
}

// TestSecondFactorOnATerminal is asked for, not shown, and good for the whole session.
func TestSecondFactorOnATerminal(t *testing.T) {
	d := newDesk(t, "username: mfa, password: secret-of-mfa")
	code := strings.TrimSpace(must(t, "lab", "passcode", "mfa"))
	out := d.onTerminal(t, code, "kubectl", "ystack", "keystone-login", "--os-cloud", "mine")
	if !strings.Contains(out, "Passcode for mfa (domain Default)") || strings.Contains(out, code) {
		t.Errorf("the terminal shows %s", out)
	}
	d.must(t, "kubectl", "--context", "mine/team-b", "auth", "whoami")
}

// TestPasswordAtKubectl: kubectl lends its terminal when the login is over.
func TestPasswordAtKubectl(t *testing.T) {
	d := newDesk(t, "username: bob")
	login := []string{"kubectl", "ystack", "keystone-login", "--os-cloud", "mine"}
	d.onTerminal(t, "secret-of-bob", login...)
	d.forget(t)
	whoami := []string{"kubectl", "--context", "mine/team-b", "auth", "whoami"}
	if out, err := d.command(whoami...).CombinedOutput(); err == nil || !strings.Contains(string(out), "no password for bob (domain Default)") {
		t.Errorf("without a terminal: %v\n%s", err, out)
	}
	if out := d.onTerminal(t, "secret-of-bob", whoami...); !strings.Contains(out, "keystone:bob") || strings.Contains(out, "secret-of-bob") {
		t.Errorf("the terminal shows %s", out)
	}
}

// TestCanaries: no secret in any output at the highest verbosity, nor in a file's name,
// nor in the kubeconfig.
func TestCanaries(t *testing.T) {
	d := newDesk(t, alicesAuth)
	var said bytes.Buffer
	run := func(argv ...string) {
		out, _ := d.command(argv...).CombinedOutput() // failures say something too
		said.Write(out)
	}
	run("kubectl", "ystack", "keystone-login", "--os-cloud", "mine", "--all-projects")
	tokens, _ := filepath.Glob(d.path(".cache/ystack/tokens/*.json"))
	if len(tokens) == 0 {
		t.Fatalf("no token is kept\n%s", &said)
	}
	secrets := []string{"secret-of-alice"}
	run("kubectl", "-v=9", "--context", "mine/team-a", "auth", "whoami")
	run("kubectl", "-v=9", "--context", "mine/team-a", "get", "pods", "-A")
	run("kubectl", "ystack", "keystone-login", "status", "--context", "mine/team-a", "-o", "json")
	run("kubectl", "ystack", "keystone-login", "--os-cloud", "mine", "--application-credential")
	files, _ := filepath.Glob(d.path(".local/state/ystack/application-credentials/*.json"))
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(data), `"secret":"`)
		secret, _, _ := strings.Cut(rest, `"`)
		secrets = append(secrets, secret)
	}
	run("kubectl", "-v=9", "--context", "mine/team-a", "auth", "whoami")
	run("kubectl", "ystack", "keystone-login", "logout", "--all")
	run("kubectl", "-v=9", "--context", "mine/team-a", "auth", "whoami")
	d.env = append(d.env, "OS_PASSWORD=canary-7f3a", "OS_TOKEN=canary-7f3b")
	run("kubectl", "ystack", "keystone-login", "--os-cloud", "mine")
	run("kubectl", "ystack", "keystone-login", "--os-cloud", "mine", "--os-auth-type", "token")
	run("kubectl", "ystack", "keystone-login", "--os-cloud", "mine", "--os-password", "canary-7f3c")
	secrets = append(secrets, "canary-7f3", "gAAAA") // and the start of any token
	config, err := os.ReadFile(d.path("kc"))
	if err != nil {
		t.Fatal(err)
	}
	said.Write(config)
	_ = filepath.WalkDir(d.dir, func(path string, _ os.DirEntry, err error) error {
		said.WriteString(path + "\n")
		return err
	})
	if len(files) == 0 || said.Len() < 10_000 {
		t.Fatalf("little was said:\n%s", &said)
	}
	for _, secret := range secrets {
		if secret == "" {
			t.Error("there is no secret to look for")
		}
		for line := range strings.Lines(said.String()) {
			if strings.Contains(line, secret) {
				t.Errorf("a secret stands in %.200q", line)
			}
		}
	}
}

// TestNoCore: the process cannot be looked into, and leaves no core file.
func TestNoCore(t *testing.T) {
	d := newDesk(t, "username: bob")
	cmd := d.command("kubectl-ystack", "keystone-login", "--os-cloud=mine")
	tty, err := pty.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if _, err := tty.Read(make([]byte, 1)); err != nil { // it asks
		t.Fatal(err)
	}
	eventually(t, func() error {
		limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", cmd.Process.Pid))
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(limits)) {
			if f := strings.Fields(line); len(f) > 5 && f[1] == "core" && f[4] == "0" && f[5] == "0" {
				return nil
			}
		}
		return fmt.Errorf("core files are allowed:\n%s", limits)
	})
}
