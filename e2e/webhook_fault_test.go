//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// faultyKeystone is the lab's, behind a network that breaks on demand.
type faultyKeystone struct {
	*countedKeystone
	network *toxiproxy.Proxy
}

func newFaultyKeystone(t *testing.T) faultyKeystone {
	t.Helper()
	k := newCountedKeystone(t)
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	network := toxiproxy.NewProxy(server, "keystone", "127.0.0.1:0", strings.TrimPrefix(k.URL, "http://"))
	if err := network.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(network.Stop)
	return faultyKeystone{k, network}
}

func (k faultyKeystone) toxic(t *testing.T, kind, attributes string) {
	t.Helper()
	if _, err := k.network.Toxics.AddToxicJson(strings.NewReader(fmt.Sprintf(`{"type":%q,"attributes":%s}`, kind, attributes))); err != nil {
		t.Fatal(err)
	}
}

// TestWebhookFaults: whatever happens between the webhook and Keystone, it says neither
// yes nor no to a token that it does not know, knows those that it has seen, and
// recovers by itself. It is one process all the while.
func TestWebhookFaults(t *testing.T) {
	needLab(t)
	k := newFaultyKeystone(t)
	w := startWebhook(t, "http://"+k.network.Listen, "--keystone-timeout=2s", "--recheck=8s", "--log-level=debug")
	faults := []struct {
		name        string
		begin, over func()
	}{
		{"reset", func() { k.toxic(t, "reset_peer", `{"timeout":0}`) }, nil},
		{"stall", func() { k.toxic(t, "timeout", `{"timeout":0}`) }, nil},
		{"cut in the head", func() { k.toxic(t, "limit_data", `{"bytes":40}`) }, nil},
		{"cut in the body", func() { k.toxic(t, "limit_data", `{"bytes":700}`) }, nil},
		{"500", func() { k.broken.Store(true) }, func() { k.broken.Store(false) }},
		{"down", k.network.Stop, func() {
			if err := k.network.Start(); err != nil {
				t.Fatal(err)
			}
		}},
	}
	tokens := labTokens(t, 2*len(faults))
	for i, fault := range faults {
		t.Run(fault.name, func(t *testing.T) {
			known, unknown := tokens[2*i], tokens[2*i+1]
			mustAccept(t, w, known)
			fault.begin()
			if user, err := w.review(unknown); err == nil || user != "" {
				t.Errorf("an unknown token: %q, %v", user, err)
			}
			if user, err := w.review(known); err != nil || user != "keystone:alice" {
				t.Errorf("a known token: %q, %v", user, err)
			}
			if fault.name == "down" { // the rest is the same for all, and takes its time
				eventually(t, func() error { return w.ready(http.StatusServiceUnavailable) })
				eventually(t, func() error { // its last word is too old by now
					user, err := w.review(known)
					if err == nil && user == "" {
						t.Error("a good token was refused")
					}
					if err == nil {
						return errors.New("it goes on for ever")
					}
					return nil
				})
			}
			k.network.Toxics.ResetToxics(t.Context())
			if fault.over != nil {
				fault.over()
			}
			mustAccept(t, w, unknown)
			mustAccept(t, w, known)
			eventually(t, func() error { return w.ready(http.StatusOK) })
		})
	}
	for _, token := range tokens {
		if strings.Contains(w.logs(), token[20:]) {
			t.Fatal("a token is in the log")
		}
	}
	if n := strings.Count(w.logs(), "Keystone answers again"); n < len(faults) {
		t.Errorf("it says %d times that Keystone answers again:\n%s", n, w.logs())
	}
}

// mustAccept: connections that broke may have to be noticed first.
func mustAccept(t *testing.T, w *webhook, token string) {
	t.Helper()
	eventually(t, func() error {
		user, err := w.review(token)
		if err == nil && user != "keystone:alice" {
			t.Fatalf("alice is %q\n%s", user, w.logs())
		}
		return err
	})
}

func (w *webhook) ready(code int) error {
	res, err := w.client.Get(strings.TrimSuffix(w.url, "/webhook") + "/readyz")
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	if res.StatusCode != code {
		return fmt.Errorf("/readyz: %s, want %d: %s", res.Status, code, body)
	}
	return nil
}

// TestWebhookDrain: SIGTERM under load fails no review; those that come too late meet a
// closed door, which an API server tries again.
func TestWebhookDrain(t *testing.T) {
	needLab(t)
	w := startWebhook(t, labKeystone)
	tokens := labTokens(t, 20)
	var mu sync.Mutex
	var answers, late int
	var group sync.WaitGroup
	for i := range 32 {
		group.Go(func() {
			for {
				user, err := w.review(tokens[i%len(tokens)])
				mu.Lock()
				switch {
				case errors.Is(err, syscall.ECONNREFUSED):
					late++
				case err != nil || user != "keystone:alice":
					t.Errorf("%q, %v", user, err)
				default:
					answers++
				}
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	time.Sleep(time.Second) // of load
	if err := w.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	group.Wait()
	if err := w.cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, w.logs())
	}
	if answers == 0 || late != 32 {
		t.Errorf("%d answers, %d came late", answers, late)
	}
	t.Logf("%d answers, none failed", answers)
}
