package image

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// explain turns whatever the registry library returned into an *Error. It
// builds the text itself: the library's own carries URLs, and those carry tokens.
func explain(ctx context.Context, ref name.Reference, err error) error {
	host := shownHost(ref.Context().RegistryStr())
	// The caller gave up: that is his error, not the registry's.
	if cause := context.Cause(ctx); errors.Is(cause, context.Canceled) {
		return fmt.Errorf("asking %s: %w", host, cause)
	}
	e := &Error{Host: host, Ref: shownRef(ref), Kind: ErrUnreachable}
	var answer *transport.Error
	switch {
	case errors.As(err, &answer):
		e.fromAnswer(answer)
	case strings.Contains(err.Error(), "no child with platform"):
		e.Kind, e.Detail = ErrNotFound, "the index has no image for this machine's platform"
	default:
		e.fromFailure(err)
	}
	return e
}

// fromAnswer reads an HTTP status and the registry's error codes.
func (e *Error) fromAnswer(answer *transport.Error) {
	e.Detail = answerText(answer)
	onManifest := answer.Request != nil && strings.Contains(answer.Request.URL.Path, "/manifests/")
	switch status := answer.StatusCode; {
	case status == http.StatusNotFound && isPing(answer.Request):
		e.Remedy = "is this host an OCI registry?"
	case status == http.StatusNotFound:
		e.Kind = ErrNotFound
	case refused(status) && e.Host == "docker.io" && onManifest:
		// Docker Hub does not tell strangers which private repositories exist.
		e.Kind, e.Detail = ErrNotFound, "or private"
	case refused(status):
		e.Kind, e.Remedy = ErrUnauthorized, "log in with: docker login "+e.Host
	case status == http.StatusTooManyRequests:
		e.Detail, e.Remedy = "rate limit reached: "+e.Detail, "log in with: docker login "+e.Host+", or try later"
	default:
		e.Remedy = "try again later, or ask who runs " + e.Host
	}
}

func refused(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden
}

// isPing tells the first question to any registry, "are you one?".
func isPing(req *http.Request) bool {
	return req != nil && strings.TrimSuffix(req.URL.Path, "/") == "/v2"
}

// fromFailure reads a network, TLS or decoding error.
func (e *Error) fromFailure(err error) {
	e.Remedy = "check that " + e.Host + " is up and that this machine reaches it"
	var plain *plainHTTPError
	switch {
	case isCertificate(err):
		e.Detail = "certificate not accepted: " + innermost(err)
		e.Remedy = "add its CA to this machine, or list " + e.Host + " under spec.registries.insecure of the site"
	case errors.As(err, &plain), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		e.Detail = "it speaks plain HTTP"
		e.Remedy = "list " + e.Host + " under spec.registries.insecure of the site if that is meant"
	case isTimeout(err):
		e.Detail = "no answer in time"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		e.Detail = "connection or answer cut short"
	default:
		e.Detail = innermost(err)
	}
}

// isCertificate covers the ways in which a server's certificate is refused.
func isCertificate(err error) bool {
	var verify *tls.CertificateVerificationError
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	return errors.As(err, &verify) || errors.As(err, &unknown) || errors.As(err, &host)
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// isNetwork tells failures to get an answer from answers that make no sense.
func isNetwork(err error) bool {
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, context.Canceled)
}

// isTransient says which failures are worth a second request. A timeout is
// not: three of them in a row would keep the user waiting for half a minute.
func isTransient(err error) bool {
	if isTimeout(err) || isCertificate(err) || errors.Is(err, context.Canceled) {
		return false
	}
	var network net.Error
	var answer *transport.Error
	if errors.As(err, &answer) {
		return answer.Temporary() && answer.StatusCode != http.StatusTooManyRequests
	}
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// innermost is the text of the error under any URL errors.
func innermost(err error) string {
	var request *url.Error
	for errors.As(err, &request) {
		err = request.Err
	}
	return Scrub(err.Error())
}

// answerText is what the registry said: status, codes and messages.
func answerText(answer *transport.Error) string {
	text := fmt.Sprintf("HTTP %d", answer.StatusCode)
	if len(answer.Errors) > 0 {
		first := answer.Errors[0]
		text += " " + Scrub(string(first.Code)+": "+first.Message)
	}
	return text
}

// secrets matches what must not be shown of a URL or header that an error
// quotes: user information, query, and credentials after their scheme.
var secrets = regexp.MustCompile(`(?i)(https?://)[^/\s"'@]*@|\?[^\s"'=]+=[^\s"']*|((?:bearer|basic)\s+)[^\s"',]+`)

// textLimit is how much of a foreign text an error message shows.
const textLimit = 400

// Scrub makes foreign text fit for one line of an error message: no line
// breaks, no credentials that a URL or header quoted in it carries, not too
// long. What is too long loses its middle: the cause stands at the end.
func Scrub(text string) string {
	text = secrets.ReplaceAllString(text, "$1$2")
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > textLimit {
		text = strings.ToValidUTF8(text[:textLimit/4]+" … "+text[len(text)-textLimit*3/4:], "")
	}
	return strings.TrimRight(text, ": ")
}
