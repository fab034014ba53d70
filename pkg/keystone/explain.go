package keystone

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"syscall"

	"github.com/ystackdev/ystack/pkg/oneline"
)

// peer is who did not answer, and the setting that says where it is.
type peer struct{ name, field string }

// explainTransport words a request that got no answer. Causes are kept as text only: a
// dial that timed out is no deadline of the caller's, but errors.Is would say so.
func (c *Client) explainTransport(ctx context.Context, err error, p peer, doing string) error {
	if e := explainCertificate(err, p); e != nil {
		return e
	}
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%s at %s: %w", doing, p.name, context.Cause(ctx))
	case errors.Is(err, errTruncated), errors.Is(err, errTooLarge):
		return &kindError{ErrServer, fmt.Sprintf("cannot %s: %s answered, but %v", doing, p.name, err)}
	}
	return &kindError{ErrUnreachable, fmt.Sprintf("cannot reach %s to %s: %s; check %s, the network and the proxy",
		p.name, doing, c.reason(err, p), p.field)}
}

// reason is the innermost text worth reading.
func (c *Client) reason(err error, p peer) string {
	var request *url.Error
	var op *net.OpError
	var dns *net.DNSError
	errors.As(err, &request)
	switch {
	case errors.Is(err, errNoAnswer):
		return fmt.Sprintf("no complete answer within %s", c.limit)
	case errors.As(err, &op) && op.Op == "proxyconnect":
		return "the proxy that HTTPS_PROXY or HTTP_PROXY names: " + c.reason(op.Err, p)
	case errors.As(err, &dns) && dns.IsNotFound:
		return "no host is called " + dns.Name
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ECONNRESET), broken(err):
		return "the connection was closed before an answer came"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed in the middle of the answer"
	case errors.As(err, &op) && op.Timeout() && op.Op == "dial", strings.Contains(err.Error(), "TLS handshake timeout"):
		return fmt.Sprintf("no answer within %s", connectLimit)
	case strings.Contains(err.Error(), "invalid proxy address"): // the text goes on with its password
		return "the proxy's address in HTTPS_PROXY or HTTP_PROXY is no URL"
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return "it speaks plain HTTP; write http:// in " + p.field
	case request != nil:
		return plain(request.Err.Error())
	}
	return plain(err.Error())
}

func explainCertificate(err error, p peer) error {
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var alert tls.AlertError
	var what string
	switch {
	case errors.As(err, &authority):
		what = "its certificate is signed by an authority that is not known here; name the authority's file with cacert (OS_CACERT)"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		what = plain(invalid.Error()) + "; have the certificate renewed, or set this machine's clock"
	case errors.As(err, &host):
		what = plain(host.Error()) + "; use in " + p.field + " a name that the certificate has"
	case errors.As(err, &invalid):
		what = plain(invalid.Error())
	case errors.As(err, &alert), strings.Contains(err.Error(), "remote error: tls: "):
		_, said, _ := strings.Cut(err.Error(), "remote error: tls: ")
		what = "it refuses our side of the TLS connection (" + plain(said) + "); it may want a client certificate: cert and key (OS_CERT, OS_KEY)"
	default:
		return nil
	}
	return &kindError{ErrCertificate, fmt.Sprintf("cannot trust the connection to %s: %s", p.name, what)}
}

// plain is text of another's on one line, without control characters and not too long.
func plain(text string) string { return oneline.Of(text, 300) }
