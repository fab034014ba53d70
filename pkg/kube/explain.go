package kube

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"syscall"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Explain turns an error of a call to this server into one sentence that says
// what is wrong and what to do, and that errors.Is with the sentinels of this
// package. What it does not know it returns as it is.
func (c *Client) Explain(err error) error {
	var known *Error
	var status apierrors.APIStatus
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case errors.As(err, &status):
		return c.explainStatus(err, status.Status())
	default:
		return c.explainTransport(err)
	}
}

// where names the cluster: the context as the user knows it, and the address.
func (c *Client) where() string {
	if c.Context == "" {
		return c.Server
	}
	return fmt.Sprintf("%s (context %q)", c.Server, c.Context)
}

func (c *Client) explainTransport(err error) error {
	if e := c.explainCertificate(err); e != nil {
		return e
	}
	if _, plugin, ok := strings.Cut(err.Error(), "getting credentials: "); ok {
		plugin, _, _ = strings.Cut(plugin, "\n") // a page of advice on installing plugins follows
		return &Error{ErrExecPlugin, fmt.Sprintf("the credential plugin of context %q failed: %s; "+
			"run it by hand, or log in again", c.Context, plugin), err}
	}
	if unreachable(err) {
		// The cause is kept as text only: a dial that timed out is no deadline
		// of the caller's, but errors.Is would say so.
		return &Error{ErrUnreachable, fmt.Sprintf("cannot reach the API server %s: %s; "+
			"check that the cluster is up and the network leads there, or choose another context with --context",
			c.where(), reason(err)), errors.New(reason(err))}
	}
	return err
}

// unreachable tells a network that fails from a caller that gave up.
func unreachable(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	if errors.As(err, &op) && op.Op == "dial" {
		return !errors.Is(err, context.Canceled)
	}
	if strings.Contains(err.Error(), "Client.Timeout") { // --request-timeout, not the caller's context
		return true
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) && !errors.As(err, &op) {
		return false
	}
	return errors.As(err, &op) || errors.As(err, &dns) || errors.Is(err, errNoAnswer) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) ||
		strings.Contains(err.Error(), "server gave HTTP response to HTTPS client") ||
		strings.Contains(err.Error(), "http2: client connection lost") ||
		strings.Contains(err.Error(), "TLS handshake timeout") ||
		strings.Contains(err.Error(), "proxyconnect")
}

// reason is the innermost text worth reading: without the URL of the request,
// which says nothing to the user and can be long.
func reason(err error) string {
	var request *url.Error
	var op *net.OpError
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.As(err, &op) && op.Timeout() && op.Op == "dial":
		return fmt.Sprintf("no answer within %s", dialTimeout)
	case errors.As(err, &request):
		return request.Err.Error()
	default:
		return err.Error()
	}
}

func (c *Client) explainCertificate(err error) error {
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var what string
	switch {
	case errors.As(err, &authority):
		what = "its certificate is signed by an authority that the kubeconfig does not name; " +
			"get a current kubeconfig (certificate-authority-data)"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		what = invalid.Error() + "; renew the server's certificate, or set this machine's clock"
	case errors.As(err, &host):
		what = host.Error() + "; use a name that the certificate has, or set tls-server-name in the kubeconfig"
	case errors.As(err, &invalid):
		what = invalid.Error()
	case strings.Contains(err.Error(), "remote error: tls: "):
		_, alert, _ := strings.Cut(err.Error(), "remote error: tls: ")
		what = "it refuses the client certificate (" + alert + "); get a current kubeconfig"
	default:
		return nil
	}
	return &Error{ErrCertificate, fmt.Sprintf("cannot trust the connection to the API server %s: %s", c.where(), what), err}
}
