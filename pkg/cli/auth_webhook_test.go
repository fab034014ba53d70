package cli

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

func TestAuthWebhookHelp(t *testing.T) {
	for name, args := range map[string][]string{
		"auth-webhook":           {"auth-webhook"},
		"auth-webhook-serve":     {"auth-webhook", "serve", "--help"},
		"auth-webhook-manifests": {"auth-webhook", "manifests", "--help"},
	} {
		code, out, errs := run(t, NewKubectl, args...)
		if code != 0 || errs != "" {
			t.Fatalf("%s: status %d, %s", name, code, errs)
		}
		golden(t, "help/"+name, []byte(out))
	}
}

// The page for operators knows every flag of serve, and no other.
func TestAuthWebhookFlagsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/auth-webhook.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "\n## Flags\n")
	table, _, _ = strings.Cut(table, "\n## ")
	var said, have []string
	for _, m := range regexp.MustCompile("`--([a-z-]+)`").FindAllStringSubmatch(table, -1) {
		said = append(said, m[1])
	}
	newAuthWebhookServe(Env{}).Flags().VisitAll(func(f *pflag.Flag) { have = append(have, f.Name) })
	slices.Sort(said)
	if diff := cmp.Diff(have, said); diff != "" {
		t.Errorf("docs/auth-webhook.md (-flags +page):\n%s", diff)
	}
}

func TestAuthWebhookUsage(t *testing.T) {
	serve := []string{"auth-webhook", "serve", "--tls-cert-file=a", "--tls-private-key-file=b", "--auth-url=http://127.0.0.1:1/v3"}
	for name, tc := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no certificate": {[]string{"auth-webhook", "serve"}, exitUsage, "--tls-cert-file and --tls-private-key-file are required"},
		"option":         {append(serve, "--keystone-concurrency=0"), exitUsage, "--keystone-concurrency must be 1 or more"},
		"level":          {append(serve, "--log-level=loud"), exitUsage, `--log-level is "loud"`},
		"two clouds":     {append(serve, "--os-cloud=x"), exitUsage, "--auth-url and --os-cloud exclude each other"},
		"no keystone":    {serve[:4], exitError, "no OpenStack credentials"},
		"no file":        {serve, exitError, "cannot use the serving certificate a with the key b"},
		"no policy":      {append(serve, "--policy-file=none"), exitError, "cannot use the policy file (--policy-file): open none"},
		"policy to show": {[]string{"auth-webhook", "manifests", "--image=x", "--auth-url=http://127.0.0.1:1/v3", "--policy-file=none"}, exitError, "open none"},
		"two clusters":   {append(serve, "--in-cluster", "--kubeconfig=x"), exitUsage, "--in-cluster and --kubeconfig exclude each other"},
		"no kubeconfig":  {append(serve, "--kubeconfig=none"), exitError, "no kubeconfig: "},
		"no pod":         {append(serve, "--in-cluster"), exitError, "--in-cluster: this is no pod with a service account's token"},
		"keys printed":   {[]string{"auth-webhook", "manifests", "--generate-certs"}, exitUsage, "--generate-certs needs --output-dir"},
		"no image":       {[]string{"auth-webhook", "manifests", "--auth-url=http://127.0.0.1:1/v3"}, exitError, "no image given (--image)"},
	} {
		t.Run(name, func(t *testing.T) {
			code, _, errs := run(t, NewKubectl, tc.args...)
			if code != tc.code || !strings.Contains(errs, tc.want) {
				t.Errorf("status %d: %s", code, errs)
			}
		})
	}
}

func TestAuthWebhookManifests(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	args := []string{"auth-webhook", "manifests", "--image=registry.example/ystack:v1", "--auth-url=https://keystone.example/v3", "--cluster-ip=10.96.0.20"}
	code, printed, errs := run(t, NewKubectl, args...)
	if code != 0 {
		t.Fatal(errs)
	}
	golden(t, "auth-webhook-manifests.yaml", []byte(printed))

	args = append(args, "--output-dir="+out, "--generate-certs")
	if code, printed, errs = run(t, NewKubectl, args...); code != 0 || printed != "" || strings.Contains(errs, "BEGIN") {
		t.Fatalf("status %d: %s%s", code, printed, errs)
	}
	for name, mode := range map[string]os.FileMode{
		"ystack-auth-webhook.yaml": 0o644, "webhook.kubeconfig": 0o644, "README.txt": 0o644,
		"ca.crt": 0o644, "ca.key": 0o600, "tls.crt": 0o644, "tls.key": 0o600,
	} {
		if info, err := os.Stat(filepath.Join(out, name)); err != nil || info.Mode().Perm()&^mode != 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	before, _ := os.ReadFile(filepath.Join(out, "tls.key"))
	code, _, errs = run(t, NewKubectl, args...)
	after, _ := os.ReadFile(filepath.Join(out, "tls.key"))
	if code != exitError || !strings.Contains(errs, "ca.key exists and may be in use") || !bytes.Equal(before, after) {
		t.Errorf("status %d: %s", code, errs)
	}
}

// syncBuffer is written by a server and read by the test.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// The whole command: from OS_* variables with a password in them, which it does not
// need, to an answer and a clean end.
func TestAuthWebhookServe(t *testing.T) {
	const canary = "canary-password"
	token := "gAAAAABkCANARY" + strings.Repeat("A", 105) // of the length that a Fernet token may have
	keystone := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"token": {"methods": ["password"], "issued_at": "2020-01-01T00:00:00.000000Z", "expires_at": "2999-01-01T00:00:00.000000Z",
			"user": {"id": "u1", "name": "alice", "domain": {"id": "default", "name": "Default"}}}}`)
	}))
	defer keystone.Close()
	dir := t.TempDir()
	if code, _, errs := run(t, NewKubectl, "auth-webhook", "manifests", "--image=x", "--auth-url="+keystone.URL+"/v3", "--static-pod", "--output-dir="+dir, "--generate-certs"); code != 0 {
		t.Fatal(errs)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	var log syncBuffer
	environ := map[string]string{"OS_AUTH_URL": keystone.URL + "/v3", "OS_PASSWORD": canary, "HOME": dir}
	env := Env{In: strings.NewReader(""), Out: io.Discard, Err: &log, Getenv: func(k string) string { return environ[k] }, Version: "v0", Boundary: func(string) {}}
	cmd := NewKubectl(env)
	cmd.SetArgs([]string{
		"auth-webhook", "serve", "--listen=" + address, "--log-level=debug", "--username-prefix=",
		"--tls-cert-file=" + filepath.Join(dir, "tls.crt"), "--tls-private-key-file=" + filepath.Join(dir, "tls.key"),
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- cmd.ExecuteContext(ctx) }()

	ca, err := os.ReadFile(filepath.Join(dir, "ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}}
	var body []byte
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		res, err := client.Post("https://"+address+"/webhook", "application/json",
			strings.NewReader(`{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","spec":{"token":"`+token+`"}}`))
		if err == nil {
			body, _ = io.ReadAll(res.Body)
			res.Body.Close()
			break
		}
	}
	if !strings.Contains(string(body), `"authenticated":true,"user":{"username":"alice"`) {
		t.Errorf("%s", body)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	for _, secret := range []string{canary, "CANARY"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("%s is in the log:\n%s", secret, log.String())
		}
	}
	for _, want := range []string{`"msg":"token accepted"`, `"user":"alice"`, "--username-prefix is empty", `"msg":"ended"`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, log.String())
		}
	}
}
