package glance

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/ystackdev/ystack/pkg/image/store"
)

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// Stat finds an image by its id, else by its name, which several images can have.
func (s *Store) Stat(ctx context.Context, r store.Ref) (store.Info, error) {
	project, err := s.project(ctx, r)
	if err != nil {
		return store.Info{}, err
	}
	if uuid.MatchString(r.Name) {
		found, err := s.get(ctx, r, r.Name)
		if err == nil {
			i := found.info(r, project)
			i.Foreign = false // it was named itself
			return i, nil
		} else if !errors.Is(err, store.ErrNotFound) {
			return store.Info{}, err
		}
	}
	found, err := s.named(ctx, r)
	if err != nil {
		return store.Info{}, err
	}
	var all []store.Info
	for _, f := range found {
		i := f.info(r, project)
		if _, half := f.properties[unfinished]; !half {
			all = append(all, i)
		}
	}
	switch len(all) {
	case 0:
		return store.Info{}, store.Errorf(r, store.ErrNotFound, "the cloud has no image of this name or id that this project may see")
	case 1:
		return all[0], nil
	}
	return store.Info{}, &store.AmbiguousError{Ref: r, Images: all}
}

// project is whose images are ours; empty if the token is of none.
func (s *Store) project(ctx context.Context, r store.Ref) (string, error) {
	token, err := s.Session.Token(ctx)
	if err != nil {
		return "", explain(r, err)
	}
	if token.Project == nil {
		return "", nil
	}
	return token.Project.ID, nil
}

func (s *Store) get(ctx context.Context, r store.Ref, id string) (*record, error) {
	data, err := s.do(ctx, call{method: http.MethodGet, path: imagePath(id), ref: r, doing: "look it up"}, http.StatusOK)
	if err != nil {
		return nil, err
	}
	found, err := parse(data)
	if err != nil {
		return nil, store.Errorf(r, store.ErrFailed, "%v", err)
	}
	return found, nil
}

// named finds the images with exactly this name: Glance takes some for operators (in:…).
func (s *Store) named(ctx context.Context, r store.Ref) ([]*record, error) {
	found, err := s.search(ctx, r, url.Values{"name": {r.Name}})
	return slices.DeleteFunc(found, func(f *record) bool { return f.Name != r.Name }), err
}

// search reads all pages of a list.
func (s *Store) search(ctx context.Context, r store.Ref, query url.Values) ([]*record, error) {
	var all []*record
	seen := map[string]bool{}
	for path := "/v2/images?" + query.Encode(); path != "" && !seen[path]; {
		seen[path] = true
		data, err := s.do(ctx, call{method: http.MethodGet, path: path, ref: r, doing: "list images"}, http.StatusOK)
		if err != nil {
			return nil, err
		}
		page, next, err := parseList(data)
		if err != nil {
			return nil, store.Errorf(r, store.ErrFailed, "cannot list images: what came is no list of Glance's")
		}
		all = append(all, page...)
		path = next
	}
	return all, nil
}

// parseList reads a page, and the path of the one after it.
func parseList(data []byte) ([]*record, string, error) {
	var page struct {
		Images []*record `json:"images"`
		Next   string    `json:"next"`
	}
	if err := json.Unmarshal(data, &page); err != nil {
		return nil, "", err
	}
	for _, r := range page.Images {
		if r == nil || r.ID == "" || r.Status == "" {
			return nil, "", errors.New("an image without id or status")
		}
	}
	if page.Next != "" && !strings.HasPrefix(page.Next, "/v2/images") {
		return nil, "", errors.New("the next page is elsewhere")
	}
	return page.Images, page.Next, nil
}

// List finds the images that say which application they are of.
func (s *Store) List(ctx context.Context, place store.Ref, application string) ([]store.Info, error) {
	query := url.Values{"limit": {"200"}}
	if application != "" {
		query.Set(store.App, application)
	}
	project, err := s.project(ctx, place)
	if err != nil {
		return nil, err
	}
	found, err := s.search(ctx, place, query)
	if err != nil {
		return nil, err
	}
	var all []store.Info
	for _, f := range found {
		place.Name = f.Name
		if i := f.info(place, project); i.Properties[store.App] != "" {
			i.Foreign = false
			all = append(all, i)
		}
	}
	return all, nil
}
