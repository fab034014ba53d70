//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ystackdev/ystack/lab/process"
	"github.com/ystackdev/ystack/pkg/keystone"
)

const labKeystone = "http://127.0.0.1:15050"

// webhook is a token webhook that runs as a process of its own.
type webhook struct {
	pid     int
	url     string
	log     string
	client  *http.Client
	version string // of the reviews that it is asked for
	cmd     *exec.Cmd
}

// shipped is kubectl-ystack as it is released, whatever these tests are compiled with:
// the race detector needs time and memory of its own.
func shipped(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubectl-ystack")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", file, "../cmd/kubectl-ystack")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return file
}

// startWebhook runs ours against a Keystone. LISTEN and PKI in the arguments are filled in.
func startWebhook(t *testing.T, keystone string, args ...string) *webhook {
	t.Helper()
	argv := []string{
		shipped(t), "auth-webhook", "serve", "--auth-url=" + keystone + "/v3", "--listen=LISTEN",
		"--tls-cert-file=PKI/webhook.crt", "--tls-private-key-file=PKI/webhook.key",
	}
	return startProcess(t, "v1", append(argv, args...)...)
}

func startProcess(t *testing.T, version string, argv ...string) *webhook {
	t.Helper()
	address := "127.0.0.1:" + freePort(t)
	fill := strings.NewReplacer("LISTEN", address, "PKI", filepath.Join(os.Getenv("YSTACK_LAB"), "etc/pki"))
	for i := range argv {
		argv[i] = fill.Replace(argv[i])
	}
	w := &webhook{url: "https://" + address + "/webhook", log: filepath.Join(t.TempDir(), "log"), client: labClient(t), version: version}
	out, err := os.Create(w.log)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	w.cmd = exec.Command(argv[0], argv[1:]...)
	w.cmd.Stdout, w.cmd.Stderr = out, out
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.pid = w.cmd.Process.Pid
	t.Cleanup(func() {
		_ = w.cmd.Process.Kill()
		_ = w.cmd.Wait()
	})
	eventually(t, func() error {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return err
	})
	return w
}

// labClient trusts the lab's authority, and keeps connections as an API server does.
func labClient(t *testing.T) *http.Client {
	t.Helper()
	ca, err := os.ReadFile(filepath.Join(os.Getenv("YSTACK_LAB"), "etc/pki/ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, MaxIdleConnsPerHost: 64, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 30 * time.Second}
}

func eventually(t *testing.T, try func() error) {
	t.Helper()
	within(t, 2*time.Minute, 50*time.Millisecond, try)
}

// within tries again after each pause, until the limit is over.
func within(t *testing.T, limit, pause time.Duration, try func() error) {
	t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(pause) {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// review is what the webhook says of a token: a user's name, or "" for a refusal, or an
// error when it cannot tell.
func (w *webhook) review(token string) (user string, err error) {
	body := fmt.Sprintf(`{"apiVersion":"authentication.k8s.io/%s","kind":"TokenReview","spec":{"token":%q}}`, w.version, token)
	res, err := w.client.Post(w.url, "application/json", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return "", err
	}
	var r struct {
		Kind   string
		Status struct {
			Authenticated bool
			User          struct{ Username string }
		}
	}
	if err := json.Unmarshal(data, &r); res.StatusCode >= 500 || err != nil || r.Kind != "TokenReview" {
		return "", fmt.Errorf("%s: %.300s", res.Status, data)
	}
	if r.Status.Authenticated != (r.Status.User.Username != "") {
		return "", fmt.Errorf("neither yes nor no: %.300s", data)
	}
	return r.Status.User.Username, nil
}

// load is what many reviews came to.
type load struct {
	accepted, refused, failed atomic.Int64
	took, cpu                 time.Duration
	rss                       uint64 // bytes, afterwards
	requests                  int64  // that Keystone got
}

// flood asks n times, 32 at once.
func (w *webhook) flood(t *testing.T, k *countedKeystone, n int, token func(i int) string) *load {
	t.Helper()
	l, began, cpu, before := &load{}, time.Now(), w.stat(t).Ticks, k.requests.Load()
	var next atomic.Int64
	var group sync.WaitGroup
	for range 32 {
		group.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				switch user, err := w.review(token(int(i - 1))); {
				case err != nil:
					l.failed.Add(1)
				case user == "":
					l.refused.Add(1)
				default:
					l.accepted.Add(1)
				}
			}
		})
	}
	group.Wait()
	after := w.stat(t)
	l.took, l.cpu = time.Since(began), time.Duration(after.Ticks-cpu)*10*time.Millisecond
	l.rss, l.requests = after.Pages*uint64(os.Getpagesize()), k.requests.Load()-before
	return l
}

func (w *webhook) stat(t *testing.T) process.Stat {
	t.Helper()
	stat, err := process.StatOf(w.pid)
	if err != nil {
		t.Fatalf("%v\n%s", err, w.logs())
	}
	return stat
}

func (w *webhook) logs() string {
	data, _ := os.ReadFile(w.log)
	return string(data)
}

func (l *load) print(t *testing.T, what string) {
	n := l.accepted.Load() + l.refused.Load() + l.failed.Load()
	t.Logf("%-28s %6d reviews: %5d yes, %5d no, %5d errors; %4d requests to Keystone; %6.0f reviews/s per core, %6.0f/s in all; %3d MiB",
		what, n, l.accepted.Load(), l.refused.Load(), l.failed.Load(), l.requests,
		float64(n)/max(l.cpu.Seconds(), .01), float64(n)/l.took.Seconds(), l.rss>>20)
}

// countedKeystone is the lab's, behind a proxy that counts: others use the lab too.
type countedKeystone struct {
	*httptest.Server
	requests atomic.Int64
	broken   atomic.Bool // answers 500
}

func newCountedKeystone(t *testing.T) *countedKeystone {
	t.Helper()
	target, err := url.Parse(labKeystone)
	if err != nil {
		t.Fatal(err)
	}
	proxy, k := httputil.NewSingleHostReverseProxy(target), &countedKeystone{}
	k.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k.requests.Add(1)
		if k.broken.Load() {
			http.Error(w, "<html>oops</html>", http.StatusInternalServerError)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(k.Close)
	return k
}

// labTokens are n tokens of alice's.
func labTokens(t *testing.T, n int) []string {
	t.Helper()
	cfg, err := keystone.Load(keystone.LoadOptions{Cloud: "lab-alice", Dir: t.TempDir(), Getenv: os.Getenv})
	if err != nil {
		t.Fatal(err)
	}
	tokens := make([]string, n)
	group, ctx := errgroup.WithContext(context.Background())
	group.SetLimit(4)
	for i := range tokens {
		group.Go(func() error {
			// On a connection of its own: the lab's Keystone closes idle ones, and a login is not tried twice.
			client, err := keystone.NewClient(cfg, "ystack/e2e")
			if err != nil {
				return err
			}
			defer client.Close()
			token, err := client.Authenticate(ctx, cfg, cfg.Scope)
			for tries := 1; tries < 5 && (errors.Is(err, keystone.ErrUnreachable) || errors.Is(err, keystone.ErrServer)); tries++ {
				t.Logf("token %d, once more: %v", i, err) // how logins fail is other tests' business
				token, err = client.Authenticate(ctx, cfg, cfg.Scope)
			}
			if err == nil {
				tokens[i] = token.ID.Reveal()
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	return tokens
}

// forged has the form of a Fernet token, and none of Keystone's keys.
func forged(int) string {
	raw := make([]byte, 57+8*16)
	_, _ = rand.Read(raw)
	raw[0] = 0x80
	binary.BigEndian.PutUint64(raw[1:], uint64(time.Now().Unix()))
	return base64.RawURLEncoding.EncodeToString(raw)
}

// serviceAccount is a token that a service account might have.
func serviceAccount(i int) string {
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	claims := fmt.Sprintf(`{"iss":"https://kubernetes.default.svc","sub":"system:serviceaccount:a:b","aud":["https://kubernetes.default.svc"],"exp":4102444800,"jti":"%d"}`, i)
	return part(`{"alg":"RS256","kid":"x"}`) + "." + part(claims) + "." + part(strings.Repeat("s", 256))
}

// TestWebhookLoad: what Keystone is asked does not follow what the webhook is asked.
// lab/bench/webhook.sh prints its figures.
func TestWebhookLoad(t *testing.T) {
	needLab(t)
	const n = 10_000
	k := newCountedKeystone(t)
	w := startWebhook(t, k.URL)
	good := labTokens(t, 500)
	full := uint64(0) // memory, once it has been busy
	hundred := func(i int) string { return good[i%100] }
	for _, c := range []struct {
		name              string
		n                 int
		token             func(int) string
		yes               int64
		asked             int64 // of Keystone, at most
		refusalsPerSecond int64
	}{
		{"100 good tokens", n, hundred, n, 100, 0},
		{"the same again", n, hundred, n, 100, 0}, // asked about again before --recheck is over, if that is now
		{"400 more, once each", 400, func(i int) string { return good[100+i] }, 400, 400, 0},
		{"random bad tokens", n, forged, 0, 200 + 8, 10},
		{"service accounts' JWTs", n, serviceAccount, 0, 0, 0},
		{"random bad tokens again", n, forged, 0, 200 + 8, 10},
	} {
		l := w.flood(t, k, c.n, c.token)
		l.print(t, c.name)
		if full == 0 {
			full = l.rss
		}
		if l.rss > full+16<<20 {
			t.Errorf("%s: the memory has grown from %d to %d MiB", c.name, full>>20, l.rss>>20)
		}
		if asked := c.asked + c.refusalsPerSecond*int64(l.took.Seconds()+1); l.accepted.Load() != c.yes || l.requests > asked {
			t.Errorf("%s: %d accepted, want %d; %d requests to Keystone, want %d at most", c.name, l.accepted.Load(), c.yes, l.requests, asked)
		}
	}
	if user, err := w.review(good[0]); user != "keystone:alice" {
		t.Errorf("afterwards a known token is %q, %v", user, err)
	}
	for _, token := range good {
		if bytes.Contains([]byte(w.logs()), []byte(token[20:])) {
			t.Fatal("a token is in the log")
		}
	}
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", w.pid))
	if err != nil || !regexp.MustCompile(`Max core file size +0 +0 `).Match(limits) {
		t.Errorf("it may leave a core file: %v\n%s", err, limits)
	}
	if program := os.Getenv("PEER"); program != "" {
		measurePeer(t, k, program, good)
	}
}

// measurePeer does the same to the community's k8s-keystone-auth, less often, and passes
// whatever the figures are.
func measurePeer(t *testing.T, k *countedKeystone, program string, good []string) {
	t.Helper()
	const n = 400
	t.Log(program)
	w := startProcess(t, "v1beta1", program, "--keystone-url="+k.URL+"/v3", "--listen=LISTEN",
		"--tls-cert-file=PKI/webhook.crt", "--tls-private-key-file=PKI/webhook.key", "--kubeconfig="+os.Getenv("KUBECONFIG"))
	hundred := func(i int) string { return good[i%100] }
	w.flood(t, k, n, hundred).print(t, "100 good tokens")
	w.flood(t, k, n, hundred).print(t, "the same again")
	w.flood(t, k, n, forged).print(t, "random bad tokens")
	w.flood(t, k, n, serviceAccount).print(t, "service accounts' JWTs")
	if user, err := w.review(good[0]); user == "" {
		t.Errorf("it accepts nobody: %v\n%.2000s", err, w.logs())
	}
}
