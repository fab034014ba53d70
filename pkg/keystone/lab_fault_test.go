package keystone

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// toxic is what a network does to what Keystone sends, or with upstream, to what we do.
type toxic struct{ kind, stream, attributes string }

// network is a way to the lab's Keystone, always at one address. It gets its toxics
// before it starts: to take them from open connections can lock toxiproxy up.
func network(t *testing.T, listen, keystone string, toxics ...toxic) *toxiproxy.Proxy {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	proxy := toxiproxy.NewProxy(server, "keystone", listen, keystone)
	for _, x := range toxics {
		text := fmt.Sprintf(`{"type": %q, "stream": %q, "attributes": %s}`, x.kind, x.stream, x.attributes)
		if _, err := proxy.Toxics.AddToxicJson(strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	return proxy
}

// TestLabNetwork: whatever the network does, the answer is the right one or an error of
// the right kind, and the same client goes on when the network is well again.
func TestLabNetwork(t *testing.T) {
	cfg := labConfig(t, "lab-alice")
	to, err := url.Parse(cfg.AuthURL)
	if err != nil {
		t.Fatal(err)
	}
	healthy := network(t, "127.0.0.1:0", to.Host)
	address := healthy.Listen
	t.Cleanup(func() { healthy.Stop() })
	cfg.AuthURL = "http://" + address + "/v3"
	client := testClient(t, cfg)
	session := NewSession(client, cfg)
	good, err := client.Authenticate(t.Context(), cfg, cfg.Scope)
	if err != nil {
		t.Fatal(err)
	}
	const down, up = "downstream", "upstream"
	tests := []struct {
		name   string
		toxics []toxic
		kind   error // nil where the answer comes through
		want   string
	}{
		{"reset", []toxic{{"reset_peer", down, `{"timeout": 0}`}}, ErrUnreachable, "closed before an answer came"},
		// Keystone hangs up after its answer, so that a stall is seen on the way there only.
		{"stall", []toxic{{"timeout", up, `{"timeout": 0}`}}, ErrUnreachable, "no complete answer within"},
		{"closed without an answer", []toxic{{"timeout", down, `{"timeout": 20}`}}, ErrUnreachable, "closed before an answer came"},
		{"too late", []toxic{{"latency", down, `{"latency": 60000}`}}, ErrUnreachable, "no complete answer within"},
		{"late", []toxic{{"latency", down, `{"latency": 50, "jitter": 20}`}}, nil, ""},
		{"in slices", []toxic{{"slicer", down, `{"average_size": 64, "size_variation": 32, "delay": 10}`}}, nil, ""},
		{"cut in the head", []toxic{{"limit_data", down, `{"bytes": 40}`}}, ErrUnreachable, "in the middle of the answer"},
		{"cut in the body", []toxic{{"limit_data", down, `{"bytes": 700}`}}, ErrServer, "ends too early"},
		{"slices, cut in the body", []toxic{{"slicer", down, `{"average_size": 64, "size_variation": 32, "delay": 10}`}, {"limit_data", down, `{"bytes": 700}`}}, ErrServer, "ends too early"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			healthy.Stop()
			client.Close()
			ill := network(t, address, to.Host, test.toxics...)
			client.limit = answerLimit
			if strings.Contains(test.want, "within") {
				client.limit = 100 * time.Millisecond
			}
			for what, call := range map[string]func() (*Token, error){
				"log in":   func() (*Token, error) { return client.Authenticate(t.Context(), cfg, cfg.Scope) },
				"validate": func() (*Token, error) { return client.Validate(t.Context(), good.ID) },
				"renew":    func() (*Token, error) { a, err := session.renew(t.Context(), session.latest()); return a.token, err },
			} {
				token, err := call()
				switch {
				case test.kind == nil && err != nil:
					t.Errorf("%s: %v", what, err)
				case test.kind != nil && token != nil:
					t.Errorf("%s: a token of %s", what, token.User.Name)
				case test.kind != nil:
					checkError(t, err, test.kind, test.want)
				case token.User.ID != good.User.ID || token.Project.ID != good.Project.ID:
					t.Errorf("%s: got %+v", what, token)
				}
			}
			client.limit = answerLimit
			ill.Stop()
			healthy = network(t, address, to.Host)
			recovers(t, client, session, cfg, good)
		})
	}
	t.Run("nobody listens", func(t *testing.T) {
		healthy.Stop()
		_, err := client.Validate(t.Context(), good.ID)
		checkError(t, err, ErrUnreachable, "connection refused")
		healthy = network(t, address, to.Host)
		recovers(t, client, session, cfg, good)
	})
}

// recovers: the same client and session do what they did before.
func recovers(t *testing.T, client *Client, session *Session, cfg *Config, good *Token) {
	t.Helper()
	if token, err := client.Validate(t.Context(), good.ID); err != nil || token.User.ID != good.User.ID {
		t.Errorf("validate: no recovery: %v", err)
	}
	if _, err := client.Authenticate(t.Context(), cfg, cfg.Scope); err != nil {
		t.Errorf("log in: no recovery: %v", err)
	}
	if _, err := session.Token(t.Context()); err != nil {
		t.Errorf("session: no recovery: %v", err)
	}
}

// TestLabServerErrors: a Keystone, or a proxy before it, that fails for a while.
func TestLabServerErrors(t *testing.T) {
	cfg := labConfig(t, "lab-alice")
	to, err := url.Parse(strings.TrimSuffix(cfg.AuthURL, "/v3"))
	if err != nil {
		t.Fatal(err)
	}
	var status atomic.Int32
	proxy := httputil.NewSingleHostReverseProxy(to)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if code := int(status.Load()); code != 0 {
			w.WriteHeader(code)
			fmt.Fprintf(w, "<html>%d %s</html>", code, r.Header.Get("X-Auth-Token"))
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	cfg.AuthURL = server.URL // without a version, so that discovery fails too
	client := testClient(t, cfg)
	session := NewSession(client, cfg)
	for _, code := range []int32{500, 502, 503, 504} {
		status.Store(code)
		_, err := client.Authenticate(t.Context(), cfg, cfg.Scope)
		checkError(t, err, ErrServer, fmt.Sprint("HTTP ", code), "try again")
		_, err = session.Token(t.Context())
		checkError(t, err, ErrServer)
	}
	status.Store(0)
	_, good := login(t, labConfig(t, "lab-alice"))
	recovers(t, client, session, cfg, good)
	status.Store(503) // the version is known by now
	_, err = client.Validate(t.Context(), good.ID)
	checkError(t, err, ErrServer, "HTTP 503")
	if err := client.Revoke(t.Context(), good.ID); err == nil {
		t.Error("calls a token revoked that is not")
	}
	status.Store(0)
	recovers(t, client, session, cfg, good)
}
