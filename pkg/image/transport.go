package image

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// IsInsecure tells whether a registry host (HOST or HOST:PORT) may be spoken to
// without TLS: loopback, and what insecure lists by HOST or HOST:PORT.
func IsInsecure(host string, insecure []string) bool {
	bare := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		bare = h
	}
	bare = strings.Trim(bare, "[]")
	if bare == "localhost" || strings.HasSuffix(bare, ".localhost") {
		return true
	}
	if ip := net.ParseIP(bare); ip != nil && ip.IsLoopback() {
		return true
	}
	return slices.Contains(insecure, host) || slices.Contains(insecure, bare)
}

// newTransport puts the rule about plain HTTP in front of base, or of two
// transports of our own: one that checks certificates and one that does not.
func newTransport(base http.RoundTripper, insecure []string, patience time.Duration) http.RoundTripper {
	if base != nil {
		return &guard{verified: base, unverified: base, insecure: insecure}
	}
	unverified := dialer(patience)
	unverified.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // only for hosts that the site lists
	return &guard{verified: dialer(patience), unverified: unverified, insecure: insecure}
}

// dialer has limits short enough that a dead registry is an error soon, for
// everything but the body: layers may take as long as they take.
func dialer(patience time.Duration) *http.Transport {
	if patience == 0 {
		patience = 8 * time.Second
	}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:   5 * time.Second,
		ResponseHeaderTimeout: patience,
		IdleConnTimeout:       30 * time.Second,
		MaxIdleConnsPerHost:   8,
		ForceAttemptHTTP2:     true,
	}
}

// guard refuses plain HTTP to hosts that nobody called insecure. The library
// below falls back to it for all private addresses, credentials and all.
type guard struct {
	verified, unverified http.RoundTripper
	insecure             []string
}

func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	if IsInsecure(req.URL.Host, g.insecure) {
		return g.unverified.RoundTrip(req)
	}
	if req.URL.Scheme != "https" {
		return nil, &plainHTTPError{host: req.URL.Host}
	}
	return g.verified.RoundTrip(req)
}

type plainHTTPError struct{ host string }

func (e *plainHTTPError) Error() string {
	return fmt.Sprintf("%s is offered over plain HTTP only", e.host)
}
