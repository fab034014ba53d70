// Package web reads images from web servers.
package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/ystackdev/ystack/pkg/image/file"
	"github.com/ystackdev/ystack/pkg/image/store"
)

// Store is all of the web: each reference is a URL.
type Store struct {
	Client    *http.Client
	UserAgent string
}

// Stat looks at the beginning of the file: there is its format, and servers that know no
// HEAD answer that, too.
func (s *Store) Stat(ctx context.Context, r store.Ref) (store.Info, error) {
	answer, err := s.get(ctx, r, fmt.Sprintf("bytes=0-%d", file.Head-1), "")
	if err != nil {
		return store.Info{}, err
	}
	defer answer.Body.Close()
	size := answer.ContentLength
	switch _, total, _ := strings.Cut(answer.Header.Get("Content-Range"), "/"); answer.StatusCode {
	case http.StatusPartialContent:
		if size, err = strconv.ParseInt(total, 10, 64); err != nil {
			size = -1
		}
	case http.StatusRequestedRangeNotSatisfiable:
		size = 0 // there is no first byte
	}
	if size < 0 {
		return store.Info{}, store.Errorf(r, store.ErrNotReady, "the server does not tell its size; download it first, and copy the file")
	}
	head, err := io.ReadAll(io.LimitReader(answer.Body, min(size, file.Head)))
	if err != nil {
		return store.Info{}, store.Errorf(r, store.ErrFailed, "the answer broke off; try again")
	}
	created, _ := http.ParseTime(answer.Header.Get("Last-Modified"))
	name := r.Name
	if u, err := url.Parse(r.String()); err == nil {
		name = path.Base(u.Path)
	}
	return store.Info{
		Ref: r, Size: size, State: store.Active, Created: created, Format: file.Format(name, head),
		ID: validator(answer), Version: version(r, answer, size),
	}, nil
}

// validator is what tells that the file is still the same, empty if the server does not.
// Of mirrors that one is sent to in turn each has another tag, and all the same date.
func validator(answer *http.Response) string {
	if date := answer.Header.Get("Last-Modified"); date != "" {
		return date
	}
	if tag := answer.Header.Get("ETag"); !strings.HasPrefix(tag, "W/") {
		return tag
	}
	return ""
}

func version(r store.Ref, answer *http.Response, size int64) string {
	if v := validator(answer); v != "" {
		return fmt.Sprintf("%s %d %s", r, size, v)
	}
	return ""
}

// Open reads from an offset on, and nothing but the file that was looked at: one that was
// replaced meanwhile would be a mixture.
func (s *Store) Open(ctx context.Context, i store.Info, offset int64) (io.ReadCloser, error) {
	spread := ""
	if offset > 0 {
		spread = fmt.Sprintf("bytes=%d-", offset)
	}
	answer, err := s.get(ctx, i.Ref, spread, i.ID)
	if err != nil {
		return nil, err
	}
	if now := validator(answer); i.ID != "" && now != i.ID {
		_ = answer.Body.Close()
		return nil, store.Errorf(i.Ref, store.ErrCorrupt, "was replaced by another file while it was being read; copy again")
	}
	return store.From(answer, offset)
}

func (s *Store) get(ctx context.Context, r store.Ref, spread, same string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", s.UserAgent)
	req.Header.Set("Accept-Encoding", "identity")
	if spread != "" {
		req.Header.Set("Range", spread)
		if same != "" {
			req.Header.Set("If-Range", same)
		}
	}
	answer, err := s.Client.Do(req)
	if err != nil {
		return nil, unreachable(ctx, r, err)
	}
	switch answer.StatusCode {
	case http.StatusOK, http.StatusPartialContent, http.StatusRequestedRangeNotSatisfiable:
		return answer, nil
	}
	_ = answer.Body.Close()
	kind, hint := store.ErrFailed, "try again later"
	switch answer.StatusCode {
	case http.StatusNotFound, http.StatusGone:
		kind, hint = store.ErrNotFound, "check the URL"
	case http.StatusUnauthorized, http.StatusForbidden:
		kind, hint = store.ErrDenied, "only what anybody may read can be copied from a URL"
	}
	return nil, store.Errorf(r, kind, "the server answers %s; %s", answer.Status, hint)
}

func unreachable(ctx context.Context, r store.Ref, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return store.Errorf(r, store.ErrFailed, "no answer from %s (%v); check that it is up and that this machine reaches it", r.Host, err)
}

// readOnly is why nothing else can be done here.
func readOnly(r store.Ref) error {
	return store.Errorf(r, store.ErrDenied, "a URL can only be copied from")
}

// Write says that it cannot be done.
func (s *Store) Write(_ context.Context, r store.Ref, _ *store.Upload) (store.Info, error) {
	return store.Info{}, readOnly(r)
}

// List finds nothing: the web does not say whose image something is.
func (s *Store) List(context.Context, store.Ref, string) ([]store.Info, error) { return nil, nil }

// Delete says that it cannot be done.
func (s *Store) Delete(_ context.Context, i store.Info) error { return readOnly(i.Ref) }
