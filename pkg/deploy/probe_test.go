package deploy

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// at is the port of a listener on loopback.
func at(t *testing.T, address string) int32 {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.ParseInt(port, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return int32(n)
}

func TestProbeAsk(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/broken", http.StatusFound)
		case "/broken":
			http.Error(w, "the database\nis away", http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	port := at(t, server.Listener.Addr().String())
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	unused := at(t, closed.Addr().String())
	closed.Close()
	for name, c := range map[string]struct {
		probe   Probe
		failure string
	}{
		"http":         {Probe{Port: port, Path: "/"}, ""},
		"a redirect":   {Probe{Port: port, Path: "/moved"}, ""},
		"not well":     {Probe{Port: port, Path: "/broken"}, "/broken: it answers 503, the database is away"},
		"tcp":          {Probe{Port: port}, ""},
		"tcp refused":  {Probe{Port: unused}, "tcp://127.0.0.1:" + strconv.Itoa(int(unused)) + ": connection refused"},
		"http refused": {Probe{Port: unused, Path: "/"}, "/: connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.probe.Ask(t.Context(), "127.0.0.1")
			if (err == nil) != (c.failure == "") || err != nil && !strings.HasSuffix(err.Error(), c.failure) {
				t.Errorf("%v; want %q", err, c.failure)
			}
		})
	}
}

// TestProbeWait: the address becomes well after a while, or never.
// TestProbeNowhere: without an address it is not this machine that is asked.
func TestProbeNowhere(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	if err := (Probe{Port: at(t, server.Listener.Addr().String())}).Ask(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "no address") {
		t.Errorf("asked nobody, and heard %v", err)
	}
}

func TestProbeWait(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) < 3 {
			w.WriteHeader(http.StatusBadGateway)
		}
	}))
	defer server.Close()
	p := Probe{Port: at(t, server.Listener.Addr().String()), Path: "/", Poll: time.Millisecond}
	var causes []string
	if err := p.Wait(t.Context(), "127.0.0.1", func(cause string) { causes = append(causes, cause) }); err != nil {
		t.Error(err)
	}
	if len(causes) != 1 || !strings.Contains(causes[0], "502") {
		t.Errorf("told %q", causes)
	}
	server.Close()
	p.Limit = 10 * time.Millisecond
	err := p.Wait(t.Context(), "127.0.0.1", nil)
	if err == nil || !strings.Contains(err.Error(), "not well within 10ms: http://127.0.0.1") || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("%v", err)
	}
	mine := errors.New("interrupted")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(mine)
	p.Limit = time.Hour
	if err := p.Wait(ctx, "127.0.0.1", nil); !errors.Is(err, mine) {
		t.Errorf("%v", err)
	}
}
