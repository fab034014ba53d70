package kube

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	// dialTimeout bounds what a context whose cluster is gone costs.
	dialTimeout = 5 * time.Second
	// answerTimeout is how long a server may take to begin its answer: longer
	// than an admission webhook may think (30 s), and than the server's own limit.
	answerTimeout = 65 * time.Second
)

// Client talks to one API server as one user.
type Client struct {
	Dynamic dynamic.Interface

	// Context is the name of the kubeconfig context in use, empty when the
	// configuration comes from a pod's service account.
	Context string
	// Server is the URL of the API server.
	Server string
	// Namespace is the effective namespace.
	Namespace string
	// NamespaceExplicit says that the user asked for the namespace, rather than
	// that the kubeconfig's context has it.
	NamespaceExplicit bool

	http     *http.Client
	base     *url.URL
	warnings *warnings

	mu        sync.Mutex
	discovery map[string][]Served // by path, filled when first needed
}

// Load makes a client of kubeconfig files and what flags say otherwise. It does
// not connect yet.
func Load(files clientcmd.ClientConfigLoader, overrides *clientcmd.ConfigOverrides, userAgent string) (*Client, error) {
	config := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(files, overrides)
	return newClient(config, overrides.CurrentContext, userAgent)
}

// New makes a client of a loaded configuration. A configuration does not tell
// which context it was told to use: where flags can choose one, use Load, or
// messages name the kubeconfig's current one.
func New(config clientcmd.ClientConfig, userAgent string) (*Client, error) {
	return newClient(config, "", userAgent)
}

func newClient(config clientcmd.ClientConfig, context, userAgent string) (*Client, error) {
	if context == "" {
		raw, err := config.RawConfig()
		if err != nil {
			return nil, explainConfig(err, config, "")
		}
		context = raw.CurrentContext
	}
	settings, err := config.ClientConfig()
	if err != nil {
		return nil, explainConfig(err, config, context)
	}
	namespace, explicit, err := config.Namespace()
	if err != nil {
		return nil, explainConfig(err, config, context)
	}
	c := &Client{Context: context, Namespace: namespace, NamespaceExplicit: explicit, warnings: &warnings{}}
	if err := c.connect(settings, userAgent); err != nil {
		return nil, explainConfig(err, config, context)
	}
	return c, nil
}

// connect sets up one transport for everything the client does.
func (c *Client) connect(settings *rest.Config, userAgent string) error {
	settings = rest.CopyConfig(settings)
	settings.UserAgent = userAgent
	// The server's priority and fairness limits clients; a limiter here would
	// only turn seconds into minutes.
	settings.QPS = -1
	settings.Dial = (&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}).DialContext
	settings.WarningHandler = c.warnings
	settings.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return &answerLimit{next: next, limit: answerTimeout}
	})
	base, _, err := rest.DefaultServerUrlFor(settings)
	if err != nil {
		return fmt.Errorf("server %q: %w", settings.Host, err)
	}
	if c.http, err = rest.HTTPClientFor(settings); err != nil {
		return err
	}
	c.base, c.Server = base, base.Redacted()
	c.Dynamic, err = dynamic.NewForConfigAndClient(settings, c.http)
	return err
}

// Warnings are the deprecation and policy warnings that the server sent with
// its answers so far, each once.
func (c *Client) Warnings() []string { return c.warnings.all() }
