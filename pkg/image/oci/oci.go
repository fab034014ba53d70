// Package oci keeps images of machines in container registries, as OCI artifacts: a
// manifest with one layer, which is the disk as it is.
package oci

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/ystackdev/ystack/pkg/image"
	"github.com/ystackdev/ystack/pkg/image/store"
)

// Store is all registries that the client reaches.
type Store struct {
	Client *image.Client
	// StateDir remembers uploads that were broken off, so that a later copy goes on with
	// them; empty remembers none.
	StateDir string
	// Now dates manifests.
	Now func() time.Time
	// Tagged limits what List reads to tags that it says yes to; nil is for all.
	Tagged func(tag string) bool

	mu    sync.Mutex
	repos map[string]*image.Repository
}

// repository logs in once for each repository and purpose, or twice if two want to at once.
func (s *Store) repository(ctx context.Context, r store.Ref, push bool) (*image.Repository, error) {
	key := r.Host + "/" + r.Name
	if push {
		key += " push"
	}
	s.mu.Lock()
	known := s.repos[key]
	s.mu.Unlock()
	if known != nil {
		return known, nil
	}
	repo, err := s.Client.Repository(ctx, r.Host+"/"+r.Name, push)
	if err != nil {
		return nil, explain(r, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.repos == nil {
		s.repos = map[string]*image.Repository{}
	}
	s.repos[key] = repo
	return repo, nil
}

// reference is the part of a reference after the repository.
func reference(r store.Ref) string {
	if pinned(r) {
		return "@" + r.Tag
	}
	return ":" + r.Tag
}

func pinned(r store.Ref) bool { return len(r.Tag) > 7 && r.Tag[:7] == "sha256:" }

// explain gives the kinds that all stores share to what the registry's client says.
func explain(r store.Ref, err error) error {
	var said *image.Error
	if !errors.As(err, &said) {
		return err
	}
	kind := store.ErrFailed
	switch {
	case errors.Is(err, image.ErrNotFound):
		kind = store.ErrNotFound
	case errors.Is(err, image.ErrUnauthorized):
		kind = store.ErrDenied
	}
	text := said.Kind.Error()
	if said.Detail != "" {
		text += " (" + said.Detail + ")"
	}
	if said.Remedy != "" {
		text += "; " + said.Remedy
	}
	return store.Errorf(r, kind, "%s", text)
}

// Delete removes a manifest; the registry's garbage collection takes the content.
func (s *Store) Delete(ctx context.Context, i store.Info) error {
	repo, err := s.repository(ctx, i.Ref, true)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodDelete, repo.URL("manifests/"+i.ID).String(), nil)
	if err != nil {
		return err
	}
	answer, err := repo.Do(req, "@"+i.ID, http.StatusAccepted, http.StatusOK, http.StatusNoContent)
	if err != nil {
		return explain(i.Ref, err)
	}
	return answer.Body.Close()
}
