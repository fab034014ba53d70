package pipeline

import (
	"context"
	"os"
	"time"

	"github.com/ystackdev/ystack/pkg/deploy/kubernetes"
)

// Options are what a run needs beside the application.
type Options struct {
	Store *Store
	// Report is told every event, in order, after it was recorded.
	Report func(Event)
	// Waiting is told, once, if another run (named if it is known) of the same application has to
	// end first.
	Waiting func(run string)
	// Boundary is called at named points (STEP:before, :acted, :recorded).
	Boundary func(point string)
}

// Result is what a run came to.
type Result struct {
	Run      string // "" if nothing had to be done
	Image    string // repository@digest
	UpToDate bool
	Answer   kubernetes.Answer
}

// Run takes the application from source to running. It changes nothing before
// all that can be checked was checked; it does nothing where nothing changed;
// and it takes up an earlier run of the same inputs that was killed.
func (c *Container) Run(ctx context.Context, o Options) (Result, error) {
	lock, err := o.Store.lockKey(ctx, c.key(), o.Waiting)
	if err != nil {
		return Result{}, err
	}
	defer lock.Close()
	if c.prior, err = o.Store.Latest(c.key()); err != nil {
		return Result{}, err
	}
	c.boundary, c.imageDir = o.Boundary, o.Store.imageDir(c.key())
	j := &journal{report: o.Report}
	defer j.close()
	for _, s := range []step{{"check", c.check}, {"resolve", c.resolve}} {
		if _, err := j.do(ctx, s, o.Boundary); err != nil {
			return Result{}, err
		}
	}
	if ok, err := c.upToDate(ctx); err != nil || ok {
		return c.finish(ctx, Result{UpToDate: true, Image: c.release(c.published).Image}, err)
	}
	if err := c.begin(ctx, j, o.Store); err != nil {
		return Result{}, err
	}
	res := Result{Run: j.id}
	err = c.steps(ctx, j, lock)
	if err != nil {
		if context.Cause(ctx) == nil { // an interrupted run is not over
			_ = j.write(Event{Type: RunFailed, Message: err.Error()})
		}
		return res, err
	}
	res.Image = c.release(c.digest).Image
	if err := j.write(Event{Type: RunSucceeded, Output: map[string]string{"image": res.Image}}); err != nil {
		return res, err
	}
	return c.finish(ctx, res, nil)
}

// finish adds where the application answers.
func (c *Container) finish(ctx context.Context, r Result, err error) (Result, error) {
	if err != nil {
		return r, err
	}
	r.Answer, err = c.Deployer.Answer(ctx, c.release(c.digest))
	return r, err
}

// begin opens the record: that of the interrupted run, if it was about the
// same inputs, or a new one.
func (c *Container) begin(ctx context.Context, j *journal, s *Store) error {
	if p := c.prior; p != nil && p.State == Interrupted && p.Inputs == c.inputs && p.Revision == c.Revision.String() {
		return j.open(ctx, s, p.ID, Event{Type: RunResumed})
	}
	name := c.App.Metadata.Name
	return j.open(ctx, s, newID(name, time.Now()), Event{Type: RunStarted, Subject: &Subject{
		App: name, Target: "container", Revision: c.Revision.String(), Shallow: c.Revision.Shallow,
		Source: c.Revision.Remote, Dir: c.Dir, Image: c.tagged(),
		Cluster: c.Deployer.Client.Server, Namespace: c.namespace(),
		Inputs: c.inputs, By: c.By, Key: c.key(),
	}})
}

func (c *Container) steps(ctx context.Context, j *journal, lock *os.File) error {
	for _, s := range []step{
		{"build", func(ctx context.Context, w work) (result, error) { return c.build(ctx, w, lock) }},
		{"publish", func(ctx context.Context, w work) (result, error) { return c.publish(ctx, w, lock) }},
		{"deploy", func(ctx context.Context, w work) (result, error) { return c.deploy(ctx, w, j.id) }},
		{"verify", func(ctx context.Context, _ work) (result, error) {
			return verify(ctx, c.Deployer, c.release(c.digest))
		}},
	} {
		if _, err := j.do(ctx, s, c.boundary); err != nil {
			return err
		}
	}
	return nil
}

// settled is how long a look at a rollout that should be over may take.
const settled = 2 * time.Second

// upToDate reports whether the image of these inputs is published under this
// revision and the cluster runs it as the application says. It needs no local
// record: registry and cluster are asked.
func (c *Container) upToDate(ctx context.Context) (bool, error) {
	if c.published == "" || (c.prior != nil && c.prior.State != Succeeded) {
		return false, nil
	}
	if digest, err := c.Registry.Digest(ctx, c.tagged()); err != nil || digest != c.published {
		return false, nil //nolint:nilerr // the tag is made in the publish step
	}
	r := c.release(c.published)
	live, err := c.Deployer.Current(ctx, c.namespace(), r.App)
	if err != nil || live.Image != r.Image || live.Revision != r.Revision {
		return false, nil //nolint:nilerr // the deploy step says what is wrong
	}
	r.Run, r.By = live.Run, live.By // who deployed it makes no difference
	plan, err := c.Deployer.Plan(ctx, r)
	if err != nil {
		return false, err
	}
	done, err := c.Deployer.Apply(ctx, plan, kubernetes.DryRunServer)
	if err != nil || done.Changed() {
		return false, err
	}
	ctx, cancel := context.WithTimeout(ctx, settled)
	defer cancel()
	return c.Deployer.Wait(ctx, done.Workloads, func(kubernetes.Status) {}) == nil, nil
}
