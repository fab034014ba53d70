package oci

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/ystackdev/ystack/pkg/image"
	"github.com/ystackdev/ystack/pkg/image/store"
)

// List reads the tags of the repositories below the place, HOST/PATH. Container images
// that an application's pipeline pushed are among them.
func (s *Store) List(ctx context.Context, place store.Ref, application string) ([]store.Info, error) {
	names := []string{application}
	if application == "" {
		var err error
		if names, err = s.catalog(ctx, place); err != nil {
			return nil, err
		}
	}
	lists := make([][]store.Info, len(names))
	asking, ctx := errgroup.WithContext(ctx)
	asking.SetLimit(atOnce)
	for i, name := range names {
		asking.Go(func() error {
			of := store.Ref{Scheme: store.OCI, Host: place.Host, Name: strings.TrimPrefix(place.Name+"/"+name, "/")}
			found, err := s.tags(ctx, of, name)
			lists[i] = found
			if errors.Is(err, store.ErrNotFound) {
				return nil
			}
			return err
		})
	}
	err := asking.Wait()
	return slices.Concat(lists...), err
}

// atOnce is how many repositories, and tags of each, are asked for at a time.
const atOnce = 8

func (s *Store) tags(ctx context.Context, r store.Ref, application string) ([]store.Info, error) {
	repo, err := s.repository(ctx, r, false)
	if err != nil {
		return nil, err
	}
	var names []string
	err = pages(ctx, repo, repo.URL("tags/list"), func(page list) error {
		for _, tag := range page.Tags {
			if !image.IsAbout(tag) && (s.Tagged == nil || s.Tagged(tag)) {
				names = append(names, tag)
			}
		}
		return nil
	})
	if err != nil {
		return nil, explain(r, err)
	}
	infos := make([]store.Info, len(names))
	asking, ctx := errgroup.WithContext(ctx)
	asking.SetLimit(atOnce)
	for i, tag := range names {
		of := r
		of.Tag = tag
		asking.Go(func() (err error) {
			infos[i], err = s.Stat(ctx, of)
			if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrNotReady) {
				return nil // deleted in the meantime, or no image
			}
			return err
		})
	}
	if err := asking.Wait(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(infos, func(i store.Info) bool { return i.State == "" || !describe(&i, application) }), nil
}

// describe names what a container image is by where it is; of other artifacts only those
// that say so are ours.
func describe(i *store.Info, application string) bool {
	if i.Properties[store.App] != "" {
		return true
	}
	if i.Format != "container" {
		return false
	}
	i.Properties = map[string]string{store.App: application, store.Revision: i.Ref.Tag, store.Target: "container"}
	return true
}

type list struct {
	Tags         []string `json:"tags"`
	Repositories []string `json:"repositories"`
}

// catalog is the repositories directly below the place.
func (s *Store) catalog(ctx context.Context, place store.Ref) ([]string, error) {
	repo, err := s.repository(ctx, store.Ref{Scheme: store.OCI, Host: place.Host, Name: strings.TrimPrefix(place.Name+"/x", "/")}, false)
	if err != nil {
		return nil, err
	}
	at := repo.URL("")
	at.Path = "/v2/_catalog"
	var names []string
	err = pages(ctx, repo, at, func(page list) error {
		for _, name := range page.Repositories {
			below, ok := strings.CutPrefix(name, place.Name+"/")
			if ok && !strings.Contains(below, "/") {
				names = append(names, below)
			}
		}
		return nil
	})
	if err != nil {
		place.Tag = ""
		return nil, explain(place, err)
	}
	return names, nil
}

// pages follows the links of a list.
func pages(ctx context.Context, repo *image.Repository, at *url.URL, use func(list) error) error {
	for at != nil {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
		if err != nil {
			return err
		}
		answer, err := repo.Do(req, ":list", http.StatusOK)
		if err != nil {
			return err
		}
		var page list
		err = json.NewDecoder(io.LimitReader(answer.Body, manifestLimit)).Decode(&page)
		_ = answer.Body.Close()
		if err != nil {
			return err
		}
		if err := use(page); err != nil {
			return err
		}
		at = following(at, answer.Header.Get("Link"))
	}
	return nil
}

// following is the next page: </v2/…?last=x>; rel="next".
func following(at *url.URL, link string) *url.URL {
	target, rel, found := strings.Cut(strings.TrimPrefix(link, "<"), ">")
	if !found || !strings.Contains(rel, "next") {
		return nil
	}
	next, err := at.Parse(target)
	if err != nil || next.Host != at.Host || next.String() == at.String() {
		return nil
	}
	return next
}
