package where

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/ystackdev/ystack/pkg/deploy"
	"github.com/ystackdev/ystack/pkg/image/store"
	"github.com/ystackdev/ystack/pkg/pipeline"
)

// list asks the places for the images of an application, or of all.
func (x *search) list(ctx context.Context, application string, tagged func(string) bool) {
	for _, place := range x.Places {
		x.ask(ctx, placeName(place), func(ctx context.Context) error {
			err := x.listOne(ctx, place, application, tagged)
			if application == "" && place.Scheme == store.OCI && (errors.Is(err, store.ErrDenied) || errors.Is(err, store.ErrNotFound)) {
				x.mu.Lock()
				defer x.mu.Unlock()
				x.unlisted = append(x.unlisted, unlisted{place, tagged, err})
				return nil
			}
			return err
		})
	}
}

// byName asks registries that do not tell which repositories they have for those of the
// applications that are known from elsewhere.
func (x *search) byName(ctx context.Context) {
	names := slices.Clone(x.Known)
	for _, w := range x.workloads {
		names = append(names, w.App)
	}
	for _, i := range x.images {
		names = append(names, i.App)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	for _, u := range x.unlisted {
		if len(names) == 0 {
			x.fail(placeName(u.of), u.err)
			continue
		}
		x.note("%s does not tell what it has (%v); looked there for %s", placeName(u.of), said(u.err), strings.Join(names, ", "))
		x.askEach(ctx, len(names), func(k int) (string, func(context.Context) error) {
			return placeName(u.of), func(ctx context.Context) error { return x.listOne(ctx, u.of, names[k], u.tagged) }
		})
	}
	x.unlisted = nil
}

func (x *search) listOne(ctx context.Context, place store.Ref, application string, tagged func(string) bool) error {
	s, err := x.Open(place, tagged)
	if err != nil {
		return err
	}
	infos, err := s.List(ctx, place, application)
	for _, i := range infos {
		x.add(imageOf(i))
	}
	return err
}

func placeName(r store.Ref) string {
	switch r.Scheme {
	case store.Glance:
		return "Glance of cloud " + cmp.Or(r.Host, "in use")
	case store.OCI:
		return "registry " + strings.TrimSuffix(r.Host+"/"+r.Name, "/")
	}
	return "Artifactory " + r.Host + "/" + r.Name
}

// add keeps an image, once.
func (x *search) add(i Image) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if key := i.Ref.String() + " " + i.ID; !x.seen[key] {
		x.seen[key] = true
		x.images = append(x.images, i)
	}
}

// imageOf reads a store's answer. Whose a container image is, and of which revision, its
// repository and tag say. What it says itself is what it was first built from: that can be
// another commit with the same inputs, or even another application.
func imageOf(i store.Info) Image {
	of := store.IdentityOf(i)
	found := Image{
		App: of.App, Revision: of.Revision, Target: of.Target, Ref: i.Ref, ID: i.ID,
		Format: i.Format, Size: i.Size, State: i.State, Since: i.Created,
	}
	if sum := cmp.Or(i.Digests["sha256"], i.Properties[store.SHA256]); sum != "" {
		found.Digest = "sha256:" + sum
	}
	if i.Format != "container" {
		return found
	}
	found.Digest, found.Target = i.ID, cmp.Or(of.Target, deploy.Container)
	if tag := i.Ref.Tag; isRevision(tag) {
		found.App, found.Revision = path.Base(i.Ref.Name), tag
		if tag != of.Revision {
			found.BuiltFrom = of.Revision
		}
	}
	return found
}

func isRevision(tag string) bool {
	return dirty.MatchString(tag) || hex.MatchString(tag) && len(tag) >= 40
}

// records reads the runs that are attached to the images in registries, and gives each the
// ones of its revision: others brought another commit with the same inputs there.
func (x *search) records(ctx context.Context) {
	of := map[string][]*Image{}
	for k := range x.picked {
		if i := &x.picked[k]; i.Ref.Scheme == store.OCI && i.ID != "" {
			ref := i.Ref.Host + "/" + i.Ref.Name + "@" + i.ID
			of[ref] = append(of[ref], i)
		}
	}
	refs := slices.Sorted(maps.Keys(of))
	x.askEach(ctx, len(refs), func(k int) (string, func(context.Context) error) {
		return "record of " + refs[k], func(ctx context.Context) error {
			runs, err := pipeline.Records(ctx, x.Registry, refs[k])
			for _, r := range runs {
				for _, i := range of[refs[k]] {
					if r.Revision == i.Revision {
						i.Runs = append(i.Runs, r)
					}
				}
			}
			return err
		}
	})
}
