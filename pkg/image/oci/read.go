package oci

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/ystackdev/ystack/pkg/image/store"
)

// manifestLimit is what the specification lets registries refuse.
const manifestLimit = 4 << 20

// Stat reads the manifest.
func (s *Store) Stat(ctx context.Context, r store.Ref) (store.Info, error) {
	repo, err := s.repository(ctx, r, false)
	if err != nil {
		return store.Info{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, repo.URL("manifests/"+r.Tag).String(), nil)
	if err != nil {
		return store.Info{}, err
	}
	req.Header.Set("Accept", strings.Join([]string{
		manifestType, indexType,
		"application/vnd.docker.distribution.manifest.v2+json", "application/vnd.docker.distribution.manifest.list.v2+json",
	}, ", "))
	answer, err := repo.Do(req, reference(r), http.StatusOK)
	if err != nil {
		return store.Info{}, explain(r, err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(io.LimitReader(answer.Body, manifestLimit))
	if err != nil {
		return store.Info{}, store.Errorf(r, store.ErrFailed, "the registry's manifest broke off; try again")
	}
	sum := sha256.Sum256(data)
	digest := "sha256:" + hex.EncodeToString(sum[:])
	if said := answer.Header.Get("Docker-Content-Digest"); said != "" && said != digest || pinned(r) && r.Tag != digest {
		return store.Info{}, store.Errorf(r, store.ErrCorrupt, "the manifest that came has digest %s, which is not the one that should have come", digest)
	}
	return parse(r, data, digest)
}

// Open reads the blob from an offset on.
func (s *Store) Open(ctx context.Context, i store.Info, offset int64) (io.ReadCloser, error) {
	sum := i.Digests["sha256"]
	if i.Format == "container" || sum == "" {
		return nil, store.Errorf(i.Ref, store.ErrNotReady, "is a container image; skopeo copies those")
	}
	repo, err := s.repository(ctx, i.Ref, false)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, repo.URL("blobs/sha256:"+sum).String(), nil)
	if err != nil {
		return nil, err
	}
	if offset > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
	answer, err := repo.Do(req, "@sha256:"+sum, http.StatusOK, http.StatusPartialContent)
	if err != nil {
		return nil, explain(i.Ref, err)
	}
	return store.From(answer, offset)
}
