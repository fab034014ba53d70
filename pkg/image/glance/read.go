package glance

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/ystackdev/ystack/pkg/image/store"
)

// Open reads the content from an offset on.
func (s *Store) Open(ctx context.Context, i store.Info, offset int64) (io.ReadCloser, error) {
	req, err := s.Session.Request(ctx, http.MethodGet, "image", imagePath(i.ID)+"/file", nil)
	if err != nil {
		return nil, explain(i.Ref, err)
	}
	if offset > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
	answer, err := s.Session.Do(req)
	if err != nil {
		return nil, explain(i.Ref, err)
	}
	switch answer.StatusCode {
	case http.StatusOK, http.StatusPartialContent:
		return store.From(answer, offset)
	case http.StatusNoContent:
		_ = answer.Body.Close()
		return nil, store.Errorf(i.Ref, store.ErrNotReady, "has no content yet")
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(answer.Body, answerLimit))
	return nil, refused(i.Ref, "download it", answer, body)
}

// Wait watches an image until it can be read. One that never will be is an error at
// once, and so is one to which nothing happens.
func (s *Store) Wait(ctx context.Context, i store.Info) (store.Info, error) {
	limit := s.Limit
	if limit == 0 {
		limit = 10 * time.Minute
	}
	end := time.NewTimer(limit)
	defer end.Stop()
	for {
		found, err := s.get(ctx, i.Ref, i.ID)
		if err != nil {
			return store.Info{}, err
		}
		switch now := found.info(i.Ref, ""); found.Status {
		case store.Active:
			return now, nil
		case "queued":
			return store.Info{}, store.Errorf(i.Ref, store.ErrNotReady, "is queued: nobody has uploaded its content")
		case "saving", "uploading", "importing":
		default: // killed, deleted, pending_delete, deactivated
			return store.Info{}, store.Errorf(i.Ref, store.ErrNotReady, "is %s (image %s), and will not become usable by waiting", plain(found.Status), i.ID)
		}
		select {
		case <-s.tick():
		case <-end.C:
			return store.Info{}, store.Errorf(i.Ref, store.ErrStalled, "is still %s after %s (image %s)", found.Status, limit, i.ID)
		case <-ctx.Done():
			return store.Info{}, context.Cause(ctx)
		}
	}
}

func (s *Store) tick() <-chan time.Time {
	if s.Poll > 0 {
		return time.After(s.Poll)
	}
	return time.After(time.Second)
}
