package keystone

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// reply is one answer of a server that fails in a certain way.
type reply struct {
	status  int
	header  map[string]string
	body    string
	hangup  bool // before any answer
	reset   bool // with RST rather than FIN
	cut     bool // in the middle of the body
	forever bool
}

func (r reply) serve(w http.ResponseWriter, release <-chan struct{}) {
	if r.hangup || r.reset {
		conn, _, _ := w.(http.Hijacker).Hijack()
		if tcp, ok := conn.(*net.TCPConn); ok && r.reset {
			tcp.SetLinger(0)
		}
		conn.Close()
		return
	}
	if r.forever {
		<-release
		return
	}
	for name, value := range r.header {
		w.Header().Set(name, value)
	}
	if r.cut {
		w.Header().Set("Content-Length", fmt.Sprint(len(r.body)+100))
	}
	w.WriteHeader(r.status)
	io.WriteString(w, r.body)
}

// faulty answers with its replies in turn, the last one again and again.
func faulty(t *testing.T, replies ...reply) (url string, requests *atomic.Int32) {
	t.Helper()
	requests = &atomic.Int32{}
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		n := int(requests.Add(1))
		replies[min(n, len(replies))-1].serve(w, release)
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })
	return server.URL, requests
}

func testConfig(url string) *Config {
	return &Config{AuthURL: url, AuthType: AuthPassword, Username: "alice", UserDomainName: "People", Password: canary}
}

func testClient(t *testing.T, cfg *Config) *Client {
	t.Helper()
	c, err := NewClient(cfg, "ystack/test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

const tokenJSON = `{"token": {"methods": ["password"], "user": {"id": "u1", "name": "alice", "domain": {"id": "d1", "name": "People"}, "password_expires_at": "2030-01-02T03:04:05.000000"},
 "project": {"id": "p1", "name": "blue", "domain": {"id": "d1", "name": "People"}}, "is_domain": false,
 "roles": [{"id": "r1", "name": "member"}], "issued_at": "ISSUED", "expires_at": "EXPIRES", "audit_ids": ["a1"]}}`

func tokenText(issued, expires time.Time) string {
	return strings.NewReplacer("ISSUED", issued.UTC().Format("2006-01-02T15:04:05.000000Z"), "EXPIRES", expires.UTC().Format("2006-01-02T15:04:05.000000Z")).Replace(tokenJSON)
}

func freshToken() string { return tokenText(time.Now(), time.Now().Add(time.Hour)) }

func errorJSON(code int, message string) string {
	body, _ := json.Marshal(map[string]any{"error": map[string]any{"code": code, "message": message, "title": http.StatusText(code)}})
	return string(body)
}

// TestFaults: whatever answers, the error is of the right kind, says so in a line, and
// shows no secret; and nobody becomes somebody.
func TestFaults(t *testing.T) {
	t.Parallel()
	id := map[string]string{"X-Subject-Token": canary, "X-Openstack-Request-Id": "req-1"}
	with := func(more ...string) map[string]string {
		all := map[string]string{"X-Openstack-Request-Id": "req-1"}
		for i := 0; i < len(more); i += 2 {
			all[more[i]] = more[i+1]
		}
		return all
	}
	created := func(body string) reply { return reply{status: 201, header: id, body: body} }
	refusal := func(code int, message string) reply {
		return reply{status: code, header: with(), body: errorJSON(code, message)}
	}
	edit := func(old, new string) string { return strings.ReplaceAll(freshToken(), old, new) }
	receipt := with("Openstack-Auth-Receipt", canary)
	now := time.Now()
	tests := []struct {
		name  string
		reply reply
		kind  error
		want  []string
	}{
		{"hangs up", reply{hangup: true}, ErrUnreachable, []string{"the connection was closed before an answer came"}},
		{"resets", reply{reset: true}, ErrUnreachable, []string{"the connection was closed before an answer came"}},
		{"500", reply{status: 500, header: with(), body: "<html>" + canary}, ErrServer, []string{"HTTP 500", "req-1"}},
		{"503 of Keystone", refusal(503, "down"), ErrServer, []string{"HTTP 503: down"}},
		{"cut", reply{status: 201, header: id, body: freshToken(), cut: true}, ErrServer, []string{"ends too early"}},
		{"endless", reply{status: 201, header: id, body: strings.Repeat("x", bodyLimit+1)}, ErrServer, []string{"too large"}},
		{"truncated JSON", created(freshToken()[:300]), ErrServer, []string{"whole JSON"}},
		{"JSON and more", created(freshToken() + "{}"), ErrServer, []string{"whole JSON"}},
		{"wrong JSON", created(`{"access": {}}`), ErrServer, []string{"without token or user"}},
		{"null", created(`null`), ErrServer, nil},
		{"list", created(`[]`), ErrServer, nil},
		{"user is a string", created(edit(`{"id": "u1", "name": "alice", "domain": {"id": "d1", "name": "People"}, "password_expires_at": "2030-01-02T03:04:05.000000"}`, `"`+canary+`"`)), ErrServer, nil},
		{"no user id", created(edit(`"u1"`, `""`)), ErrServer, []string{"user's id"}},
		{"no user name", created(edit(`"alice"`, `null`)), ErrServer, []string{"user's id or name"}},
		{"no domain", created(edit(`"domain": {"id": "d1", "name": "People"}, `, "")), ErrServer, []string{"user's domain"}},
		{"no project id", created(edit(`"p1"`, `""`)), ErrServer, []string{"project's id"}},
		{"two scopes", created(edit(`"is_domain": false`, `"system": {"all": true}`)), ErrServer, []string{"several scopes"}},
		{"role without name", created(edit(`"member"`, `""`)), ErrServer, []string{"role"}},
		{"no times", created(edit("expires_at", "expired_at")), ErrServer, []string{"times"}},
		{"backwards", created(tokenText(now, now.Add(-time.Hour))), ErrServer, []string{"ends before it begins"}},
		{"no methods", created(edit(`["password"]`, `[]`)), ErrServer, []string{"methods"}},
		{"another scope", created(edit(`"p1"`, `"p2"`)), ErrServer, []string{"another scope"}},
		{"no token", reply{status: 201, header: with(), body: freshToken()}, ErrServer, []string{"no token"}},
		{"success of another kind", reply{status: 200, header: id, body: freshToken()}, ErrServer, []string{"HTTP 200"}},
		{"redirect", reply{status: 302, header: with("Location", "https://evil.example/"+canary)}, ErrServer, []string{"sends us elsewhere"}},
		{"expired", reply{status: 201, header: id, body: tokenText(now.Add(-2*time.Hour), now.Add(-time.Hour))}, ErrServer, []string{"an old answer"}},
		{"our clock is ahead", reply{status: 201, header: map[string]string{"X-Subject-Token": canary, "Date": now.Add(-9 * time.Hour).UTC().Format(http.TimeFormat)}, body: tokenText(now.Add(-9*time.Hour), now.Add(-8*time.Hour))}, ErrClockSkew, []string{"set the clocks"}},
		{"our clock is behind", reply{status: 201, header: id, body: tokenText(now.Add(time.Hour), now.Add(2*time.Hour))}, ErrClockSkew, []string{"set the clocks"}},
		{"no Keystone", reply{status: 404, header: with(), body: "<html>"}, ErrServer, []string{"is no Keystone"}},
		{"wrong password", refusal(401, "The request you have made requires authentication."), ErrUnauthorized, []string{`user "alice" of domain "People"`, "user name, user domain, password", "does not say which", "req-1"}},
		{"expired password", refusal(401, "The password is expired and needs to be changed for user: u1."), ErrPasswordExpired, []string{"change it"}},
		{"disabled", refusal(401, "The account is disabled for user: u1."), ErrUserDisabled, []string{"disabled"}},
		{"locked", refusal(401, "The account is locked for user: u1."), ErrLocked, []string{"locked"}},
		{"forbidden", refusal(403, "no "+canary), ErrForbidden, []string{"no [secret]"}},
		{"bad request", refusal(400, "Expecting to find domain in user.\x1b[31m\n"+canary), ErrRejected, []string{"Expecting to find domain in user."}},
		{"too many", refusal(429, "slow down"), ErrServer, []string{"try again later"}},
		{"more factors", reply{status: 401, header: receipt, body: `{"receipt": {"methods": ["password"]}, "required_auth_methods": [["password", "totp"]]}`}, ErrMFARequired, []string{"password was right", "prove totp", "OS_PASSCODE"}},
		{"receipt without sense", reply{status: 401, header: receipt, body: `{"receipt": 1}`}, ErrUnauthorized, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			url, requests := faulty(t, test.reply)
			token, err := testClient(t, testConfig(url+"/v3")).Authenticate(t.Context(), testConfig(url+"/v3"), Scope{ProjectID: "p1"})
			if token != nil && err != nil {
				t.Error("both a token and an error")
			}
			checkError(t, err, test.kind, test.want...)
			if requests.Load() != 1 {
				t.Errorf("%d attempts to log in", requests.Load())
			}
		})
	}
}

func checkError(t *testing.T, err, kind error, want ...string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("got %v, want kind %v", err, kind)
	}
	if kind != context.Canceled && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)) {
		t.Errorf("%v passes for the caller's own end", err)
	}
	for _, text := range want {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q lacks %q", err, text)
		}
	}
	if strings.ContainsAny(err.Error(), "\n\x1b") {
		t.Errorf("more than a line: %q", err)
	}
	hides(t, err)
	t.Log(err)
}

// TestRetry: what is safe to repeat is repeated once.
func TestRetry(t *testing.T) {
	t.Parallel()
	ok := reply{status: 200, body: freshToken()}
	for _, broken := range []reply{{reset: true}, {hangup: true}} {
		url, requests := faulty(t, broken, ok)
		if _, err := testClient(t, testConfig(url+"/v3")).Validate(t.Context(), canary); err != nil || requests.Load() != 2 {
			t.Errorf("got %v after %d requests", err, requests.Load())
		}
		url, requests = faulty(t, broken)
		_, err := testClient(t, testConfig(url+"/v3")).Validate(t.Context(), canary)
		checkError(t, err, ErrUnreachable)
		if requests.Load() > 4 { // net/http itself tries a kept connection again
			t.Errorf("%d requests", requests.Load())
		}
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		reply reply
		kind  error
	}{
		{"404", reply{status: 404, body: errorJSON(404, "Could not find token: "+canary)}, ErrNotFound},
		{"401", reply{status: 401, body: errorJSON(401, "The request you have made requires authentication.")}, ErrNotFound},
		{"403", reply{status: 403, body: errorJSON(403, "You are not authorized")}, ErrForbidden},
		{"500", reply{status: 500, body: errorJSON(500, "oops")}, ErrServer},
		{"404 of a proxy", reply{status: 404, body: "<html>not here</html>"}, ErrServer},
		{"401 of a proxy", reply{status: 401, body: "<html>"}, ErrServer},
		{"another token", reply{status: 200, header: map[string]string{"X-Subject-Token": "other"}, body: freshToken()}, ErrServer},
		{"truncated", reply{status: 200, body: freshToken()[:200]}, ErrServer},
		{"empty", reply{status: 200}, ErrServer},
		{"no content", reply{status: 204}, ErrServer},
		{"expired, no Date", reply{status: 200, header: map[string]string{"Date": ""}, body: tokenText(time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour))}, ErrClockSkew},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			url, _ := faulty(t, test.reply)
			_, err := testClient(t, testConfig(url+"/v3")).Validate(t.Context(), canary)
			checkError(t, err, test.kind)
		})
	}
	url, requests := faulty(t, reply{status: 500})
	client := testClient(t, testConfig(url+"/v3"))
	for _, odd := range []Secret{"", "a b", "a\r\nX-Evil: 1", "\x00", "é"} {
		_, err := client.Validate(t.Context(), odd)
		checkError(t, err, ErrNotFound)
	}
	if requests.Load() != 0 {
		t.Error("nonsense reached Keystone")
	}
}

// TestLists: of projects and application credentials, only whole answers count.
func TestLists(t *testing.T) {
	t.Parallel()
	token := &Token{ID: canary, User: User{ID: "u1", Name: "alice"}}
	const one = `{"id": "p1", "name": "blue", "domain_id": "d1", "enabled": true}`
	for name, body := range map[string]string{
		"endless":     `{"projects": [` + one + `], "links": {"next": "http://elsewhere/v3/auth/projects?page=1"}}`,
		"part":        `{"projects": [` + one + `], "truncated": true}`,
		"none":        `{}`,
		"truncated":   `{"projects": [` + one,
		"no id":       `{"projects": [{"name": "x", "domain_id": "d"}]}`,
		"odd address": `{"projects": [` + one + `], "links": {"next": "/etc"}}`,
	} {
		url, _ := faulty(t, reply{status: 200, body: body})
		projects, err := testClient(t, testConfig(url+"/v3")).Projects(t.Context(), token)
		if projects != nil {
			t.Errorf("%s: got %v", name, projects)
		}
		checkError(t, err, ErrServer)
	}
	url, _ := faulty(t, reply{status: 200, body: `{"projects": [` + one + `], "links": {"next": "http://elsewhere/identity/v3/auth/projects?marker=x"}}`}, reply{status: 200, body: `{"projects": [` + one + `]}`})
	if projects, err := testClient(t, testConfig(url+"/v3")).Projects(t.Context(), token); err != nil || len(projects) != 2 {
		t.Errorf("got %v, %v", projects, err)
	}
	for status, kind := range map[int]error{401: ErrUnauthorized, 403: ErrForbidden, 404: ErrNotFound, 409: ErrConflict, 400: ErrRejected, 201: ErrServer} {
		url, _ := faulty(t, reply{status: status, body: errorJSON(status, "because")})
		_, err := testClient(t, testConfig(url+"/v3")).CreateApplicationCredential(t.Context(), token, ApplicationCredentialRequest{Name: "x"})
		checkError(t, err, kind)
	}
}

// TestSlow: our limit is an error of its own, the caller's end stays the caller's.
func TestSlow(t *testing.T) {
	t.Parallel()
	url, _ := faulty(t, reply{forever: true})
	client := testClient(t, testConfig(url+"/v3"))
	client.limit = 50 * time.Millisecond
	_, err := client.Validate(t.Context(), canary)
	checkError(t, err, ErrUnreachable, "no complete answer within 50ms")
	client.limit = time.Minute
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := client.Validate(ctx, canary); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrUnreachable) {
		t.Errorf("got %v", err)
	}
}

// TestUnreachable: no connection, or none that can be trusted.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	mutual := httptest.NewUnstartedServer(http.NotFoundHandler())
	mutual.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	mutual.StartTLS()
	t.Cleanup(mutual.Close)
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, url, ca string
		insecure      bool
		kind          error
		want          string
	}{
		{"refused", "http://" + closed.Addr().String(), "", false, ErrUnreachable, "connection refused"},
		{"no such host", "http://no-such-host.invalid", "", false, ErrUnreachable, "no-such-host.invalid"},
		{"no TLS", strings.Replace(plain.URL, "http", "https", 1), "", false, ErrUnreachable, "write http:// in auth_url"},
		{"unknown authority", secure.URL, "", false, ErrCertificate, "OS_CACERT"},
		{"another name", strings.Replace(secure.URL, "127.0.0.1", "localhost", 1), ca, false, ErrCertificate, "a name that the certificate has"},
		{"client certificate", mutual.URL, "", true, ErrCertificate, "OS_CERT"},
		{"known authority", secure.URL, ca, false, ErrServer, "is no Keystone"},
		{"insecure", secure.URL, "", true, ErrServer, "is no Keystone"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := testConfig(test.url + "/v3")
			cfg.CACert, cfg.Insecure, cfg.Cloud = test.ca, test.insecure, "lab"
			_, err := testClient(t, cfg).Authenticate(t.Context(), cfg, Scope{})
			checkError(t, err, test.kind, test.want, "(cloud lab)")
		})
	}
	for field, cfg := range map[string]*Config{
		"cacert": {AuthURL: "https://k/v3", CACert: "/nonexistent/ca.pem", Origin: map[string]string{"cacert": "OS_CACERT"}},
		"cert":   {AuthURL: "https://k/v3", Cert: ca, Origin: map[string]string{"cert": "OS_CERT"}},
	} {
		_, err := NewClient(cfg, "test")
		checkError(t, err, ErrInvalidConfig, "OS_"+strings.ToUpper(field)+": "+field)
	}
}

// TestDiscovery of version 3, and what is none.
func TestDiscovery(t *testing.T) {
	t.Parallel()
	list := func(id, href string) string {
		return `{"versions": {"values": [{"id": "v2.0"}, {"id": "` + id + `", "links": [{"rel": "self", "href": "` + href + `"}]}]}}`
	}
	for _, test := range []struct {
		name, path, body string
		status           int
		want             string // path, or text of the error
		kind             error
	}{
		{"root", "", list("v3.14", "http://internal:5000/v3/"), 300, "/v3", nil},
		{"below a path", "/identity/", list("v3.14", "http://internal/identity/v3/"), 300, "/identity/v3", nil},
		{"proxy hides the path", "/identity", list("v3.14", "http://internal/v3/"), 200, "/v3", nil},
		{"odd link", "/identity", list("v3.14", "http://internal/evil"), 300, "/identity/v3", nil},
		{"no version 3", "", list("v4.0", ""), 300, "no version 3", ErrServer},
		{"another server", "", "<html>", 200, "is no Keystone", ErrServer},
		{"another API", "", `{"versions": []}`, 200, "is no Keystone", ErrServer},
		{"nothing there", "", "", 404, "is no Keystone", ErrServer},
	} {
		t.Run(test.name, func(t *testing.T) {
			url, requests := faulty(t, reply{status: test.status, body: test.body})
			client := testClient(t, testConfig(url+test.path))
			for range 2 {
				endpoint, err := client.discover(t.Context())
				if test.kind != nil {
					checkError(t, err, test.kind, test.want)
					return
				}
				if err != nil || endpoint.String() != url+test.want {
					t.Errorf("got %v, %v", endpoint, err)
				}
			}
			if requests.Load() != 1 {
				t.Errorf("asked %d times", requests.Load())
			}
		})
	}
}

// TestRequests: what is sent, and where secrets are in it.
func TestRequests(t *testing.T) {
	t.Parallel()
	var got *http.Request
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		w.Header().Set("X-Subject-Token", canary)
		io.WriteString(w, freshToken())
	}))
	t.Cleanup(server.Close)
	client := testClient(t, testConfig(server.URL+"/v3/"))
	token, err := client.Validate(t.Context(), canary)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"User-Agent": "ystack/test", "X-Auth-Token": canary, "X-Subject-Token": canary,
		"OpenStack-Identity-Access-Rules": "1.0", "Cache-Control": "no-store",
	} {
		if got.Header.Get(name) != want {
			t.Errorf("%s is %q", name, got.Header.Get(name))
		}
	}
	if got.URL.String() != "/v3/auth/tokens?nocatalog" {
		t.Errorf("asked for %s", got.URL)
	}
	if token.Project.ID != "p1" || token.Roles[0].Name != "member" || token.User.PasswordExpires.Year() != 2030 {
		t.Errorf("got %+v", token)
	}
	if client.Plaintext() || !testClient(t, testConfig("http://k/v3")).Plaintext() || testClient(t, testConfig("https://k/v3")).Plaintext() {
		t.Error("Plaintext is wrong")
	}
}

// FuzzTokenBody: what is taken for a token says who the user is, all of it, and has an
// identity or is refused one.
func FuzzTokenBody(f *testing.F) {
	f.Add([]byte(freshToken()))
	f.Add([]byte(`{"token": {"methods": ["token"], "user": {"id": "u", "name": "system:x", "domain": {"id": "default", "name": "Default"}}, "system": {"all": true}, "issued_at": "2020-01-01T00:00:00Z", "expires_at": "2020-01-01T00:00:00Z"}}`))
	f.Add([]byte(`{"token": {"user": {}, "project": {}, "domain": null}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		token, err := parseToken(canary, body)
		if err != nil {
			if token != nil {
				t.Error("both")
			}
			hides(t, err)
			return
		}
		if problem := token.incomplete(); problem != "" || token.User.ID == "" {
			t.Error(problem)
		}
		if _, err := json.Marshal(token); err != nil {
			t.Error(err)
		}
		hides(t, token)
		got, err := token.Identity(DefaultPrefix)
		if err != nil {
			if !errors.Is(err, ErrRefusedName) {
				t.Error(err)
			}
			return
		}
		if user, _, ok := ParseUsername(DefaultPrefix, got.Username); !ok || user != token.User.Name {
			t.Errorf("%q comes back as %q", got.Username, user)
		}
	})
}

// TestClientCertificate: of two files, and of one that holds both.
func TestClientCertificate(t *testing.T) {
	t.Parallel()
	var seen atomic.Int32
	mutual := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen.Add(int32(len(r.TLS.PeerCertificates)))
		io.WriteString(w, freshToken())
	}))
	mutual.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	mutual.StartTLS()
	t.Cleanup(mutual.Close)
	pair := mutual.TLS.Certificates[0] // as good as any
	secret, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]})
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
	dir := t.TempDir()
	for name, content := range map[string][]byte{"cert": certificate, "key": key, "both": append(certificate, key...)} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, files := range [][2]string{{"cert", "key"}, {"both", ""}} {
		env := openrc("OS_AUTH_URL", mutual.URL+"/v3", "OS_CACERT", filepath.Join(dir, "cert"), "OS_CERT", filepath.Join(dir, files[0]))
		if files[1] != "" {
			env["OS_KEY"] = filepath.Join(dir, files[1])
		}
		cfg, _, err := place{env: env}.load(t)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := testClient(t, cfg).Validate(t.Context(), canary); err != nil {
			t.Error(err)
		}
	}
	if seen.Load() != 2 {
		t.Errorf("%d certificates were shown", seen.Load())
	}
}
