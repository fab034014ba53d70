package kubernetes

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Plan is what a release comes to in a cluster. Making one writes nothing.
type Plan struct {
	Release   Release
	Namespace string
	// Objects are what is to be there, in the order in which they are applied.
	Objects []Object
	// Obsolete are objects of the same application that ystack made earlier and
	// the release no longer has. Apply removes them.
	Obsolete []Object
	// Kept are like Obsolete, but hold data: they are left, and reported.
	Kept []Object
}

// Plan renders the release, looks at what is there, and checks everything that
// can be checked before something is written: the namespace, ownership, and
// permission for each thing that will be done.
func (d *Deployer) Plan(ctx context.Context, r Release) (*Plan, error) {
	p := &Plan{Release: r, Namespace: d.Namespace(r)}
	var err error
	if p.Objects, err = d.Render(ctx, r, p.Namespace); err != nil {
		return nil, err
	}
	if err := d.checkNamespace(ctx, p); err != nil {
		return nil, err
	}
	if err := d.resolve(ctx, p); err != nil {
		return nil, err
	}
	if err := d.readLive(ctx, p); err != nil {
		return nil, err
	}
	if err := d.findObsolete(ctx, p); err != nil {
		return nil, err
	}
	return p, d.checkAccess(ctx, p)
}

// resolve finds what the API server calls each kind.
func (d *Deployer) resolve(ctx context.Context, p *Plan) error {
	for i := range p.Objects {
		o := &p.Objects[i]
		known, err := d.Client.Resource(ctx, o.GroupVersionKind())
		if err != nil {
			return located(*o, err)
		}
		o.Resource = known.GroupVersionResource
		if err := placeAs(o, p.Namespace, known.Namespaced); err != nil {
			return err
		}
	}
	return nil
}

// readLive gets what is there of the plan's objects, and refuses if it is not ours.
func (d *Deployer) readLive(ctx context.Context, p *Plan) error {
	return each(ctx, len(p.Objects), func(ctx context.Context, i int) error {
		o := &p.Objects[i]
		live, err := d.get(ctx, *o)
		if err != nil {
			return located(*o, err)
		}
		o.Live = live
		return checkOwner(*o, p.Release.App)
	})
}

// get reads an object; nil if it is not there.
func (d *Deployer) get(ctx context.Context, o Object) (*unstructured.Unstructured, error) {
	live, err := d.at(o).Get(ctx, o.GetName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, d.Client.Explain(err)
	}
	return live, nil
}

// each runs f for 0…n-1, a few at a time, and gives the first error.
func each(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for i := range n {
		group.Go(func() error { return f(ctx, i) })
	}
	return group.Wait()
}

// located says of which object an error is, and where that comes from.
func located(o Object, err error) error {
	if err == nil {
		return nil
	}
	if o.Origin != "" {
		return fmt.Errorf("%s: %s: %w", o.Origin, o, err)
	}
	return fmt.Errorf("%s: %w", o, err)
}
