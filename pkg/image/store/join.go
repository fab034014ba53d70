package store

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

// Entry is an image with all the places that have it.
type Entry struct {
	Identity
	SHA256 string
	Size   int64
	Format string
	Images []Info
}

// Since is when the first of the places got it.
func (e Entry) Since() time.Time {
	var first time.Time
	for _, i := range e.Images {
		if first.IsZero() || !i.Created.IsZero() && i.Created.Before(first) {
			first = i.Created
		}
	}
	return first
}

// Find lists what the places have of an application, or of all. A place that cannot be
// asked is an error beside the others' answers.
func (c *Copier) Find(ctx context.Context, places []Ref, application string) ([]Entry, []error) {
	var mu sync.Mutex
	var all []Info
	var errs []error
	var asking sync.WaitGroup
	for _, place := range places {
		asking.Go(func() {
			s, err := c.Open(place)
			var found []Info
			if err == nil {
				found, err = s.List(ctx, place, application)
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, found...)
			if err != nil {
				errs = append(errs, err)
			}
		})
	}
	asking.Wait()
	return join(all), errs
}

// join puts together what is the same: images of one identity with the same content.
func join(all []Info) []Entry {
	known := map[string]string{} // the SHA-256 of a SHA-512, for clouds that tell only that
	for _, i := range all {
		if d := i.claimed(); d["sha256"] != "" && d["sha512"] != "" {
			known[d["sha512"]] = d["sha256"]
		}
	}
	type key struct {
		Identity
		content string
	}
	index := map[key]int{}
	var entries []Entry
	for _, i := range all {
		d := i.claimed()
		sum := d["sha256"]
		if sum == "" {
			sum = known[d["sha512"]]
		}
		k := key{IdentityOf(i), cmp.Or(sum, d["sha512"], i.ID)}
		at, there := index[k]
		if !there {
			at = len(entries)
			index[k] = at
			entries = append(entries, Entry{Identity: k.Identity, SHA256: sum, Size: i.Size, Format: i.Format})
		}
		entries[at].Images = append(entries[at].Images, i)
	}
	for _, e := range entries {
		slices.SortFunc(e.Images, func(a, b Info) int { return cmp.Compare(a.Ref.String(), b.Ref.String()) })
	}
	slices.SortFunc(entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.App, b.App), a.Since().Compare(b.Since()), cmp.Compare(a.Revision, b.Revision), cmp.Compare(a.Target, b.Target), cmp.Compare(a.SHA256, b.SHA256))
	})
	return entries
}
