package authwebhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// pair writes an authority and a certificate of its into dir, and returns the authority.
func pair(t *testing.T, dir string) []byte {
	t.Helper()
	files, err := generateCerts("localhost", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(dir, f.Name), f.Data, f.Mode); err != nil {
			t.Fatal(err)
		}
	}
	return files[0].Data
}

// served is a webhook on a port of its own.
type served struct {
	url, dir string
	stop     func() error
	log      *lockedBuffer
}

func serve(t *testing.T, f *fakeKeystone, dir string, change func(*ServeOptions)) served {
	t.Helper()
	log := &lockedBuffer{}
	a, _ := start(t, f, func(o *Options) { o.Log = slog.New(slog.NewJSONHandler(log, nil)) })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := ServeOptions{Listener: l, CertFile: filepath.Join(dir, "tls.crt"), KeyFile: filepath.Join(dir, "tls.key"), Grace: 5 * time.Second}
	if change != nil {
		change(&o)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, a, o) }()
	stopped := false
	stop := func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-done
	}
	t.Cleanup(func() { _ = stop() })
	return served{"https://" + l.Addr().String(), dir, stop, log}
}

func client(ca []byte, change func(*tls.Config)) *http.Client {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	config := &tls.Config{RootCAs: pool}
	if change != nil {
		change(config)
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}, Timeout: 10 * time.Second}
}

func ask(c *http.Client, url, token string) (reviewStatus, int, error) {
	res, err := c.Post(url+PathReview, "application/json", strings.NewReader(reviewOf("v1", token)))
	if err != nil {
		return reviewStatus{}, 0, err
	}
	defer res.Body.Close()
	var r tokenReviewAnswer
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode == http.StatusOK {
		err = json.Unmarshal(body, &r)
	}
	return r.Status, res.StatusCode, err
}

func TestServe(t *testing.T) {
	f, dir := newFake(t), t.TempDir()
	ca := pair(t, dir)
	s := serve(t, f, dir, nil)
	if status, code, err := ask(client(ca, nil), s.url, f.issue("alice")); err != nil || code != 200 || !status.Authenticated {
		t.Errorf("%+v, %d, %v", status, code, err)
	}
	if _, _, err := ask(client(ca, func(c *tls.Config) { c.MaxVersion = tls.VersionTLS11; c.MinVersion = tls.VersionTLS10 }), s.url, "x"); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
}

func TestCertificateReload(t *testing.T) {
	f, dir := newFake(t), t.TempDir()
	old := pair(t, dir)
	s := serve(t, f, dir, nil)
	token := f.issue("alice")
	works := func(ca []byte) bool {
		_, code, err := ask(client(ca, nil), s.url, token)
		return err == nil && code == 200
	}
	if !works(old) {
		t.Fatal("not at first")
	}
	// Half written: the old pair stays.
	if err := os.WriteFile(filepath.Join(dir, "tls.crt"), []byte("-----BEGIN"), 0o600); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1100 * time.Millisecond)
	if !works(old) {
		t.Error("a broken certificate is served")
	}
	fresh := pair(t, dir)
	eventually(t, func() bool { return works(fresh) })
	if works(old) {
		t.Error("the old certificate is still served")
	}
	if n := strings.Count(s.log.String(), "the old ones stay"); n != 1 {
		t.Errorf("said %d times: %s", n, s.log)
	}
}

func TestClientCertificates(t *testing.T) {
	f, dir, other := newFake(t), t.TempDir(), t.TempDir()
	ca := pair(t, dir)
	clients, key, err := clientPair(t, other)
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, f, dir, func(o *ServeOptions) { o.ClientCAFile = clients })
	token := f.issue("alice")
	with := func(c *tls.Config) { c.Certificates = []tls.Certificate{key} }
	if st, code, err := ask(client(ca, with), s.url, token); err != nil || code != 200 || !st.Authenticated {
		t.Errorf("with: %d, %v", code, err)
	}
	if _, code, err := ask(client(ca, nil), s.url, token); err != nil || code != 401 {
		t.Errorf("without: %d, %v", code, err)
	}
	stranger, err := tls.LoadX509KeyPair(filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"))
	if err != nil {
		t.Fatal(err)
	}
	if _, code, err := ask(client(ca, func(c *tls.Config) { c.Certificates = []tls.Certificate{stranger} }), s.url, token); err != nil || code != 401 {
		t.Errorf("stranger: %d, %v", code, err)
	}
	res, err := client(ca, nil).Get(s.url + PathHealthz)
	if err != nil || res.StatusCode != 200 {
		t.Errorf("probe: %v", err)
	}
	res.Body.Close()
}

// clientPair makes an authority's file and a client's certificate of it.
func clientPair(t *testing.T, dir string) (authority string, key tls.Certificate, err error) {
	t.Helper()
	ca := &x509.Certificate{NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	caKey, files, err := issue("clients", ca, nil, nil)
	if err != nil {
		return "", key, err
	}
	leaf := &x509.Certificate{NotBefore: ca.NotBefore, NotAfter: ca.NotAfter, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	_, more, err := issue("apiserver", leaf, ca, caKey)
	if err != nil {
		return "", key, err
	}
	authority = filepath.Join(dir, "clients.crt")
	key, err = tls.X509KeyPair(more[0].Data, more[1].Data)
	return authority, key, errors.Join(err, os.WriteFile(authority, files[0].Data, 0o600))
}

// What is under way when the end comes is finished; after the grace nothing is.
func TestDrain(t *testing.T) {
	for name, tc := range map[string]struct {
		grace time.Duration
		ok    bool
	}{"in time": {time.Minute, true}, "too slow": {50 * time.Millisecond, false}} {
		t.Run(name, func(t *testing.T) {
			f, dir := newFake(t), t.TempDir()
			ca := pair(t, dir)
			s := serve(t, f, dir, func(o *ServeOptions) { o.Grace = tc.grace })
			release := f.hold()
			defer release()
			token, answered, stopped := f.issue("alice"), make(chan bool, 1), make(chan error, 1)
			go func() {
				st, _, err := ask(client(ca, nil), s.url, token)
				answered <- err == nil && st.Authenticated
			}()
			eventually(t, func() bool { return f.inFlight.Load() == 1 })
			go func() { stopped <- s.stop() }()
			eventually(t, func() bool { // it has closed its door
				_, _, err := ask(client(ca, nil), s.url, "x")
				return err != nil
			})
			if tc.ok {
				release()
			}
			if ok := <-answered; ok != tc.ok {
				t.Errorf("answered: %v", ok)
			}
			if err := <-stopped; err != nil {
				t.Error(err)
			}
		})
	}
}

func TestServeErrors(t *testing.T) {
	dir := t.TempDir()
	pair(t, dir)
	in := func(name string) string { return filepath.Join(dir, name) }
	for want, o := range map[string]ServeOptions{
		"cannot use the serving certificate":                 {CertFile: in("none"), KeyFile: in("tls.key")},
		"with the key " + in("ca.key"):                       {CertFile: in("tls.crt"), KeyFile: in("ca.key")},
		"client authorities: " + in("tls.key") + " holds no": {CertFile: in("tls.crt"), KeyFile: in("tls.key"), ClientCAFile: in("tls.key")},
		"cannot listen": {CertFile: in("tls.crt"), KeyFile: in("tls.key"), Listen: "127.0.0.1:-1"},
	} {
		a, _ := start(t, newFake(t), nil)
		if err := Serve(t.Context(), a, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
