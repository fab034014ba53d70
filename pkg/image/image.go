// Package image asks OCI registries questions: which digest a reference has,
// which labels an image carries, and which registry of a site serves a base image.
package image

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// questionLimit bounds one question, retries included: an answer is a few
// kilobytes, so whoever needs longer is stuck.
const questionLimit = 15 * time.Second

// Client speaks to registries. Its zero value is ready to use; do not copy it.
type Client struct {
	// Insecure lists registry hosts (HOST or HOST:PORT) spoken to over plain
	// HTTP, or over TLS without checking the certificate. Loopback always is.
	Insecure []string
	// Keychain finds credentials; nil means what docker, podman and buildah login left.
	Keychain authn.Keychain
	// Transport carries the requests; nil means one with short connect and
	// response limits, so that a dead registry is an error within ten seconds.
	Transport http.RoundTripper
	// Patience is how long a registry may take to begin an answer; zero stands for eight
	// seconds. To finish an upload of gigabytes can take longer.
	Patience time.Duration

	once   sync.Once // guards shared
	shared http.RoundTripper
}

// Digest asks for the digest that ref has now, without fetching anything.
func (c *Client) Digest(ctx context.Context, ref string) (string, error) {
	r, err := c.parse(ref)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, questionLimit)
	defer cancel()
	head, err := remote.Head(r, c.options(ctx)...)
	if err == nil {
		return head.Digest.String(), nil
	}
	if !headUnsupported(err) {
		return "", explain(ctx, r, err)
	}
	got, err := remote.Get(r, c.options(ctx)...)
	if err != nil {
		return "", explain(ctx, r, err)
	}
	return got.Digest.String(), nil
}

// headUnsupported tells an answer to HEAD that says nothing about the image
// (no digest header, method not allowed) from one that does. A GET will tell.
func headUnsupported(err error) bool {
	var answer *transport.Error
	if errors.As(err, &answer) {
		return answer.StatusCode == http.StatusMethodNotAllowed || answer.StatusCode == http.StatusBadRequest
	}
	return !isNetwork(err)
}

// Labels returns the digest of ref and the labels in its image's configuration.
// Of an index it reads the image for linux and this machine's architecture.
func (c *Client) Labels(ctx context.Context, ref string) (digest string, labels map[string]string, err error) {
	r, err := c.parse(ref)
	if err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, questionLimit)
	defer cancel()
	platform := remote.WithPlatform(v1.Platform{OS: "linux", Architecture: runtime.GOARCH})
	got, err := remote.Get(r, append(c.options(ctx), platform)...)
	if err != nil {
		return "", nil, explain(ctx, r, err)
	}
	img, err := got.Image()
	if err != nil {
		return "", nil, explain(ctx, r, err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		return "", nil, explain(ctx, r, err)
	}
	return got.Digest.String(), config.Config.Labels, nil
}

// Tag puts the manifest that ref (best given by digest) names under another tag
// of the same repository. No layer is read or written.
func (c *Client) Tag(ctx context.Context, ref, tag string) error {
	r, err := c.parse(ref)
	if err != nil {
		return err
	}
	target, err := name.NewTag(r.Context().Name()+":"+tag, c.nameOptions(r.Context().RegistryStr())...)
	if err != nil {
		return fmt.Errorf("tag %q is not valid: use letters, digits, '.', '_' and '-', at most 128", tag)
	}
	ctx, cancel := context.WithTimeout(ctx, questionLimit)
	defer cancel()
	got, err := remote.Get(r, c.options(ctx)...)
	if err != nil {
		return explain(ctx, r, err)
	}
	if err := remote.Tag(target, got, c.options(ctx)...); err != nil {
		return explain(ctx, target, err)
	}
	return nil
}

// Push writes img (a v1.Image or v1.ImageIndex) to ref and returns its digest.
// Layers that the registry has already are not sent again.
func (c *Client) Push(ctx context.Context, ref string, img remote.Taggable) (string, error) {
	r, err := c.parse(ref)
	if err != nil {
		return "", err
	}
	if err := remote.Push(r, img, c.options(ctx)...); err != nil {
		return "", explain(ctx, r, err)
	}
	// What the registry says counts, not what was sent.
	return c.Digest(ctx, ref)
}

func (c *Client) parse(ref string) (name.Reference, error) {
	r, err := name.ParseReference(ref)
	if err != nil {
		return nil, fmt.Errorf("%q is not an image reference: want HOST/REPOSITORY:TAG or HOST/REPOSITORY@sha256:DIGEST", ref)
	}
	if options := c.nameOptions(r.Context().RegistryStr()); options != nil {
		return name.ParseReference(ref, options...)
	}
	return r, nil
}

func (c *Client) nameOptions(host string) []name.Option {
	if IsInsecure(host, c.Insecure) {
		return []name.Option{name.Insecure}
	}
	return nil
}

func (c *Client) options(ctx context.Context) []remote.Option {
	c.once.Do(func() { c.shared = newTransport(c.Transport, c.Insecure, c.Patience) })
	return []remote.Option{
		remote.WithContext(ctx),
		remote.WithAuthFromKeychain(c.credentials()),
		remote.WithTransport(c.shared),
		remote.WithUserAgent("ystack"),
		remote.WithRetryBackoff(remote.Backoff{Duration: 150 * time.Millisecond, Factor: 3, Jitter: 0.1, Steps: 3}),
		remote.WithRetryPredicate(isTransient),
	}
}
