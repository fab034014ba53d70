package store

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// Copier copies images.
type Copier struct {
	// Open finds the store of a reference.
	Open func(Ref) (Store, error)
	// Limit is for how long a side may not move before it is given up; 0 stands for a minute.
	Limit time.Duration
	// Commit is for how long a destination may take after the last byte; 0 stands for
	// fifteen minutes.
	Commit time.Duration
	// Pause is what passes before a source is opened again; 0 stands for half a second.
	Pause time.Duration
	// Report hears how far each destination is, from several goroutines.
	Report func(Progress)

	block int // bytes that are read at once; tests take fewer
}

// Progress is how far a destination is.
type Progress struct {
	To          Ref
	Done, Total int64
}

// Request says what to copy and what to note about it.
type Request struct {
	From    Ref
	To      []Ref
	Format  string  // if the source does not tell
	Digests Digests // that the source must have, from somewhere else
	// Fetch has destinations that can get a URL by themselves do so.
	Fetch      bool
	Properties map[string]string
	Visibility string
	Tags       []string
	Protected  bool
	// DryRun finds out what is to be done, and does nothing.
	DryRun bool
}

// Result is what became of a destination.
type Result string

// What can become of a destination.
const (
	Copied  Result = "copied"
	Linked  Result = "linked"  // the server had the content and got only the name
	Fetched Result = "fetched" // the server got it from the source by itself
	Present Result = "present" // it was there already
	Failed  Result = "failed"
	Missing Result = "to be copied" // in a dry run
)

// Outcome is how it went with one destination.
type Outcome struct {
	To     Ref
	Result Result
	Info   Info
	Err    error
}

// destination is one on its way.
type destination struct {
	Outcome
	store   Store
	fetcher Fetcher // it is to get the source by itself
}

// Copy reads an image once and writes it to every destination that does not have it. One
// that fails does not stop the others. The error is the source's; its description has
// the digests that were computed on the way.
func (c *Copier) Copy(ctx context.Context, r Request) (Info, []Outcome, error) {
	from, info, err := c.source(ctx, r)
	if err != nil {
		return Info{}, nil, err
	}
	all := make([]*destination, len(r.To))
	var preparing sync.WaitGroup
	for i, to := range r.To {
		all[i] = &destination{Outcome: Outcome{To: to}}
		preparing.Go(func() { c.prepare(ctx, all[i], from, info, r) })
	}
	preparing.Wait()
	left := slices.DeleteFunc(slices.Clone(all), func(d *destination) bool { return d.Result != "" || d.fetcher != nil })
	fetching := c.fetch(ctx, all, info, r)
	if len(left) > 0 {
		var sums Digests
		sums, err = c.transfer(ctx, from, info, left, r)
		info.Digests = maps.Clone(info.Digests)
		if info.Digests == nil {
			info.Digests = Digests{}
		}
		maps.Copy(info.Digests, sums)
	}
	fetching.Wait()
	outcomes := make([]Outcome, len(all))
	for i, d := range all {
		outcomes[i] = d.Outcome
	}
	return info, outcomes, err
}

// fetch lets destinations that can get the source by themselves do so, all at once.
func (c *Copier) fetch(ctx context.Context, all []*destination, info Info, r Request) *sync.WaitGroup {
	var fetching sync.WaitGroup
	for _, d := range all {
		if d.fetcher == nil {
			continue
		}
		fetching.Go(func() {
			if d.Info, d.Err = d.fetcher.Fetch(ctx, d.To, r.upload(info)); d.Err != nil {
				d.Result = Failed
				return
			}
			d.Result = Fetched
		})
	}
	return &fetching
}

// source is the image to read, ready to be read.
func (c *Copier) source(ctx context.Context, r Request) (Store, Info, error) {
	from, err := c.Open(r.From)
	if err != nil {
		return nil, Info{}, err
	}
	info, err := from.Stat(ctx, r.From)
	if err != nil {
		return nil, Info{}, err
	}
	if w, slow := from.(Waiter); slow && info.State != Active {
		if info, err = w.Wait(ctx, info); err != nil {
			return nil, Info{}, err
		}
	}
	if info.State != Active {
		return nil, Info{}, Errorf(r.From, ErrNotReady, "is %s", info.State)
	}
	if len(r.Digests) > 0 {
		if same, known := info.Digests.Same(r.Digests); known && !same {
			return nil, Info{}, Errorf(r.From, ErrCorrupt, "is %s, and not %s", info.Digests.short(), r.Digests.short())
		}
		claimed := maps.Clone(r.Digests)
		maps.Copy(claimed, info.Digests)
		info.Digests = claimed
	}
	if r.Format != "" {
		info.Format = r.Format
	}
	return from, info, nil
}

// upload is what a destination gets to know before the content.
func (r Request) upload(info Info) *Upload {
	properties := map[string]string{}
	for name, value := range info.Properties {
		if travels(name) && name != SHA256 && name != SHA512 {
			properties[name] = value
		}
	}
	maps.Copy(properties, r.Properties)
	return &Upload{
		From: info.Ref, Size: info.Size, Format: info.Format, Properties: properties, Known: info.claimed(), Version: info.Version,
		Visibility: r.Visibility, Tags: append(slices.Clone(info.Tags), r.Tags...), Protected: r.Protected,
	}
}
