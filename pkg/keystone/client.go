package keystone

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	// connectLimit bounds what an address that swallows packets costs.
	connectLimit = 5 * time.Second
	// answerLimit bounds a whole answer of Keystone's, its body included.
	answerLimit = 30 * time.Second

	// bodyLimit is far above any answer about one token, its catalogue included;
	// listLimit above any page of a list.
	bodyLimit = 1 << 20
	listLimit = 16 << 20
)

// Client speaks to one Keystone. It may be used by several goroutines.
type Client struct {
	http      *http.Client
	base      *url.URL // as configured
	userAgent string
	cloud     string
	limit     time.Duration
	now       func() time.Time

	mu       sync.Mutex
	endpoint *url.URL // ends in /v3; nil until discovered
}

// NewClient sets up TLS, proxy (by HTTPS_PROXY, HTTP_PROXY and NO_PROXY) and limits. It
// does not connect yet.
func NewClient(c *Config, userAgent string) (*Client, error) {
	if problem := checkURL(c.AuthURL); problem != "" {
		return nil, &ConfigError{c.Origin["auth_url"], "auth_url", problem}
	}
	base, err := url.Parse(c.AuthURL)
	if err != nil {
		return nil, &ConfigError{c.Origin["auth_url"], "auth_url", "is no URL"}
	}
	base.Path, base.RawPath = strings.TrimRight(base.Path, "/"), ""
	settings, err := tlsSettings(c)
	if err != nil {
		return nil, err
	}
	client := &Client{
		http: newHTTPClient(settings), base: base,
		userAgent: userAgent, cloud: c.Cloud, limit: answerLimit, now: time.Now,
	}
	if strings.HasSuffix(base.Path, "/v3") {
		client.endpoint = base
	}
	return client, nil
}

func newHTTPClient(settings *tls.Config) *http.Client {
	dialer := &net.Dialer{Timeout: connectLimit, KeepAlive: 30 * time.Second}
	return &http.Client{
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         dialer.DialContext,
			TLSClientConfig:     settings,
			TLSHandshakeTimeout: connectLimit,
			IdleConnTimeout:     90 * time.Second,
			MaxIdleConnsPerHost: 32,
		},
		// A redirect would carry the password to wherever it says.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Plaintext tells whether credentials travel to another machine without encryption.
func (c *Client) Plaintext() bool {
	host := c.base.Hostname()
	ip := net.ParseIP(host)
	return c.base.Scheme == "http" && host != "localhost" && (ip == nil || !ip.IsLoopback())
}

// Close gives up connections that are kept for later.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// where names Keystone in messages.
func (c *Client) where() string {
	where := c.base.Scheme + "://" + c.base.Host + c.base.Path
	if c.cloud != "" {
		where += " (cloud " + c.cloud + ")"
	}
	return where
}
