package artifactory

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/ystackdev/ystack/pkg/image/store"
)

// number is a size, which Artifactory gives as text in one place and as a number in another.
type number int64

// UnmarshalJSON reads both.
func (n *number) UnmarshalJSON(data []byte) error {
	value, err := strconv.ParseInt(strings.Trim(string(data), `"`), 10, 64)
	if err != nil || value < 0 {
		return fmt.Errorf("%.20s is no size", data)
	}
	*n = number(value)
	return nil
}

// file is what Artifactory tells of a file, when it is asked or has just got it.
type file struct {
	Created   string        `json:"created"`
	Size      *number       `json:"size"` // a folder has none
	Checksums store.Digests `json:"checksums"`
	Children  []any         `json:"children"`
}

func (f file) info(r store.Ref) (store.Info, error) {
	if f.Size == nil {
		return store.Info{}, store.Errorf(r, store.ErrNotReady, "is a folder; name the file in it")
	}
	i := store.Info{Ref: r, Size: int64(*f.Size), State: store.Active, Digests: store.Digests{}, Format: formatOf(r.Name)}
	for _, algorithm := range []string{"sha256", "sha1", "md5"} {
		if value := f.Checksums[algorithm]; value != "" {
			i.Digests[algorithm] = strings.ToLower(value)
		}
	}
	if at, err := time.Parse(time.RFC3339, f.Created); err == nil {
		i.Created = at
	}
	return i, nil
}

// formatOf goes by the name, as people do there.
func formatOf(name string) string {
	switch ext := strings.TrimPrefix(path.Ext(name), "."); ext {
	case "qcow2", "raw", "vmdk", "vhd", "vhdx", "vdi", "iso", "aki", "ari", "ami":
		return ext
	case "img":
		return "raw"
	}
	return ""
}

// Stat asks for the file and for its properties.
func (s *Store) Stat(ctx context.Context, r store.Ref) (store.Info, error) {
	req, err := s.request(ctx, http.MethodGet, "api/storage/"+escape(r.Name), nil)
	if err != nil {
		return store.Info{}, err
	}
	answer, err := s.do(r, "look it up", req, http.StatusOK)
	if err != nil {
		return store.Info{}, err
	}
	var f file
	if err := readJSON(r, answer, &f); err != nil {
		return store.Info{}, err
	}
	i, err := f.info(r)
	if err != nil {
		return store.Info{}, err
	}
	i.Properties, err = s.properties(ctx, r)
	return i, err
}

// properties of a file; one without any is answered with 404.
func (s *Store) properties(ctx context.Context, r store.Ref) (map[string]string, error) {
	req, err := s.request(ctx, http.MethodGet, "api/storage/"+escape(r.Name)+"?properties", nil)
	if err != nil {
		return nil, err
	}
	answer, err := s.do(r, "read its properties", req, http.StatusOK)
	if errors.Is(err, store.ErrNotFound) {
		return map[string]string{}, nil
	} else if err != nil {
		return nil, err
	}
	var said struct {
		Properties map[string][]string `json:"properties"`
	}
	if err := readJSON(r, answer, &said); err != nil {
		return nil, err
	}
	all := map[string]string{}
	for name, values := range said.Properties {
		all[name] = strings.Join(values, ",")
	}
	return all, nil
}

// found is a file as a search tells it.
type found struct {
	Repo       string  `json:"repo"`
	Path       string  `json:"path"`
	Name       string  `json:"name"`
	Size       *number `json:"size"`
	Created    string  `json:"created"`
	SHA256     string  `json:"sha256"`
	SHA1       string  `json:"actual_sha1"`
	MD5        string  `json:"actual_md5"`
	Properties []struct {
		Key   string `json:"key"`
		Value string `json:"value"`
	} `json:"properties"`
}

// List searches the repository that begins the place's name.
func (s *Store) List(ctx context.Context, place store.Ref, application string) ([]store.Info, error) {
	repository, _, _ := strings.Cut(place.Name, "/")
	condition := map[string]any{"repo": repository, "type": "file", "@" + store.App: map[string]string{"$match": "*"}}
	if application != "" {
		condition["@"+store.App] = application
	}
	query, err := json.Marshal(condition)
	if err != nil {
		return nil, err
	}
	text := `items.find(` + string(query) + `).include("repo","path","name","size","created","sha256","actual_sha1","actual_md5","property")`
	req, err := s.request(ctx, http.MethodPost, "api/search/aql", strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "text/plain")
	answer, err := s.do(place, "search", req, http.StatusOK)
	if err != nil {
		return nil, err
	}
	var said struct {
		Results []found `json:"results"`
	}
	if err := readJSON(place, answer, &said); err != nil {
		return nil, err
	}
	return infos(place, said.Results)
}

func infos(place store.Ref, results []found) ([]store.Info, error) {
	var all []store.Info
	for _, f := range results {
		r := place
		r.Name = path.Join(f.Repo, f.Path, f.Name) // a path of "." is the repository itself
		i, err := file{Created: f.Created, Size: f.Size, Checksums: store.Digests{"sha256": f.SHA256, "sha1": f.SHA1, "md5": f.MD5}}.info(r)
		if err != nil {
			return nil, err
		}
		i.Properties = map[string]string{}
		for _, p := range f.Properties {
			i.Properties[p.Key] = p.Value
		}
		all = append(all, i)
	}
	return all, nil
}
