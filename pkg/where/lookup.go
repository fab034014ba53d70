package where

import (
	"context"
	"errors"
	"strings"

	"github.com/ystackdev/ystack/pkg/deploy"
	"github.com/ystackdev/ystack/pkg/image/store"
)

// lookUp finds the images of workloads that no list has: under a tag that is gone, under
// another revision with the same inputs, or in another place than the site's. Of drift it is to
// be known whether each image is where its workload gets it from. Images that somebody has
// set by hand can be anything, and anywhere.
func (x *search) lookUp(ctx context.Context) {
	asked := map[string][]*Workload{}
	var refs []string
	for i := range x.workloads {
		w := &x.workloads[i]
		w.unlisted = !x.Drift && !x.has(*w)
		if ref := w.reference(); ref != "" && (x.Drift || w.unlisted) {
			if asked[ref] == nil {
				refs = append(refs, ref)
			}
			asked[ref] = append(asked[ref], w)
		}
	}
	x.askEach(ctx, len(refs), func(k int) (string, func(context.Context) error) {
		return strings.TrimPrefix(refs[k], "oci://"), func(ctx context.Context) error { return x.lookAt(ctx, refs[k], asked[refs[k]]) }
	})
	x.elsewhere(ctx)
}

// lookAt finds one image, and tells the workloads that have it.
func (x *search) lookAt(ctx context.Context, text string, of []*Workload) error {
	i, err := x.stat(ctx, text)
	gone := errors.Is(err, store.ErrNotFound)
	if err != nil && !gone {
		return err
	}
	for _, w := range of {
		w.gone, w.unnamed = gone, !gone && w.Revision == "" && i.Revision == ""
	}
	if !gone {
		x.pick(i, *of[0])
	}
	return nil
}

// pick adds an image that a workload has. It is of the workload's revision, whatever other
// one it was built for.
func (x *search) pick(i Image, w Workload) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, known := range x.picked {
		if known.same(i) {
			return
		}
	}
	if i.App, i.Target = w.App, w.Target; w.Revision != "" && w.Revision != i.Revision {
		i.Revision, i.BuiltFrom = w.Revision, i.Revision
	}
	x.picked = append(x.picked, i)
}

// same tells whether two are one, found by its name and by its id.
func (i Image) same(other Image) bool {
	if i.Ref.Scheme != other.Ref.Scheme || i.Ref.Host != other.Ref.Host || i.ID != other.ID {
		return false
	}
	return i.Ref.Name == other.Ref.Name || i.Ref.Scheme == store.Glance
}

// reference is the image that was deployed, as a store knows it; "" if the workload has
// another one, or no record. Who deployed can have had another name for the cloud.
func (w Workload) reference() string {
	if w.Image == "" || w.Has != "" {
		return ""
	}
	if w.Target == deploy.Container {
		return "oci://" + w.Image
	}
	of, err := store.Parse(w.Image)
	switch {
	case uuid.MatchString(w.Image):
		of = store.Ref{Scheme: store.Glance, Name: w.Image}
	case err != nil || of.Scheme != store.Glance:
		return w.Image
	}
	of.Host = w.cloud
	return of.String()
}

// has tells whether an image that was found is the workload's.
func (x *search) has(w Workload) bool {
	for _, i := range x.picked {
		if w.Digest != "" && i.Digest == w.Digest || i.ID != "" && strings.HasSuffix("/"+w.Image, "/"+i.ID) {
			return true
		}
	}
	return false
}

// stat is an image by the reference that a workload has.
func (x *search) stat(ctx context.Context, text string) (Image, error) {
	ref, err := store.Parse(text)
	if err != nil {
		return Image{}, err
	}
	s, err := x.Open(ref, nil)
	if err != nil {
		return Image{}, err
	}
	info, err := s.Stat(ctx, ref)
	if err != nil {
		return Image{}, err
	}
	return imageOf(info), nil
}

// elsewhere looks for more places that have an image which is gone, or which no list had.
func (x *search) elsewhere(ctx context.Context) {
	wanted := map[[2]string]Workload{}
	asked := map[string]bool{}
	for _, w := range x.workloads {
		if (w.gone || w.unlisted) && w.Digest != "" && application.MatchString(w.App) {
			wanted[[2]string{w.App, w.Digest}] = w
			if !asked[w.App] {
				asked[w.App] = true
				x.list(ctx, w.App, nil)
			}
		}
	}
	x.asking.Wait()
	for _, i := range x.images {
		if w, ok := wanted[[2]string{i.App, i.Digest}]; ok {
			x.pick(i, w)
		}
	}
}
