package image

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// referrers are the digests of what the registry says refers to an image.
func (c *Client) referrers(ctx context.Context, subject name.Digest, kind string) ([]string, error) {
	index, err := remote.Referrers(subject, c.options(ctx)...)
	if err != nil {
		return nil, err
	}
	list, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	var digests []string
	for _, d := range list.Manifests {
		if kind == "" || d.ArtifactType == kind {
			digests = append(digests, d.Digest.String())
		}
	}
	return digests, nil
}

// Attached reads the documents of a type that are kept beside the image ref, which is
// given by digest. Those of the same content are one.
func (c *Client) Attached(ctx context.Context, ref, kind string) ([]Document, error) {
	r, err := c.parse(ref)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*questionLimit)
	defer cancel()
	repo, digest := r.Context(), r.Identifier()
	found, err := c.referrers(ctx, repo.Digest(digest), kind)
	if err != nil {
		return nil, explain(ctx, r, err)
	}
	tags, err := c.tags(ctx, repo)
	if err != nil {
		return nil, explain(ctx, r, err)
	}
	own := strings.Replace(digest, ":", "-", 1) + "."
	for _, tag := range tags {
		if strings.HasPrefix(tag, own) {
			found = append(found, tag)
		}
	}
	return c.documents(ctx, repo, kind, found)
}

// FindAttached reads the documents of that type and name that are kept beside images of a
// repository; [ErrNotFound] if there are none.
func (c *Client) FindAttached(ctx context.Context, repository, kind, document string) ([]Document, error) {
	r, err := c.parse(repository)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*questionLimit)
	defer cancel()
	tags, err := c.tags(ctx, r.Context())
	if err != nil {
		return nil, explain(ctx, r, err)
	}
	var found []string
	for _, tag := range tags {
		if IsAbout(tag) && strings.HasSuffix(tag, documentSuffix(kind, document)) {
			found = append(found, tag)
		}
	}
	return c.documents(ctx, r.Context(), kind, found)
}

func (c *Client) tags(ctx context.Context, repo name.Repository) ([]string, error) {
	return remote.List(repo, c.options(ctx)...)
}

// documents reads what tags and digests name, each manifest once. What was deleted in
// the meantime, or is of another type, is not there.
func (c *Client) documents(ctx context.Context, repo name.Repository, kind string, found []string) ([]Document, error) {
	var all []Document
	seen := map[string]bool{}
	for _, identifier := range found {
		var r name.Reference = repo.Tag(identifier)
		if strings.Contains(identifier, ":") {
			if seen[identifier] {
				continue
			}
			r = repo.Digest(identifier)
		}
		got, err := remote.Get(r, c.options(ctx)...)
		if err != nil {
			err = explain(ctx, r, err)
			if errors.Is(err, ErrNotFound) {
				continue
			}
			return nil, err
		}
		if seen[got.Digest.String()] {
			continue
		}
		seen[got.Digest.String()] = true
		d, err := c.document(ctx, repo, kind, got.Manifest)
		if err != nil {
			return nil, explain(ctx, r, err)
		}
		if d != nil {
			all = append(all, *d)
		}
	}
	return all, nil
}

func (c *Client) document(ctx context.Context, repo name.Repository, kind string, manifest []byte) (*Document, error) {
	var m v1.Manifest
	if err := json.Unmarshal(manifest, &m); err != nil || m.ArtifactType != kind || len(m.Layers) != 1 {
		return nil, nil //nolint:nilerr // another's
	}
	blob, err := remote.Layer(repo.Digest(m.Layers[0].Digest.String()), c.options(ctx)...)
	if err != nil {
		return nil, err
	}
	content, err := blob.Compressed() // as it is: nothing compressed it
	if err != nil {
		return nil, err
	}
	defer content.Close()
	data, err := io.ReadAll(io.LimitReader(content, documentLimit))
	if err != nil {
		return nil, err
	}
	return &Document{Type: kind, Annotations: m.Annotations, Content: data}, nil
}
