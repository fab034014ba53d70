package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/ystackdev/ystack/pkg/image"
)

// RecordType is the type of the artifact that is the record of a run. It is attached to
// the images that the run made, so that it goes where they go.
const RecordType = "application/vnd.ystack.run.v1+json"

// PushRecord attaches the record of a run to the images in registries that it is about:
// so teammates and CI see what only one machine has the log of. A run that nothing is
// known of (there was nothing to do) stands for the last one that came to the images. A
// record that is there is not sent again.
func (s *Store) PushRecord(ctx context.Context, registry *image.Client, run string, images ...string) error {
	r, err := s.recordOf(run, images)
	if err != nil || r == nil {
		return err
	}
	record, err := s.public(*r)
	if err != nil {
		return err
	}
	d := image.Document{Type: RecordType, Name: r.ID, Content: record, Annotations: map[string]string{
		labelApp: r.App, labelRevision: r.Revision, "ystack_run": r.ID, "ystack_state": string(r.State), "ystack_by": r.By,
		"org.opencontainers.image.created": r.Ended.UTC().Format(time.RFC3339),
	}}
	var failed []error
	for _, of := range r.published() {
		if err := registry.Attach(ctx, of, d); err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// recordOf is the run, or the newest that succeeded and made one of the images.
func (s *Store) recordOf(id string, images []string) (*Run, error) {
	if id != "" {
		r, err := s.Get(id)
		return &r, err
	}
	runs, err := s.List()
	for i := range runs {
		for _, of := range runs[i].published() {
			if runs[i].State == Succeeded && slices.Contains(images, of) {
				return &runs[i], err
			}
		}
	}
	return nil, err
}

// published are the images in registries that steps of the run left, in their order.
func (r *Run) published() []string {
	var all []string
	for _, s := range r.Steps {
		for _, name := range []string{"image", "archive"} {
			for _, ref := range strings.Fields(s.Output[name]) {
				ref, archived := strings.CutPrefix(ref, "oci://")
				if (archived || pinned.MatchString(ref)) && !slices.Contains(all, ref) {
					all = append(all, ref)
				}
			}
		}
	}
	return all
}

var pinned = regexp.MustCompile(`^[^@:/\s]+(:[0-9]+)?/[^@:\s]+@sha256:[0-9a-f]{64}$`)

// public is the run as others may read it: without what is of this machine only, and
// without credentials that a tool's message may have quoted.
func (s *Store) public(r Run) ([]byte, error) {
	data, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	var all map[string]any
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, err
	}
	return json.Marshal(cleaner{r.Dir, s.dir}.value("", all))
}

// cleaner has the directories that are not told: that of the application is ".".
type cleaner struct{ application, state string }

// value cleans what is under the name in an object.
func (c cleaner) value(name string, v any) any {
	switch v := v.(type) {
	case string:
		v = c.paths(v)
		if name == "message" || name == "detail" {
			v = image.Scrub(v)
		}
		return v
	case []any:
		for i := range v {
			v[i] = c.value(name, v[i])
		}
	case map[string]any:
		for name := range v {
			if name == "dir" || name == "key" { // they mean something on one machine only
				delete(v, name)
				continue
			}
			v[name] = c.value(name, v[name])
		}
	}
	return v
}

// file is an absolute path, with what is before it. One of a URL is none, and neither is
// that of a health check.
var file = regexp.MustCompile(`(GET |^|[\s"'=(\[,:])((?:/[^\s/"')\],:]+)+/?)`)

// paths leaves the last part of each file's name.
func (c cleaner) paths(text string) string {
	for of, stands := range map[string]string{c.application: ".", c.state: ""} {
		if of != "" {
			text = strings.ReplaceAll(text, of, stands)
		}
	}
	return file.ReplaceAllStringFunc(text, func(found string) string {
		m := file.FindStringSubmatch(found)
		if m[1] == "GET " {
			return found
		}
		return m[1] + path.Base(m[2])
	})
}

// Records are the runs whose record is attached to the image, newest first. It is given
// by digest.
func Records(ctx context.Context, registry *image.Client, ref string) ([]Run, error) {
	documents, err := registry.Attached(ctx, ref, RecordType)
	if err != nil {
		return nil, err
	}
	return runsOf(documents), nil
}

var runID = regexp.MustCompile(`^(.+)-[0-9]{8}-[0-9]{6}-[0-9a-f]{4}$`)

// AppOf is the application that a run's full id begins with.
func AppOf(id string) (string, error) {
	m := runID.FindStringSubmatch(id)
	if m == nil {
		return "", fmt.Errorf("%w: %q is no full id of a run", ErrNoRun, id)
	}
	return m[1], nil
}

// FindRecord reads the record of a run from the repository of the application's images.
func FindRecord(ctx context.Context, registry *image.Client, repository, id string) (Run, error) {
	documents, err := registry.FindAttached(ctx, repository, RecordType, id)
	if err != nil {
		return Run{}, err
	}
	for _, r := range runsOf(documents) {
		if r.ID == id {
			return r, nil
		}
	}
	return Run{}, fmt.Errorf("%w: %s has no record of %s", ErrNoRun, repository, id)
}

// runsOf has each run once, as its last record tells it: one that was taken up again
// has two.
func runsOf(documents []image.Document) []Run {
	last := map[string]Run{}
	for _, d := range documents {
		var r Run
		if json.Unmarshal(d.Content, &r) != nil || r.ID == "" {
			continue // nobody's that we know
		}
		if known, ok := last[r.ID]; !ok || known.Ended.Before(r.Ended) {
			last[r.ID] = r
		}
	}
	runs := make([]Run, 0, len(last))
	for _, r := range last {
		runs = append(runs, r)
	}
	sort.Slice(runs, func(i, j int) bool { return runs[i].Started.After(runs[j].Started) })
	return runs
}
