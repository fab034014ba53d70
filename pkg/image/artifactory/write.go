package artifactory

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ystackdev/ystack/pkg/image/store"
)

// target is the path with properties in it, so that the file is never there without.
func target(r store.Ref, properties map[string]string) string {
	var b strings.Builder
	b.WriteString(escape(r.Name))
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if value := properties[name]; fits(value) {
			b.WriteString(";" + url.PathEscape(name) + "=" + url.PathEscape(value))
		}
	}
	return b.String()
}

// fits tells values that mean themselves in a path; others are set afterwards.
func fits(value string) bool { return value != "" && !strings.ContainsAny(value, `,;|=\/`) }

// Write sends the content in one request. Artifactory makes the file when it has all of
// it, and refuses content that has not the SHA-256 that it was told.
func (s *Store) Write(ctx context.Context, r store.Ref, u *store.Upload) (store.Info, error) {
	body, err := u.Body(ctx)
	if err != nil {
		return store.Info{}, err
	}
	noted := u.Noted(nil)
	req, err := s.request(ctx, http.MethodPut, target(r, noted), body)
	if err != nil {
		return store.Info{}, err
	}
	req.ContentLength = u.Size
	req.Header.Set("Content-Type", "application/octet-stream")
	checksums(req, u.Known)
	answer, err := s.do(r, "upload it", req, http.StatusCreated, http.StatusOK)
	if err != nil {
		return store.Info{}, u.Cause(err)
	}
	var made file
	if err := readJSON(r, answer, &made); err != nil {
		return store.Info{}, err
	}
	i, err := made.info(r)
	if err != nil {
		return store.Info{}, err
	}
	sums := u.Sums()
	if same, known := i.Digests.Same(sums); !same || i.Size != u.Size {
		s.takeBack(ctx, i)
		if !known {
			return store.Info{}, store.Errorf(r, store.ErrFailed, "Artifactory told no SHA-256 of what it got, so that nothing could be compared; it was deleted again")
		}
		return store.Info{}, store.Errorf(r, store.ErrCorrupt, "Artifactory got other content than was sent; it was deleted again, copy once more")
	}
	i.Properties = noted
	return i, s.complete(ctx, &i, u.Noted(sums), noted)
}

func checksums(req *http.Request, known store.Digests) {
	for algorithm, header := range map[string]string{"sha256": "X-Checksum-Sha256", "sha1": "X-Checksum-Sha1", "md5": "X-Checksum-Md5"} {
		if value := known[algorithm]; value != "" {
			req.Header.Set(header, value)
		}
	}
}

// takeBack deletes what is wrong, even if we are told to stop.
func (s *Store) takeBack(ctx context.Context, i store.Info) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	_ = s.Delete(ctx, i)
}

// complete sets the properties that did not go along.
func (s *Store) complete(ctx context.Context, i *store.Info, want, sent map[string]string) error {
	missing := map[string]string{}
	for name, value := range want {
		if value != "" && (sent[name] != value || !fits(value)) {
			missing[name] = value
		}
	}
	i.Properties = want
	if len(missing) == 0 {
		return nil
	}
	return s.Annotate(ctx, *i, missing)
}

// Link has Artifactory make the file of content that it keeps already (checksum deploy).
func (s *Store) Link(ctx context.Context, r store.Ref, u *store.Upload, sum string) (store.Info, bool, error) {
	noted := u.Noted(nil)
	req, err := s.request(ctx, http.MethodPut, target(r, noted), nil)
	if err != nil {
		return store.Info{}, false, err
	}
	checksums(req, store.Digests{"sha256": sum, "sha1": u.Known["sha1"]})
	req.Header.Set("X-Checksum-Deploy", "true")
	answer, err := s.do(r, "upload it", req, http.StatusCreated, http.StatusOK)
	if errors.Is(err, store.ErrNotFound) {
		return store.Info{}, false, nil // it has no such content
	} else if err != nil {
		return store.Info{}, false, err
	}
	var made file
	if err := readJSON(r, answer, &made); err != nil {
		return store.Info{}, false, err
	}
	i, err := made.info(r)
	if err == nil && (i.Digests["sha256"] != sum || i.Size != u.Size) {
		s.takeBack(ctx, i)
		return store.Info{}, false, nil
	}
	if err == nil {
		err = s.complete(ctx, &i, noted, noted)
	}
	return i, err == nil, err
}

// Annotate sets properties.
func (s *Store) Annotate(ctx context.Context, i store.Info, properties map[string]string) error {
	data, err := json.Marshal(map[string]any{"props": properties})
	if err != nil {
		return err
	}
	req, err := s.request(ctx, http.MethodPatch, "api/metadata/"+escape(i.Ref.Name)+"?recursiveProperties=0&atomicProperties=1", bytes.NewReader(data))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	answer, err := s.do(i.Ref, "set its properties", req, http.StatusNoContent, http.StatusOK)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}
