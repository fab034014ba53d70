package oci

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/ystackdev/ystack/pkg/image"
	"github.com/ystackdev/ystack/pkg/image/store"
)

// Write uploads the content in chunks and tags it when the registry has it under its
// digest, which registries check.
func (s *Store) Write(ctx context.Context, r store.Ref, u *store.Upload) (store.Info, error) {
	if pinned(r) {
		return store.Info{}, store.Errorf(r, store.ErrTaken, "cannot be written: give a tag instead of a digest")
	}
	repo, err := s.repository(ctx, r, true)
	if err != nil {
		return store.Info{}, err
	}
	up, err := s.begin(ctx, repo, r, u)
	if err != nil {
		return store.Info{}, explain(r, err)
	}
	defer up.close()
	at := int64(0)
	for {
		data, err := u.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			up.abandon(ctx, err)
			return store.Info{}, err
		}
		if err := up.send(ctx, at, data); err != nil {
			return store.Info{}, explain(r, err)
		}
		at += int64(len(data))
	}
	sums := u.Sums()
	if err := up.commit(ctx, "sha256:"+sums["sha256"]); err != nil {
		return store.Info{}, explain(r, err)
	}
	return s.tag(ctx, repo, r, u, sums)
}

// Link tags content that the repository has, or that the registry has elsewhere.
func (s *Store) Link(ctx context.Context, r store.Ref, u *store.Upload, sum string) (store.Info, bool, error) {
	repo, err := s.repository(ctx, r, true)
	if err != nil || pinned(r) {
		return store.Info{}, false, err
	}
	blob := "sha256:" + sum
	there, err := s.has(ctx, repo, blob)
	if err != nil {
		return store.Info{}, false, explain(r, err)
	}
	if !there && u.From.Scheme == store.OCI && u.From.Host == r.Host && u.From.Name != r.Name {
		there = s.mount(ctx, repo, blob, u.From.Name)
	}
	if !there {
		return store.Info{}, false, nil
	}
	info, err := s.tag(ctx, repo, r, u, store.Digests{"sha256": sum})
	return info, err == nil, err
}

func (s *Store) has(ctx context.Context, repo *image.Repository, blob string) (bool, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, repo.URL("blobs/"+blob).String(), nil)
	if err != nil {
		return false, err
	}
	answer, err := repo.Do(req, "@"+blob, http.StatusOK, http.StatusNotFound)
	if err != nil {
		return false, err
	}
	return answer.StatusCode == http.StatusOK, answer.Body.Close()
}

// mount asks the registry to take content over from another of its repositories. One
// that does not do so begins an upload, which nobody goes on with.
func (s *Store) mount(ctx context.Context, repo *image.Repository, blob, from string) bool {
	at := repo.URL("blobs/uploads/")
	at.RawQuery = url.Values{"mount": {blob}, "from": {from}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at.String(), nil)
	if err != nil {
		return false
	}
	answer, err := repo.Do(req, "@"+blob, http.StatusCreated, http.StatusAccepted)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusCreated
}

// tag writes the manifest, and with it the name.
func (s *Store) tag(ctx context.Context, repo *image.Repository, r store.Ref, u *store.Upload, sums store.Digests) (store.Info, error) {
	if there, err := s.has(ctx, repo, emptyDigest); err != nil {
		return store.Info{}, explain(r, err)
	} else if !there {
		up, err := start(ctx, repo, r)
		if err == nil {
			err = up.send(ctx, 0, []byte(emptyConfig))
		}
		if err == nil {
			err = up.commit(ctx, emptyDigest)
		}
		if err != nil {
			return store.Info{}, explain(r, err)
		}
	}
	data, err := compose(r, u, sums, s.Now())
	if err != nil {
		return store.Info{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, repo.URL("manifests/"+r.Tag).String(), bytes.NewReader(data))
	if err != nil {
		return store.Info{}, err
	}
	req.Header.Set("Content-Type", manifestType)
	answer, err := repo.Do(req, reference(r), http.StatusCreated)
	if err != nil {
		return store.Info{}, explain(r, err)
	}
	_ = answer.Body.Close()
	sum := sha256.Sum256(data)
	return parse(r, data, "sha256:"+hex.EncodeToString(sum[:]))
}
