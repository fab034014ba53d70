// Package registrytest starts a real registry (the distribution project's, as
// Debian's docker-registry has it) on a loopback port for tests.
package registrytest

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Option changes the registry's configuration file.
type Option func(dir string) string

// Login makes the registry ask for a user: htpasswd is the content of the
// password file, in bcrypt.
func Login(htpasswd string) Option {
	return func(dir string) string {
		path := filepath.Join(dir, "htpasswd")
		if err := os.WriteFile(path, []byte(htpasswd), 0o600); err != nil {
			panic(err)
		}
		return fmt.Sprintf("auth: {htpasswd: {realm: test, path: %q}}\n", path)
	}
}

// Start runs a registry until the test ends and returns its HOST:PORT.
func Start(t testing.TB, options ...Option) string {
	t.Helper()
	binary := need(t)
	dir := t.TempDir()
	host := freePort(t)
	config := fmt.Sprintf(`version: 0.1
log: {level: error}
storage: {filesystem: {rootdirectory: %q}, delete: {enabled: true}}
http: {addr: %q}
`, filepath.Join(dir, "data"), host)
	for _, option := range options {
		config += option(dir)
	}
	path := filepath.Join(dir, "config.yml")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "serve", path)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	waitReady(t, host)
	return host
}

func need(t testing.TB) string {
	t.Helper()
	binary, err := exec.LookPath("docker-registry")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("docker-registry is not installed: apt-get install docker-registry")
		}
		t.Skip("docker-registry is not installed: apt-get install docker-registry")
	}
	return binary
}

func freePort(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func waitReady(t testing.TB, host string) {
	t.Helper()
	for range 200 {
		answer, err := http.Get("http://" + host + "/v2/")
		if err == nil {
			answer.Body.Close()
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatalf("docker-registry at %s does not answer", host)
}
