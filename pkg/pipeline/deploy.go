package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ystackdev/ystack/pkg/deploy"
)

// Delivery is a release on its way to a target.
type Delivery struct {
	To      deploy.Target
	Release deploy.Release
	// Place tells several targets of one kind apart in events: a context, or a cloud.
	Place string

	// Plan is what was carried out, Err why it came to nothing. Set by Deploy.
	Plan deploy.Plan
	Err  error
}

// DeployOptions are how deliveries are made.
type DeployOptions struct {
	Parallel int  // deliveries at a time; 0 is no limit
	Rollback bool // bring a target that fails back to what it ran before
	Report   func(Event)
	Boundary func(point string)
}

// Deploy is a run's last steps by themselves: carry out the release, wait until it runs,
// see that it answers. It leaves no record beside that of what runs. One delivery that
// fails does not keep the others from going on; each has its error.
func Deploy(ctx context.Context, deliveries []*Delivery, o DeployOptions) {
	j := &journal{report: o.Report, transient: true}
	var g errgroup.Group
	if o.Parallel > 0 {
		g.SetLimit(o.Parallel)
	}
	for _, d := range deliveries {
		t := track{journal: j, target: d.To.Kind(), at: d.Place, several: len(deliveries) > 1, boundary: o.Boundary}
		g.Go(func() error {
			d.Err = d.make(ctx, t, o.Rollback)
			return nil
		})
	}
	_ = g.Wait()
}

func (d *Delivery) make(ctx context.Context, t track, back bool) error {
	before := int64(0)
	if back {
		list, err := d.To.History(ctx)
		if err != nil && !errors.Is(err, deploy.ErrNotDeployed) {
			return err
		}
		for _, e := range list {
			if e.Current {
				before = e.Number
				break
			}
		}
	}
	for _, s := range []step{
		{"deploy", func(ctx context.Context, w work) (result, error) {
			var err error
			if d.Plan, err = d.To.Plan(ctx, d.Release); err != nil {
				return result{}, err
			}
			message, err := apply(ctx, d.Plan, w, func(point string) { t.boundary(t.label("deploy") + ":" + point) })
			return result{message: message}, err
		}},
		{verifyStep, func(ctx context.Context, _ work) (result, error) { return verify(ctx, d.To, d.Plan, d.Release) }},
	} {
		if _, err := t.do(ctx, s); err != nil {
			if back && d.Plan != nil {
				err = errors.Join(err, d.back(ctx, t, before))
			}
			return err
		}
	}
	return nil
}

// backLimit is how long going back may take when the time for deploying was over.
const backLimit = 10 * time.Minute

// back brings the target to the release of that number. Who interrupts wants things to
// stop, so nothing is done then.
func (d *Delivery) back(ctx context.Context, t track, number int64) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil
	}
	if number == 0 {
		return errors.New("there is nothing to roll back to: it was not deployed before")
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), backLimit)
	defer cancel()
	_, err := t.do(ctx, step{"rollback", func(ctx context.Context, w work) (result, error) {
		plan, err := d.To.Rollback(ctx, number)
		if err != nil {
			return result{}, err
		}
		message, err := apply(ctx, plan, w, t.boundary)
		return result{message: fmt.Sprintf("number %d again; %s", number, message)}, err
	}})
	return err
}

// Apply carries out one plan, such as a rollback, as a step of that name.
func Apply(ctx context.Context, kind, name string, plan deploy.Plan, report func(Event)) error {
	t := track{journal: &journal{report: report, transient: true}, target: kind, boundary: func(string) {}}
	_, err := t.do(ctx, step{name, func(ctx context.Context, w work) (result, error) {
		message, err := apply(ctx, plan, w, t.boundary)
		return result{message: message}, err
	}})
	return err
}
