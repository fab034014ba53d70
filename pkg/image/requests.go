package image

import (
	"context"
	"net/http"
	"net/url"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// Repository is a repository for what no question here asks: its requests are the
// caller's own, with the user's credentials.
type Repository struct {
	client *Client
	ref    name.Repository
	http   *http.Client
}

// Repository logs in to a repository (HOST/PATH), to write if push is set.
func (c *Client) Repository(ctx context.Context, path string, push bool) (*Repository, error) {
	r, err := c.parse(path)
	if err != nil {
		return nil, err
	}
	repository := r.Context()
	auth, err := c.credentials().Resolve(repository)
	if err != nil {
		return nil, explain(ctx, r, err)
	}
	scope := transport.PullScope
	if push {
		scope = transport.PushScope
	}
	c.options(ctx) // makes c.shared
	login, err := transport.NewWithContext(ctx, repository.Registry, auth, c.shared, []string{repository.Scope(scope)})
	if err != nil {
		return nil, explain(ctx, r, err)
	}
	return &Repository{c, repository, &http.Client{Transport: login}}, nil
}

// URL is the address of something in the repository, such as blobs/sha256:….
func (r *Repository) URL(path string) *url.URL {
	return &url.URL{Scheme: r.ref.Scheme(), Host: r.ref.RegistryStr(), Path: "/v2/" + r.ref.RepositoryStr() + "/" + path}
}

// Do sends a request and returns its answer if that has one of the statuses, else an
// [Error] about the reference within the repository, a :TAG or @DIGEST.
func (r *Repository) Do(req *http.Request, reference string, statuses ...int) (*http.Response, error) {
	answer, err := r.http.Do(req)
	if err == nil {
		if err = transport.CheckError(answer, statuses...); err == nil {
			return answer, nil
		}
		answer.Body.Close()
	}
	of, parsing := r.client.parse(r.ref.Name() + reference)
	if parsing != nil {
		return nil, parsing
	}
	return nil, explain(req.Context(), of, err)
}
