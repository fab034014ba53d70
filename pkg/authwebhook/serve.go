package authwebhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// ServeOptions say how an [Authenticator] is reached.
type ServeOptions struct {
	// Listen is an address; ignored when Listener is set.
	Listen   string
	Listener net.Listener

	CertFile, KeyFile string
	// ClientCAFile holds the authorities of certificates that whoever asks for a review must
	// show; empty lets everybody ask who can connect. Probes need none.
	ClientCAFile string

	// Grace is how long answers may take after the end was asked for.
	Grace time.Duration
}

// Serve answers until the context ends, and then finishes what it has begun. It closes
// the Authenticator.
func Serve(ctx context.Context, a *Authenticator, o ServeOptions) error {
	defer a.Close()
	config, clients, err := tlsConfig(a, o)
	if err != nil {
		return err
	}
	listener := o.Listener
	if listener == nil {
		if listener, err = net.Listen("tcp", o.Listen); err != nil {
			return fmt.Errorf("cannot listen: %w", err)
		}
	}
	server := &http.Server{
		Handler:           requireClient(a.Handler(), clients),
		TLSConfig:         config,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      2*a.opts.Timeout + 10*time.Second,
		IdleTimeout:       5 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(a.log.Handler(), slog.LevelWarn),
	}
	defer a.follow(ctx)()
	done := make(chan error, 1)
	go func() { done <- server.ServeTLS(listener, "", "") }()
	a.log.Info("listening", "address", listener.Addr().String())
	select {
	case err := <-done:
		return fmt.Errorf("the server ended: %w", err)
	case <-ctx.Done():
	}
	return drain(a, server, done, o.Grace)
}

// follow learns of namespaces until end is called.
func (a *Authenticator) follow(ctx context.Context) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	var following sync.WaitGroup
	if n := a.opts.Namespaces; n != nil {
		following.Go(func() { n.Follow(ctx) })
	}
	return func() {
		cancel()
		following.Wait()
	}
}

func drain(a *Authenticator, server *http.Server, done <-chan error, grace time.Duration) error {
	a.log.Info("finishing the reviews under way", "grace", grace.String(), "reviews", a.metrics.inFlight.Load())
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		a.log.Warn("some reviews were not finished in time", "reviews", a.metrics.inFlight.Load())
		err = server.Close()
	}
	<-done
	a.log.Info("ended")
	return err
}

func tlsConfig(a *Authenticator, o ServeOptions) (*tls.Config, *fromFiles[*x509.CertPool], error) {
	pair, err := newFromFiles(a.log, func() (*tls.Certificate, error) {
		pair, err := loadPair(o.CertFile, o.KeyFile)
		if err == nil {
			a.noteExpiry(pair.Leaf)
		}
		return pair, err
	}, o.CertFile, o.KeyFile)
	if err != nil {
		return nil, nil, err
	}
	config := &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return pair.get(), nil },
	}
	if o.ClientCAFile == "" {
		return config, nil, nil
	}
	pool, err := newFromFiles(a.log, func() (*x509.CertPool, error) { return loadPool(o.ClientCAFile) }, o.ClientCAFile)
	if err != nil {
		return nil, nil, err
	}
	// Verified below rather than here, so that probes pass without a certificate and the
	// authorities can change.
	config.ClientAuth = tls.RequestClientCert
	return config, pool, nil
}

// noteExpiry tells of a certificate that will have to be replaced soon.
func (a *Authenticator) noteExpiry(leaf *x509.Certificate) {
	a.metrics.certExpiry.Store(leaf.NotAfter.Unix())
	if left := time.Until(leaf.NotAfter); left < 14*24*time.Hour {
		a.log.Warn("the serving certificate expires soon", "expires", leaf.NotAfter)
	}
}

// requireClient lets only those ask for reviews who show a certificate of the authorities.
func requireClient(next http.Handler, authorities *fromFiles[*x509.CertPool]) http.Handler {
	if authorities == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == PathReview || r.URL.Path == PathAccess {
			if err := verifyClient(r.TLS, authorities.get()); err != nil {
				fail(resultInvalid, http.StatusUnauthorized, err.Error()).write(w)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

func verifyClient(state *tls.ConnectionState, roots *x509.CertPool) error {
	if state == nil || len(state.PeerCertificates) == 0 {
		return errors.New("a client certificate is required (--client-ca-file)")
	}
	chain := x509.NewCertPool()
	for _, c := range state.PeerCertificates[1:] {
		chain.AddCert(c)
	}
	_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: chain, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return fmt.Errorf("the client certificate is not accepted: %w", err)
	}
	return nil
}
