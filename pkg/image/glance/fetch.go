package glance

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/ystackdev/ystack/pkg/image/store"
)

// Fetch makes an image of what Glance gets from a URL by itself (web-download). Nothing
// of it comes by here, so that its size and digest are what the source is known to have,
// or are not compared.
func (s *Store) Fetch(ctx context.Context, r store.Ref, u *store.Upload) (store.Info, error) {
	return s.make(ctx, r, u, s.fetch)
}

func (s *Store) fetch(ctx context.Context, r store.Ref, id string, u *store.Upload) (store.Info, error) {
	k := call{method: http.MethodPost, path: imagePath(id) + "/import", ref: r, doing: "have it downloaded"}
	k.body = map[string]any{"method": map[string]any{"name": "web-download", "uri": u.From.String()}}
	if _, err := s.do(ctx, k, http.StatusAccepted); err != nil {
		return store.Info{}, err
	}
	if err := s.begun(ctx, r, id); err != nil {
		return store.Info{}, err
	}
	now, err := s.wait(ctx, r, id)
	if errors.Is(err, store.ErrNotReady) {
		err = s.whyNot(ctx, r, id, unreached, err)
	}
	if err != nil {
		return store.Info{}, err
	}
	switch same, known := now.Digests.Same(u.Known); {
	case now.Size != u.Size:
		return store.Info{}, store.Errorf(r, store.ErrCorrupt, "Glance has got %d bytes of %s, which has %d", now.Size, u.From, u.Size)
	case known && !same:
		return store.Info{}, store.Errorf(r, store.ErrCorrupt, "what Glance has got of %s is not what it should be: its digest is another", u.From)
	case !known && len(u.Known) > 0:
		return store.Info{}, store.Errorf(r, store.ErrFailed, "Glance computes %s, so it cannot be compared; give --checksum of that kind, or leave out --web-download",
			algorithm(now.Digests))
	}
	return s.complete(ctx, now, u, nil)
}

func algorithm(d store.Digests) string {
	for name := range d {
		return name
	}
	return "no digest"
}

// begun waits until Glance does something about an import: the image is queued before,
// and after a failure again. Where Glance does not tell of its tasks, time does.
func (s *Store) begun(ctx context.Context, r store.Ref, id string) error {
	end := time.NewTimer(cmp.Or(s.Limit, time.Minute))
	defer end.Stop()
	for {
		found, err := s.get(ctx, r, id)
		if err != nil {
			return err
		}
		if found.Status != "queued" {
			return nil
		}
		if failed := s.whyNot(ctx, r, id, unreached, nil); failed != nil {
			return failed
		}
		select {
		case <-s.tick():
		case <-end.C:
			return store.Errorf(r, store.ErrStalled, "Glance does not begin to download it")
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// unreached is what a failed download is mostly about.
const unreached = "see that the cloud reaches the server and that the URL is right"

// whyNot is what Glance's task says of a failed import, or else otherwise. The image is
// queued again a moment before the task has failed.
func (s *Store) whyNot(ctx context.Context, r store.Ref, id, hint string, otherwise error) error {
	for end := time.Now().Add(10 * time.Second); ; {
		status, message := s.task(ctx, r, id)
		if status == "failure" {
			return store.Errorf(r, store.ErrFailed, "Glance could not import it: %s; %s", cmp.Or(plain(message), "it does not say why"), hint)
		}
		if otherwise == nil || status != "processing" || time.Now().After(end) {
			return otherwise
		}
		select {
		case <-s.tick():
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// task is how the newest task of an image is; nothing where Glance, before Victoria,
// does not tell.
func (s *Store) task(ctx context.Context, r store.Ref, id string) (status, message string) {
	data, err := s.do(ctx, call{method: http.MethodGet, path: imagePath(id) + "/tasks", ref: r, doing: "see what becomes of it"}, http.StatusOK)
	if err != nil {
		return "", ""
	}
	return lastTask(data)
}

// lastTask reads the newest of an image's tasks.
func lastTask(data []byte) (status, message string) {
	var body struct {
		Tasks []struct {
			Status  string `json:"status"`
			Message string `json:"message"`
			Updated string `json:"updated_at"`
		} `json:"tasks"`
	}
	_ = json.Unmarshal(data, &body)
	newest := ""
	for _, t := range body.Tasks {
		if t.Updated >= newest {
			newest, status, message = t.Updated, t.Status, t.Message
		}
	}
	return status, message
}
