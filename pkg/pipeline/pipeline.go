package pipeline

import (
	"cmp"
	"context"
	"os"
	"sort"

	"golang.org/x/sync/errgroup"

	"github.com/ystackdev/ystack/pkg/deploy"
)

// Options are what a run needs beside the application.
type Options struct {
	Store *Store
	// Jobs is how many steps go on at a time; 0 is no limit.
	Jobs int
	// Report is told every event, in order, after it was recorded.
	Report func(Event)
	// Waiting is told if another run (named if it is known) of the same application has to
	// end first.
	Waiting func(run string)
	// Boundary is called at named points (STEP:before, :acted, :recorded, and deploy:told-N
	// after the Nth thing that was said; TARGET/STEP:… with several targets).
	Boundary func(point string)
}

// Result is what a run came to.
type Result struct {
	Run      string // "" if nothing had to be done
	UpToDate bool
	Outcomes []Outcome // by target, in their order
}

// Outcome is what a run came to for one target.
type Outcome struct {
	Target    string // its kind
	Place     string
	Image     string // repository@digest, or glance://CLOUD/ID
	UpToDate  bool
	Endpoints []string
	Err       error
}

// lane is the way of one target through a run.
type lane struct {
	Target
	track
	upToDate bool
	err      error
}

// flow is a run under way.
type flow struct {
	o     Options
	lanes []*lane
	slots chan struct{}
}

// Do takes the application from source to running, on all targets side by side. It
// changes nothing before all that can be checked was checked; it does nothing where
// nothing changed; and it takes up an earlier run of the same inputs that was killed.
// A target that fails does not keep the others from going on; the error is that of all.
func Do(ctx context.Context, targets []Target, o Options) (Result, error) {
	f := &flow{o: o}
	if o.Jobs > 0 {
		f.slots = make(chan struct{}, o.Jobs)
	}
	j := &journal{report: o.Report}
	defer j.close()
	for _, t := range targets {
		f.lanes = append(f.lanes, &lane{Target: t, track: track{journal: j, target: t.place().Kind(), several: len(targets) > 1, boundary: o.Boundary}})
		defer t.close()
	}
	locks, err := f.lock(ctx)
	defer closeAll(locks)
	if err != nil {
		return Result{}, err
	}
	f.each(func(l *lane) { l.err = f.prepare(ctx, l) })
	if cause := context.Cause(ctx); cause != nil { // there is no record yet to go on from
		return f.result(ctx, ""), cmp.Or(f.err(), cause)
	}
	if todo := f.todo(); len(todo) > 0 || f.unfinished() != nil && f.err() == nil {
		if err := f.begin(ctx, j); err != nil {
			return Result{}, err
		}
		f.each(func(l *lane) { l.err = f.finish(ctx, l) })
		if err := f.over(ctx, j); err != nil {
			return f.result(ctx, j.id), err
		}
	}
	return f.result(ctx, j.id), f.err()
}

// lock takes the locks of all targets, in an order that is the same for all runs.
func (f *flow) lock(ctx context.Context) (locks []*os.File, err error) {
	order := append([]*lane{}, f.lanes...)
	sort.Slice(order, func(i, k int) bool { return order[i].Target.aim().Key < order[k].Target.aim().Key })
	for _, l := range order {
		g, key := l.goal(), l.Target.aim().Key
		if g.lock, err = f.o.Store.lockKey(ctx, key, f.o.Waiting); err != nil {
			return locks, err
		}
		locks = append(locks, g.lock)
		if g.prior, err = f.o.Store.Latest(key); err != nil {
			return locks, err
		}
		g.imageDir = f.o.Store.imageDir(key)
		g.boundary = func(point string) { f.o.Boundary(l.label("deploy") + ":" + point) }
	}
	return locks, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// each does something for all lanes that have not failed, side by side.
func (f *flow) each(do func(l *lane)) {
	var g errgroup.Group
	for _, l := range f.lanes {
		if l.err == nil {
			g.Go(func() error { do(l); return nil })
		}
	}
	_ = g.Wait()
}

// do takes one step of a lane, when there is a slot for it.
func (f *flow) do(ctx context.Context, l *lane, s step) error {
	if f.slots != nil {
		select {
		case f.slots <- struct{}{}:
			defer func() { <-f.slots }()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	_, err := l.do(ctx, s)
	return err
}

// prepare finds out what is to be done. It changes nothing.
func (f *flow) prepare(ctx context.Context, l *lane) error {
	for _, s := range []step{{"check", l.check}, {"resolve", l.resolve}} {
		if err := f.do(ctx, l, s); err != nil {
			return err
		}
	}
	var err error
	l.upToDate, err = upToDate(ctx, l.Target)
	return err
}

// finish takes the steps that change something.
func (f *flow) finish(ctx context.Context, l *lane) error {
	if l.upToDate {
		return nil
	}
	release := func() deploy.Release { return l.goal().release(l.id) }
	for _, s := range append(l.making(), deploying(l.Target, release)...) {
		if err := f.do(ctx, l, s); err != nil {
			return err
		}
	}
	return nil
}

// over ends the record; a run that was told to stop is not over.
func (f *flow) over(ctx context.Context, j *journal) error {
	err := f.err()
	if err == nil {
		images := map[string]string{}
		for _, l := range f.lanes {
			if len(f.lanes) == 1 {
				images["image"] = l.goal().image
			} else {
				images[l.target] = l.goal().image
			}
		}
		return j.write(Event{Type: RunSucceeded, Output: images})
	}
	if context.Cause(ctx) == nil {
		_ = j.write(Event{Type: RunFailed, Message: err.Error()})
	}
	return err
}

// result is what there is to tell, with where the application answers.
func (f *flow) result(ctx context.Context, run string) Result {
	r := Result{Run: run, UpToDate: run == "" && f.err() == nil}
	for _, l := range f.lanes {
		to := l.place()
		out := Outcome{Target: l.target, Place: to.Place(), Image: l.goal().image, UpToDate: l.upToDate, Err: l.err}
		if plan := l.goal().plan; l.err == nil && plan != nil {
			out.Endpoints, _ = plan.Endpoints(ctx) // for people: what is not known is left out
		}
		r.Outcomes = append(r.Outcomes, out)
	}
	return r
}
