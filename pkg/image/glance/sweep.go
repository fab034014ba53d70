package glance

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/ystackdev/ystack/pkg/image/store"
)

// settled is how long an unfinished image must have been left alone to be one that
// nobody will finish: whoever makes one goes on with it at once.
const settled = 5 * time.Second

// sweep deletes what broken off copies to the same name have left, and leaves alone
// what is still being filled.
func (s *Store) sweep(ctx context.Context, r store.Ref) error {
	limit := time.NewTimer(30 * time.Second)
	defer limit.Stop()
	for first := map[string]sighting{}; ; {
		busy, err := s.sweepOnce(ctx, r, first)
		if err != nil || busy == "" {
			return err
		}
		select {
		case <-s.tick():
		case <-limit.C:
			return store.Errorf(r, store.ErrTaken, "is being written by another copy (image %s); wait for that, or delete the image", busy)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// sighting is when an image was first seen as it is; clocks of servers may differ from ours.
type sighting struct {
	updated time.Time
	status  string
	at      time.Time
}

func (s *Store) sweepOnce(ctx context.Context, r store.Ref, first map[string]sighting) (busy string, err error) {
	project, err := s.project(ctx, r)
	if err != nil {
		return "", err
	}
	found, err := s.named(ctx, r)
	if err != nil {
		return "", err
	}
	for _, f := range found {
		if _, half := f.properties[unfinished]; !half || project != "" && f.Owner != project {
			continue
		}
		seen, known := first[f.ID]
		if !known || !seen.updated.Equal(f.Updated) || seen.status != f.Status {
			seen = sighting{f.Updated, f.Status, time.Now()}
			first[f.ID] = seen
		}
		if f.Status == "saving" || f.Status == "uploading" || f.Status == "importing" || time.Since(seen.at) < settled {
			busy = f.ID
			continue
		}
		if err := s.remove(ctx, r, f.ID); err != nil {
			return "", err
		}
	}
	return busy, nil
}

// remove deletes an image; one that is gone is no error.
func (s *Store) remove(ctx context.Context, r store.Ref, id string) error {
	_, err := s.do(ctx, call{method: http.MethodDelete, path: imagePath(id), ref: r, doing: "delete image " + id}, http.StatusNoContent)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// Delete removes an image.
func (s *Store) Delete(ctx context.Context, i store.Info) error {
	_, err := s.do(ctx, call{method: http.MethodDelete, path: imagePath(i.ID), ref: i.Ref, doing: "delete it"}, http.StatusNoContent)
	return err
}
