package kube

import (
	"context"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/clientcmd"
)

// canary is the credential that no error may show.
const canary = "canary-token-2718281828"

// kubeconfig writes one with a single context. user is the body of its user entry.
func kubeconfig(t *testing.T, server, authority, user string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config")
	content := fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: one
contexts:
- {name: one, context: {cluster: c, user: u, namespace: blue}}
- {name: two, context: {cluster: c, user: u}}
clusters:
- name: c
  cluster: {server: %q, certificate-authority-data: %q}
users:
- name: u
  user: %s
`, server, authority, user)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(path string, overrides clientcmd.ConfigOverrides) (*Client, error) {
	return Load(&clientcmd.ClientConfigLoadingRules{ExplicitPath: path}, &overrides, "ystack/1.2 test")
}

func token() string { return "{token: " + canary + "}" }

// ask makes a client and one request through each of its ways.
func ask(t *testing.T, path string, overrides clientcmd.ConfigOverrides) []error {
	t.Helper()
	client, err := load(path, overrides)
	if err != nil {
		return []error{err}
	}
	_, raw := client.Get(t.Context(), "/api/v1/namespaces/x/pods/p/log", nil, "")
	pods := schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	_, err = client.Dynamic.Resource(pods).Namespace("x").Get(t.Context(), "p", metav1.GetOptions{})
	return []error{raw, client.Explain(err)}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	answer := func(code int, message string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(code)
			fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","code":%d,%s}`, code, message)
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	hangup := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, _ := w.(http.Hijacker).Hijack()
		conn.Close()
	}))
	t.Cleanup(hangup.Close)
	authority := base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}))
	anotherName := "https://localhost:" + secure.URL[strings.LastIndex(secure.URL, ":")+1:]

	tests := []struct {
		name, path string
		overrides  clientcmd.ConfigOverrides
		kind       error
		want       []string
	}{
		{name: "no kubeconfig", path: "/nonexistent/config", kind: ErrNoKubeconfig, want: []string{"/nonexistent/config", "--kubeconfig"}},
		{
			name: "no such context", path: kubeconfig(t, "https://127.0.0.1:1", "", token()), kind: ErrNoContext,
			overrides: clientcmd.ConfigOverrides{CurrentContext: "three"}, want: []string{`"three"`, "known contexts: one, two"},
		},
		{name: "connection refused", path: kubeconfig(t, "http://"+closed.Addr().String(), "", token()), kind: ErrUnreachable, want: []string{`context "one"`, closed.Addr().String(), "connection refused", "--context"}},
		{name: "unknown host", path: kubeconfig(t, "http://no-such-host.invalid", "", token()), kind: ErrUnreachable, want: []string{"no-such-host.invalid"}},
		{name: "hangs up", path: kubeconfig(t, hangup.URL, "", token()), kind: ErrUnreachable, want: []string{"EOF"}},
		{name: "no TLS", path: kubeconfig(t, strings.Replace(plain.URL, "http", "https", 1), "", token()), kind: ErrUnreachable, want: []string{"HTTP response to HTTPS client"}},
		{name: "unknown authority", path: kubeconfig(t, secure.URL, "", token()), kind: ErrCertificate, want: []string{"authority"}},
		{name: "another name", path: kubeconfig(t, anotherName, authority, token()), kind: ErrCertificate, want: []string{"localhost"}},
		{name: "expired credentials", path: kubeconfig(t, answer(401, `"reason":"Unauthorized","message":"Unauthorized"`), "", token()), kind: ErrUnauthorized, want: []string{"log in again", `context "one"`}},
		{
			name: "forbidden", kind: ErrForbidden, want: []string{`user "jane" may not get deployments.apps in namespace "x"`},
			path: kubeconfig(t, answer(403, `"reason":"Forbidden","message":"deployments.apps \"p\" is forbidden: User \"jane\" cannot get resource \"deployments\" in API group \"apps\" in the namespace \"x\""`), "", token()),
		},
		{
			name: "quota", kind: ErrForbidden, want: []string{"exceeded quota: small"},
			path: kubeconfig(t, answer(403, `"reason":"Forbidden","message":"pods \"p\" is forbidden: exceeded quota: small"`), "", token()),
		},
		{
			name: "namespace missing", kind: ErrNamespaceNotFound, want: []string{`namespace "x" not found`, "kubectl create namespace x"},
			path: kubeconfig(t, answer(404, `"reason":"NotFound","message":"namespaces \"x\" not found","details":{"name":"x","kind":"namespaces"}`), "", token()),
		},
		{name: "conflict", kind: ErrConflict, want: []string{"has been modified"}, path: kubeconfig(t, answer(409, `"reason":"Conflict","message":"the object has been modified"`), "", token())},
		{name: "invalid", kind: ErrInvalid, want: []string{"spec.replicas"}, path: kubeconfig(t, answer(422, `"reason":"Invalid","message":"spec.replicas: must be positive"`), "", token())},
		{
			name: "credential plugin", kind: ErrExecPlugin, want: []string{"no-such-plugin", `context "one"`},
			path: kubeconfig(t, "https://127.0.0.1:1", "", "{exec: {apiVersion: client.authentication.k8s.io/v1, command: no-such-plugin, interactiveMode: Never, env: [{name: TOKEN, value: "+canary+"}]}}"),
		},
		{
			name: "credential plugin fails", kind: ErrExecPlugin, want: []string{"exit code 1"},
			path: kubeconfig(t, "https://127.0.0.1:1", "", "{exec: {apiVersion: client.authentication.k8s.io/v1, command: \"false\", interactiveMode: Never}}"),
		},
		{name: "token where none can be", path: kubeconfig(t, "https://127.0.0.1:1", "", "{token: ["+canary+"]}"), kind: ErrInvalidKubeconfig},
		{name: "address that is none", path: kubeconfig(t, "http://%zz", "", token()), kind: ErrInvalidKubeconfig},
		{name: "bad authority", path: kubeconfig(t, "https://127.0.0.1:1", "bm90IGEgY2VydA==", token()), kind: ErrInvalidKubeconfig, want: []string{`context "one"`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel() // client-go tries some failures again for ten seconds
			for _, err := range ask(t, test.path, test.overrides) {
				if !errors.Is(err, test.kind) {
					t.Fatalf("got %v, want kind %v", err, test.kind)
				}
				if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
					t.Errorf("%v passes for the caller's own end", err)
				}
				for _, want := range test.want {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("%q lacks %q", err, want)
					}
				}
				if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, canary) {
					t.Errorf("the token shows in %s", text)
				}
				if strings.Contains(err.Error(), "\n") {
					t.Errorf("more than a line: %q", err)
				}
				t.Log(err)
			}
		})
	}
}

// TestDeadAddress: an address that swallows packets is an error in seconds.
func TestDeadAddress(t *testing.T) {
	t.Parallel()
	path := kubeconfig(t, "https://"+silent(t), "", token())
	start := time.Now()
	errs := ask(t, path, clientcmd.ConfigOverrides{})
	for _, err := range errs {
		if !errors.Is(err, ErrUnreachable) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		t.Log(err)
	}
	if took := time.Since(start) / time.Duration(len(errs)); took > 11*time.Second {
		t.Errorf("took %s each", took)
	}
}

// silent accepts connections and never says a word: the TLS handshake hangs.
func silent(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener.Addr().String()
}

// TestAnswerLimit: so is a server that takes a request and thinks for ever.
func TestAnswerLimit(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-release }))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })
	client, err := load(kubeconfig(t, server.URL, "", token()), clientcmd.ConfigOverrides{})
	if err != nil {
		t.Fatal(err)
	}
	client.http = &http.Client{Transport: &answerLimit{next: http.DefaultTransport, limit: 50 * time.Millisecond}}
	if _, err := client.Get(t.Context(), "/version", nil, ""); !errors.Is(err, ErrUnreachable) {
		t.Errorf("got %v", err)
	}
	// The caller's own end is not the server's fault.
	client.http.Transport = &answerLimit{next: http.DefaultTransport, limit: time.Minute}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := client.Get(ctx, "/version", nil, ""); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrUnreachable) {
		t.Errorf("got %v", err)
	}
}

// TestRequestTimeout: kubectl's flag is an answer that did not come, not a timeout of ours.
func TestRequestTimeout(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-release }))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })
	path := kubeconfig(t, server.URL, "", token())
	// net/http says that it was its timeout once a goroutine of its own has noticed, which on a
	// busy machine can be too late.
	var all []error
	for range 20 {
		all = ask(t, path, clientcmd.ConfigOverrides{Timeout: "50ms"})
		if !slices.ContainsFunc(all, func(err error) bool { return errors.Is(err, context.DeadlineExceeded) }) {
			break
		}
	}
	for _, err := range all {
		if !errors.Is(err, ErrUnreachable) || errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "Client.Timeout") {
			t.Errorf("got %v", err)
		}
	}
}

func TestNew(t *testing.T) {
	path := kubeconfig(t, "https://cluster.example:6443", "", token())
	tests := []struct {
		name      string
		overrides clientcmd.ConfigOverrides
		context   string
		namespace string
		explicit  bool
	}{
		{name: "current", context: "one", namespace: "blue"},
		{name: "another context", overrides: clientcmd.ConfigOverrides{CurrentContext: "two"}, context: "two", namespace: "default"},
	}
	explicit := clientcmd.ConfigOverrides{}
	explicit.Context.Namespace = "green"
	tests = append(tests, struct {
		name      string
		overrides clientcmd.ConfigOverrides
		context   string
		namespace string
		explicit  bool
	}{"explicit namespace", explicit, "one", "green", true})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, err := load(path, test.overrides)
			if err != nil {
				t.Fatal(err)
			}
			if c.Context != test.context || c.Namespace != test.namespace || c.NamespaceExplicit != test.explicit || !strings.HasPrefix(c.Server, "https://cluster.example:6443") {
				t.Errorf("got %q %q %t %q", c.Context, c.Namespace, c.NamespaceExplicit, c.Server)
			}
		})
	}
}

func TestWarningsAndUserAgent(t *testing.T) {
	var agent string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		agent = r.UserAgent()
		w.Header().Add("Warning", `299 - "this is old"`)
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"}}`)
	}))
	t.Cleanup(server.Close)
	client, err := load(kubeconfig(t, server.URL, "", token()), clientcmd.ConfigOverrides{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		pods := schema.GroupVersionResource{Version: "v1", Resource: "pods"}
		if _, err := client.Dynamic.Resource(pods).Namespace("x").Get(t.Context(), "p", metav1.GetOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if got := client.Warnings(); len(got) != 1 || got[0] != "this is old" || agent != "ystack/1.2 test" {
		t.Errorf("warnings %q, agent %q", got, agent)
	}
}

// TestBusy: a server that says when to come again is asked again.
func TestBusy(t *testing.T) {
	for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		asked := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if asked++; asked < 3 {
				w.Header().Set("Retry-After", "0")
				w.WriteHeader(status)
				return
			}
			fmt.Fprint(w, "at last")
		}))
		t.Cleanup(server.Close)
		client, err := load(kubeconfig(t, server.URL, "", token()), clientcmd.ConfigOverrides{})
		if err != nil {
			t.Fatal(err)
		}
		body, err := client.Get(t.Context(), "/version", nil, "")
		if string(body) != "at last" || err != nil || asked != 3 {
			t.Errorf("%d: %q, %v after %d", status, body, err, asked)
		}
	}
}
