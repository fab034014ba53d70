package image_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/ystackdev/ystack/pkg/image"
	"github.com/ystackdev/ystack/pkg/image/registrytest"
)

// canary stands for every kind of secret; no error may show it.
const canary = "s3cr3t-canary"

// login answers every question for credentials with the canary.
type login struct{}

func (login) Resolve(authn.Resource) (authn.Authenticator, error) {
	return &authn.Basic{Username: "user", Password: canary}, nil
}

func TestFaults(t *testing.T) {
	status := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v2/" && code != http.StatusTeapot {
				return
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
		}
	}
	tests := []struct {
		name    string
		handler http.HandlerFunc
		kind    error
		say     string
	}{
		{"not found", status(404, `{"errors":[{"code":"MANIFEST_UNKNOWN"}]}`), image.ErrNotFound, ""},
		{"server error", status(500, `{"errors":[{"code":"UNKNOWN","message":"see https://u:`+canary+`@h/x?token=`+canary+`"}]}`), image.ErrUnreachable, "HTTP 500"},
		{"bad gateway", status(502, "<html>"), image.ErrUnreachable, "HTTP 502"},
		{"unauthorized", status(401, `{"errors":[{"code":"UNAUTHORIZED"}]}`), image.ErrUnauthorized, "docker login"},
		{"forbidden", status(403, ""), image.ErrUnauthorized, "docker login"},
		{"rate limit", status(429, ""), image.ErrUnreachable, "rate limit"},
		{"not a registry", http.NotFound, image.ErrUnreachable, "OCI registry"},
		{"truncated", truncated, image.ErrUnreachable, ""},
		{"not JSON", garbage, image.ErrUnreachable, ""},
		{"token refused", tokenRefused, image.ErrUnauthorized, "docker login"},
		{"redirect to a dead store", redirected, image.ErrUnreachable, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(test.handler)
			defer server.Close()
			host := strings.TrimPrefix(server.URL, "http://")
			client := &image.Client{Keychain: login{}}
			_, _, err := client.Labels(t.Context(), host+"/app:1")
			check(t, err, test.kind, host, test.say)
			if !errors.Is(test.kind, image.ErrNotFound) && test.name != "truncated" && test.name != "not JSON" && test.name != "redirect to a dead store" {
				_, err = client.ResolveBase(t.Context(), "app:1", []string{host + "/a", host + "/b"})
				check(t, err, test.kind, host, test.say)
			}
		})
	}
}

func check(t *testing.T, err, kind error, host, say string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("error %v, want %v", err, kind)
	}
	text := err.Error()
	t.Log(text)
	if !strings.Contains(text, host) || !strings.Contains(text, say) {
		t.Errorf("%q does not name %s and %q", text, host, say)
	}
	if strings.Contains(text, canary) || strings.Contains(text, "\n") {
		t.Errorf("%q shows a secret or has several lines", text)
	}
}

const manifestType = "application/vnd.oci.image.manifest.v1+json"

func truncated(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/v2/" {
		w.Header().Set("Content-Type", manifestType)
		w.Header().Set("Content-Length", "500")
		_, _ = io.WriteString(w, `{"schemaVersion":2,"conf`)
	}
}

func garbage(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/v2/" {
		w.Header().Set("Content-Type", manifestType)
		_, _ = io.WriteString(w, `{"schemaVersion":2,"conf`)
	}
}

func tokenRefused(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/v2/" {
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token?key=%s",service="x"`, r.Host, canary))
	}
	w.WriteHeader(http.StatusUnauthorized)
}

func redirected(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/v2/" {
		http.Redirect(w, r, "http://127.0.0.1:1/blob?signature="+canary, http.StatusTemporaryRedirect)
	}
}

func TestStalled(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	host, start := listener.Addr().String(), time.Now()
	_, err = new(image.Client).ResolveBase(t.Context(), "app", []string{host})
	check(t, err, image.ErrUnreachable, host, "no answer in time")
	if took := time.Since(start); took > 11*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestRefusedAndUnknownHost(t *testing.T) {
	t.Parallel()
	start := time.Now()
	_, err := new(image.Client).ResolveBase(t.Context(), "app", []string{"127.0.0.1:1"})
	check(t, err, image.ErrUnreachable, "127.0.0.1:1", "connection refused")
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestCancelAtOnce(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(200*time.Millisecond, cancel)
	start := time.Now()
	_, err = new(image.Client).Digest(ctx, listener.Addr().String()+"/app:1")
	if !errors.Is(err, context.Canceled) || time.Since(start) > time.Second {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
}

// elsewhere makes every connection go to addr, whatever the host is called.
func elsewhere(addr string) http.RoundTripper {
	return &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", addr)
	}}
}

func TestUnknownAuthority(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ErrorLog = nil
	defer server.Close()
	client := &image.Client{Transport: elsewhere(server.Listener.Addr().String())}
	_, err := client.Digest(t.Context(), "example.com/app:1")
	check(t, err, image.ErrUnreachable, "example.com", "unknown authority")
}

func TestPlainHTTPOnlyWhereAllowed(t *testing.T) {
	t.Parallel()
	asked := false
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer server.Close()
	addr := server.Listener.Addr().String()
	// The library falls back to HTTP for 10.0.0.0/8 by itself.
	for _, host := range []string{"registry.example", "10.1.2.3:5000"} {
		client := &image.Client{Transport: elsewhere(addr), Keychain: login{}}
		_, err := client.Digest(t.Context(), host+"/app:1")
		check(t, err, image.ErrUnreachable, host, "")
		if asked {
			t.Fatalf("%s was asked over plain HTTP", host)
		}
	}
	client := &image.Client{Transport: elsewhere(addr), Insecure: []string{"registry.example"}}
	if _, err := client.Digest(t.Context(), "registry.example/app:1"); !asked {
		t.Errorf("listed as insecure, not asked: %v", err)
	}
}

func TestDockerHubDeniesWhatItLacks(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v2/" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer server.Close()
	transport := server.Client().Transport.(*http.Transport).Clone()
	transport.DialContext = elsewhere(server.Listener.Addr().String()).(*http.Transport).DialContext
	transport.TLSClientConfig.InsecureSkipVerify = true
	client := &image.Client{Transport: transport, Keychain: authn.NewMultiKeychain()}
	_, err := client.ResolveBase(t.Context(), "nosuch/image:1", []string{"docker.io"})
	check(t, err, image.ErrNotFound, "docker.io/nosuch/image:1", "")
}

func TestRealLogin(t *testing.T) {
	t.Parallel()
	// The password is "right".
	host := registrytest.Start(t, registrytest.Login("user:$2y$04$5OJQ9XYaSGBu3Hp7cgHsVeS56EzZMnab9J65StxeSEU98bJ114Cvu\n"))
	_, err := (&image.Client{Keychain: login{}}).Digest(t.Context(), host+"/app:1")
	check(t, err, image.ErrUnauthorized, host, "docker login")
	right := fixed{&authn.Basic{Username: "user", Password: "right"}}
	_, err = (&image.Client{Keychain: right}).Digest(t.Context(), host+"/app:1")
	check(t, err, image.ErrNotFound, host, "")
}

type fixed struct{ authn.Authenticator }

func (f fixed) Resolve(authn.Resource) (authn.Authenticator, error) { return f.Authenticator, nil }
