package machine

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"

	"github.com/ystackdev/ystack/pkg/image/store"
)

// Result is an image and where it is.
type Result struct {
	Plan   *Plan
	Image  store.Info // in the first place that has it
	SHA256 string
	Places []store.Info
	Built  bool // rather than found
}

// Build does what the plan says, unless an image of the same inputs is there, and brings it
// to every place. What a killed build has left is taken up if it is of use, and else removed.
func (b *Builder) Build(ctx context.Context, p *Plan) (*Result, error) {
	r, err := b.build(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("%s image of %s: %w", p.Target, p.App, err)
	}
	return r, nil
}

func (b *Builder) build(ctx context.Context, p *Plan) (*Result, error) {
	if p.Present != nil {
		return b.complete(ctx, p, *p.Present)
	}
	n, err := b.claim(p.App, p.Target)
	if err != nil {
		return nil, err
	}
	defer n.close()
	kept := ""
	if n.left() {
		if p.Packer != nil {
			kept = b.adopt(ctx, p, n)
		}
		if kept != "" {
			return b.takeUp(ctx, p, n, kept)
		}
		if err := b.sweep(ctx, n, ""); err != nil {
			return nil, err
		}
	}
	if err := b.begin(p, n); err != nil {
		return nil, err
	}
	r, err := b.make(ctx, p, n)
	return r, errors.Join(err, b.end(ctx, n, r))
}

// begin notes what is about to be made.
func (b *Builder) begin(p *Plan, n *note) error {
	work, err := os.MkdirTemp(b.TempDir, "ystack-build-")
	if err != nil {
		return err
	}
	var random [4]byte
	_, _ = rand.Read(random[:]) // it never fails
	n.App, n.Target, n.Cloud, n.Name, n.Inputs = p.App, p.Target, b.Cloud, p.Name, p.Inputs
	n.Work, n.PID, n.Started = work, os.Getpid(), b.Now()
	if n.Name == "" {
		n.Name = p.App
	}
	if p.Packer != nil {
		n.Key = "ystack-" + p.App + "-" + hex.EncodeToString(random[:])
	}
	return n.write()
}

// end removes what is not to stay, even if we are told to stop.
func (b *Builder) end(ctx context.Context, n *note, r *Result) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sweepLimit)
	defer cancel()
	keep := ""
	switch {
	case r != nil:
		keep = r.Image.ID
	case n.Whole:
		keep = n.Image
		b.Report("image", keep+" is kept for the next attempt; --clean would remove it")
	}
	quiet := *b
	quiet.Report = func(string, string) {}
	if err := quiet.sweep(ctx, n, keep); err != nil {
		return fmt.Errorf("not all of it could be removed; --clean does what is left: %w", err)
	}
	if r == nil && n.Whole {
		n.Server, n.Key, n.Work = "", "", ""
		return n.write()
	}
	return n.forget()
}

// takeUp goes on with the snapshot of a build that was killed.
func (b *Builder) takeUp(ctx context.Context, p *Plan, n *note, image string) (*Result, error) {
	b.Report("packer", "taking up image "+image+" of a build that was interrupted")
	r, err := b.keep(ctx, p, n, image)
	return r, errors.Join(err, b.end(ctx, n, r))
}

// keep notes that the image is worth keeping before it is brought to the archive: if that
// fails, it is all that the next build has to do.
func (b *Builder) keep(ctx context.Context, p *Plan, n *note, image string) (*Result, error) {
	n.Image, n.Whole = image, true
	if err := n.write(); err != nil {
		return nil, err
	}
	r, err := b.store(ctx, p, image)
	for _, useless := range []error{store.ErrNotReady, store.ErrNotFound, store.ErrCorrupt} {
		n.Whole = n.Whole && !errors.Is(err, useless)
	}
	return r, err
}

func (b *Builder) make(ctx context.Context, p *Plan, n *note) (*Result, error) {
	if p.Packer != nil {
		image, err := b.runPacker(ctx, p, n)
		if err != nil {
			return nil, err
		}
		if err := p.unchanged(); err != nil {
			return nil, err
		}
		return b.keep(ctx, p, n, image)
	}
	files, err := b.runElements(ctx, p, n)
	if err != nil {
		return nil, err
	}
	if err := p.unchanged(); err != nil {
		return nil, err
	}
	return b.upload(ctx, p, files)
}

// store brings a snapshot from Glance to the archive, and only then says in its
// properties what it is.
func (b *Builder) store(ctx context.Context, p *Plan, image string) (*Result, error) {
	from := b.glance()
	from.Name = image
	s, err := b.Open(from)
	if err != nil {
		return nil, err
	}
	i, err := s.Stat(ctx, from)
	if err != nil {
		return nil, err
	}
	b.Report("image", "waiting until "+image+" is whole")
	if i, err = s.(store.Waiter).Wait(ctx, i); err != nil {
		return nil, err
	}
	return b.spread(ctx, p, s, i)
}

// spread copies an image of Glance to the archive, and marks it.
func (b *Builder) spread(ctx context.Context, p *Plan, s store.Store, i store.Info) (*Result, error) {
	copier := store.Copier{Open: b.Open, Report: b.Progress}
	places := []store.Info{i}
	var sums store.Digests
	var err error
	if to := p.To[1:]; len(to) > 0 {
		var outcomes []store.Outcome
		read := i
		i.Ref.Name = i.ID // of several images of one name it is this one
		read, outcomes, err = copier.Copy(ctx, store.Request{From: i.Ref, To: to, Properties: p.properties()})
		sums = read.Digests
		for _, o := range outcomes {
			err = errors.Join(err, o.Err)
			places = append(places, o.Info)
			if sums["sha256"] == "" { // nothing was read: the place had it
				sums = o.Info.Digests
			}
		}
	} else {
		sums, err = copier.Verify(ctx, s, i)
	}
	if err != nil {
		return nil, err
	}
	properties := p.properties()
	properties[store.SHA256] = sums["sha256"]
	if err := s.(store.Annotator).Annotate(ctx, i, properties); err != nil {
		return nil, err
	}
	i.Ref = p.To[0]
	places[0] = i
	return &Result{Plan: p, Image: i, SHA256: sums["sha256"], Places: places, Built: true}, nil
}

// complete brings an image that is there already to the places that lack it.
func (b *Builder) complete(ctx context.Context, p *Plan, i store.Info) (*Result, error) {
	r := &Result{Plan: p, Image: i, SHA256: i.Properties[store.SHA256]}
	copier := store.Copier{Open: b.Open, Report: b.Progress}
	to := p.To
	if i.Ref.Scheme == store.Glance {
		r.Places, to = append(r.Places, i), p.To[1:]
		i.Ref.Name = i.ID
	}
	if len(to) == 0 || i.Properties[store.Revision] != p.Revision.String() {
		return r, nil // made for another revision: it keeps that one's name
	}
	_, outcomes, err := copier.Copy(ctx, store.Request{From: i.Ref, To: to, Properties: p.properties()})
	for _, o := range outcomes {
		err = errors.Join(err, o.Err)
		r.Places = append(r.Places, o.Info)
	}
	return r, err
}

// upload brings the files of diskimage-builder to every place: what lies beside the disk
// first, since the disk's properties name it.
func (b *Builder) upload(ctx context.Context, p *Plan, files []file) (*Result, error) {
	properties := p.properties()
	r := &Result{Plan: p, Built: true}
	for at := len(files) - 1; at >= 0; at-- {
		f := files[at]
		info, outcomes, err := b.copyFile(ctx, p, f, properties)
		if err != nil {
			return nil, err
		}
		for _, o := range outcomes {
			if f.part != "" && o.Info.Ref.Scheme == store.Glance {
				properties[map[string]string{"-kernel": Kernel, "-ramdisk": Ramdisk}[f.part]] = o.Info.ID
			}
			if f.part == "" {
				r.Places = append(r.Places, o.Info)
			}
		}
		r.SHA256 = info.Digests["sha256"]
	}
	r.Image = r.Places[0]
	if r.SHA256 == "" {
		r.SHA256 = r.Image.Properties[store.SHA256]
	}
	return r, nil
}

func (b *Builder) copyFile(ctx context.Context, p *Plan, f file, properties map[string]string) (store.Info, []store.Outcome, error) {
	request := store.Request{From: store.Ref{Scheme: store.File, Name: f.path}, Format: f.format, Properties: maps.Clone(properties)}
	maps.Copy(request.Properties, p.identity(f.part).Properties())
	if f.part != "" {
		delete(request.Properties, Inputs) // it is the disk that is looked for
	}
	places := b.Archive
	if b.Session != nil {
		places = append([]store.Ref{b.glance()}, places...)
	}
	for _, place := range places {
		to, err := p.in(place, f.part, f.format)
		if err != nil {
			return store.Info{}, nil, err
		}
		request.To = append(request.To, to)
	}
	copier := store.Copier{Open: b.Open, Report: b.Progress}
	info, outcomes, err := copier.Copy(ctx, request)
	for _, o := range outcomes {
		err = errors.Join(err, o.Err)
	}
	return info, outcomes, err
}

// errChanged: what was built is not what was hashed.
var errChanged = errors.New("files changed while the image was being built, so it is not known what it contains; run again")

// unchanged computes the inputs once more.
func (p *Plan) unchanged() error {
	again := *p
	if err := again.resum(); err != nil || again.Inputs != p.Inputs {
		return errors.Join(errChanged, err)
	}
	return nil
}
