package glance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/ystackdev/ystack/pkg/image/store"
)

// Write makes an image that is marked as unfinished, fills it, compares what Glance has
// computed, and only then takes the mark off. What fails is deleted again.
func (s *Store) Write(ctx context.Context, r store.Ref, u *store.Upload) (store.Info, error) {
	return s.make(ctx, r, u, s.fill)
}

// make makes an image that is filled by fill, or none.
func (s *Store) make(ctx context.Context, r store.Ref, u *store.Upload,
	fill func(ctx context.Context, r store.Ref, id string, u *store.Upload) (store.Info, error),
) (store.Info, error) {
	if uuid.MatchString(r.Name) {
		return store.Info{}, store.Errorf(r, store.ErrTaken, "cannot be written: Glance gives out ids itself; name the image")
	}
	if err := s.sweep(ctx, r); err != nil {
		return store.Info{}, err
	}
	made, err := s.create(ctx, r, u)
	if err != nil {
		return store.Info{}, err
	}
	done, err := fill(ctx, r, made.ID, u)
	if err == nil {
		return done, nil
	}
	// Even if we are told to stop.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	if left := s.remove(ctx, r, made.ID); left != nil {
		return store.Info{}, fmt.Errorf("%w; image %s stays behind unfinished until the next copy", err, made.ID)
	}
	return store.Info{}, err
}

// create makes the image without content.
func (s *Store) create(ctx context.Context, r store.Ref, u *store.Upload) (*record, error) {
	format := u.Format
	if format == "" {
		format = "raw"
	}
	body := map[string]any{"name": r.Name, "disk_format": format, "container_format": container(format), unfinished: "true"}
	for name, value := range u.Properties {
		if n, err := strconv.Atoi(value); err == nil && (name == "min_disk" || name == "min_ram") {
			body[name] = n
		} else {
			body[name] = value
		}
	}
	if len(u.Tags) > 0 {
		body["tags"] = slices.Compact(slices.Sorted(slices.Values(u.Tags)))
	}
	if u.Visibility != "" {
		body["visibility"] = u.Visibility
	}
	data, err := s.do(ctx, call{method: http.MethodPost, path: "/v2/images", body: body, ref: r, doing: "create it"}, http.StatusCreated)
	if err != nil {
		return nil, err
	}
	made, err := parse(data)
	if err != nil {
		return nil, store.Errorf(r, store.ErrFailed, "%v", err)
	}
	return made, nil
}

// container is bare but for the parts of an image that Amazon's format had.
func container(format string) string {
	switch format {
	case "aki", "ari", "ami":
		return format
	}
	return "bare"
}

func (s *Store) fill(ctx context.Context, r store.Ref, id string, u *store.Upload) (store.Info, error) {
	path := imagePath(id) + "/file"
	if s.Import {
		path = imagePath(id) + "/stage"
	}
	if err := s.send(ctx, r, path, u); err != nil {
		return store.Info{}, err
	}
	if s.Import {
		k := call{method: http.MethodPost, path: imagePath(id) + "/import", ref: r, doing: "import it"}
		k.body = map[string]any{"method": map[string]any{"name": "glance-direct"}}
		if _, err := s.do(ctx, k, http.StatusAccepted); err != nil {
			return store.Info{}, err
		}
	}
	now, err := s.wait(ctx, r, id)
	if s.Import && errors.Is(err, store.ErrNotReady) {
		err = s.whyNot(ctx, r, id, "ask who runs the cloud", err)
	}
	if err != nil {
		return store.Info{}, err
	}
	if err := check(now, u); err != nil {
		return store.Info{}, err
	}
	return s.complete(ctx, now, u, u.Sums())
}

// wait is Wait for an image that has got its content: after a stage it may not look so.
func (s *Store) wait(ctx context.Context, r store.Ref, id string) (store.Info, error) {
	return s.Wait(ctx, store.Info{Ref: r, ID: id})
}

// send uploads the content. Its size goes along, twice: proxies look at the one, newer
// Glances compare with the other.
func (s *Store) send(ctx context.Context, r store.Ref, path string, u *store.Upload) error {
	content, err := u.Body(ctx)
	if err != nil {
		return err
	}
	req, err := s.Session.Request(ctx, http.MethodPut, "image", path, content)
	if err != nil {
		return explain(r, err)
	}
	req.ContentLength = u.Size
	req.Header.Set("Content-Type", "application/octet-stream")
	req.Header.Set("X-Openstack-Image-Size", strconv.FormatInt(u.Size, 10))
	answer, err := s.Session.Do(req)
	if err != nil {
		return u.Cause(explain(r, err))
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusNoContent {
		body, _ := io.ReadAll(io.LimitReader(answer.Body, answerLimit))
		return refused(r, "upload it", answer, body)
	}
	return nil
}

// check compares what Glance has with what was sent.
func check(now store.Info, u *store.Upload) error {
	same, known := now.Digests.Same(u.Sums())
	switch {
	case now.Size != u.Size:
		return store.Errorf(now.Ref, store.ErrCorrupt, "Glance has %d bytes of the %d that were sent", now.Size, u.Size)
	case !known:
		return store.Errorf(now.Ref, store.ErrFailed, "Glance keeps no digest that could be compared (sha512 or sha256)")
	case !same:
		return store.Errorf(now.Ref, store.ErrCorrupt, "Glance has other content than was sent; copy again")
	}
	return nil
}

// complete takes the mark off and notes the digests, at once.
func (s *Store) complete(ctx context.Context, i store.Info, u *store.Upload, sums store.Digests) (store.Info, error) {
	changes := []change{{Op: "remove", Path: "/" + unfinished}}
	noted := u.Noted(sums)
	for _, name := range []string{store.SHA256, store.SHA512} {
		if noted[name] != "" && (name == store.SHA256 || i.Digests["sha512"] == "") {
			changes = append(changes, change{"add", "/" + name, noted[name]})
		}
	}
	if u.Protected {
		changes = append(changes, change{"replace", "/protected", true})
	}
	return s.patch(ctx, i, "finish it", changes)
}

// change is a line of a JSON patch.
type change struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}

func (s *Store) patch(ctx context.Context, i store.Info, doing string, changes []change) (store.Info, error) {
	k := call{
		method: http.MethodPatch, path: imagePath(i.ID), body: changes,
		kind: "application/openstack-images-v2.1-json-patch", ref: i.Ref, doing: doing,
	}
	data, err := s.do(ctx, k, http.StatusOK)
	if err != nil {
		return store.Info{}, err
	}
	now, err := parse(data)
	if err != nil {
		return store.Info{}, store.Errorf(i.Ref, store.ErrFailed, "%v", err)
	}
	return now.info(i.Ref, ""), nil
}

// Annotate adds properties.
func (s *Store) Annotate(ctx context.Context, i store.Info, properties map[string]string) error {
	var changes []change
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if name == store.SHA512 && i.Digests["sha512"] != "" || name == "min_disk" || name == "min_ram" {
			continue // Glance has these itself
		}
		changes = append(changes, change{"add", "/" + name, properties[name]})
	}
	if len(changes) == 0 {
		return nil
	}
	_, err := s.patch(ctx, i, "note its properties", changes)
	return err
}
