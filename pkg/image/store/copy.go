package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
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
	From       Ref
	To         []Ref
	Format     string // if the source does not tell
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
	store Store
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
	left := slices.DeleteFunc(slices.Clone(all), func(d *destination) bool { return d.Result != "" })
	if len(left) > 0 {
		var sums Digests
		sums, err = c.transfer(ctx, from, info, left, r)
		info.Digests = maps.Clone(info.Digests)
		if info.Digests == nil {
			info.Digests = Digests{}
		}
		maps.Copy(info.Digests, sums)
	}
	outcomes := make([]Outcome, len(all))
	for i, d := range all {
		outcomes[i] = d.Outcome
	}
	return info, outcomes, err
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

// prepare settles a destination that needs no transfer, or cannot get one.
func (c *Copier) prepare(ctx context.Context, d *destination, from Store, info Info, r Request) {
	var err error
	if d.store, err = c.Open(d.To); err == nil {
		err = c.look(ctx, d, from, info, r)
	}
	if err != nil {
		d.Result, d.Err = Failed, err
	}
}

func (c *Copier) look(ctx context.Context, d *destination, from Store, info Info, r Request) error {
	there, err := existing(ctx, d.store, d.To)
	switch {
	case errors.Is(err, ErrNotFound) && r.DryRun:
		d.Result = Missing
		return nil
	case errors.Is(err, ErrNotFound):
		return c.link(ctx, d, r.upload(info))
	case err != nil:
		return err
	}
	for _, found := range there {
		same, err := equal(ctx, from, info, d.store, found)
		if err != nil {
			return err
		}
		if same {
			d.Result, d.Info = Present, found
			return complete(ctx, d, info, r)
		}
	}
	return Errorf(d.To, ErrTaken, "is taken by another image (%s, %d bytes); delete that, or choose another name", there[0].Digests.short(), there[0].Size)
}

// existing are the finished images under a name that count as ours.
func existing(ctx context.Context, s Store, r Ref) ([]Info, error) {
	found, err := s.Stat(ctx, r)
	list := []Info{found}
	var several *AmbiguousError
	if errors.As(err, &several) {
		list, err = several.Images, nil
	}
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(slices.Clone(list), func(i Info) bool { return i.State != Active || i.Foreign })
	if len(list) == 0 {
		return nil, Errorf(r, ErrNotFound, "")
	}
	return list, nil
}

// equal compares by digest, computing those of files only when all else agrees.
func equal(ctx context.Context, a Store, ai Info, b Store, bi Info) (bool, error) {
	if ai.Size != bi.Size {
		return false, nil
	}
	if same, known := ai.claimed().Same(bi.claimed()); known {
		return same, nil
	}
	algorithm, _ := ai.claimed().strongest()
	if algorithm == "" {
		algorithm, _ = bi.claimed().strongest()
	}
	if algorithm == "" {
		algorithm = "sha256"
	}
	left, err := sum(ctx, a, ai, algorithm)
	if err != nil || left == "" {
		return false, err
	}
	right, err := sum(ctx, b, bi, algorithm)
	return left == right, err
}

// sum is a digest that is known or costs nothing to find out, else empty.
func sum(ctx context.Context, s Store, i Info, algorithm string) (string, error) {
	if known := i.claimed()[algorithm]; known != "" {
		return known, nil
	}
	if summer, cheap := s.(Summer); cheap {
		return summer.Sum(ctx, i, algorithm)
	}
	return "", nil
}

// link makes the image of what the server has already, if it can.
func (c *Copier) link(ctx context.Context, d *destination, u *Upload) error {
	linker, can := d.store.(Linker)
	if !can || u.Known["sha256"] == "" {
		return nil
	}
	info, done, err := linker.Link(ctx, d.To, u, u.Known["sha256"])
	if err == nil && done {
		d.Result, d.Info = Linked, info
	}
	return err
}

// complete adds the properties that the image lacks: an earlier copy may have been
// ended before it could.
func complete(ctx context.Context, d *destination, from Info, r Request) error {
	annotator, can := d.store.(Annotator)
	if !can || r.DryRun {
		return nil
	}
	found, missing := d.Info, map[string]string{}
	for name, value := range r.upload(from).Noted(found.Digests) {
		if found.Properties[name] == "" && value != found.Digests[strings.TrimPrefix(name, "ystack_")] {
			missing[name] = value
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return annotator.Annotate(ctx, found, missing)
}

// Noted are the properties to keep with the image, its digests among them.
func (u *Upload) Noted(sums Digests) map[string]string {
	noted := maps.Clone(u.Properties)
	if noted == nil {
		noted = map[string]string{}
	}
	for algorithm, property := range map[string]string{"sha256": SHA256, "sha512": SHA512} {
		for _, digests := range []Digests{u.Known, sums} {
			if value := digests[algorithm]; value != "" {
				noted[property] = value
			}
		}
	}
	return noted
}

// errLate is why a destination is given up that does not come to an end.
func errLate(limit time.Duration) error {
	return fmt.Errorf("%w: not finished %s after the last byte", ErrStalled, limit)
}
