package kubernetes

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ystackdev/ystack/pkg/deploy"
)

// Apply makes the cluster as the plan says. When it fails midway, Result says
// what had been done.
func (d *Deployer) Apply(ctx context.Context, p *Plan, dry DryRun) (Result, error) {
	var result Result
	for _, o := range p.Objects {
		live, action, err := d.applyObject(ctx, o, p.Release.App, dry)
		if err != nil {
			return result, located(o, err)
		}
		result.Changes = append(result.Changes, deploy.Change{Object: o.String(), Action: action})
		if o.rollsOut() {
			result.Workloads = append(result.Workloads, workloadOf(o, live))
		}
	}
	for _, o := range p.Obsolete {
		if dry != DryRunClient {
			if err := d.remove(ctx, o, dry); err != nil {
				return result, located(o, err)
			}
		}
		result.Changes = append(result.Changes, deploy.Change{Object: o.String(), Action: deploy.Deleted})
	}
	for _, o := range p.Kept {
		result.Changes = append(result.Changes, deploy.Change{Object: o.String(), Action: deploy.Kept})
	}
	return result, nil
}

func workloadOf(o Object, live *unstructured.Unstructured) Workload {
	return Workload{
		Resource: o.Resource, Kind: o.GetKind(), Namespace: o.GetNamespace(), Name: o.GetName(),
		UID: live.GetUID(), Template: templateHash(live),
	}
}

// attempts is how often an object is read again after somebody else, usually
// its controller, changed it between reading and writing.
const attempts = 12

// applyObject creates the object, or applies it to what is there and ours.
//
// It is created by POST, which fails if the name is taken, whoever took it a
// moment ago; apply would silently make the object ours. Everything after that
// is server-side apply on exactly the object that was looked at.
func (d *Deployer) applyObject(ctx context.Context, o Object, app string, dry DryRun) (*unstructured.Unstructured, deploy.Action, error) {
	created := false
	for attempt := range attempts {
		if o.Live == nil {
			live, err := d.create(ctx, o, dry)
			if err == nil && dry != DryRunNone {
				return live, deploy.Created, nil
			}
			if err != nil && !apierrors.IsAlreadyExists(err) {
				return nil, "", d.Client.Explain(err)
			}
			created = err == nil
			o.Live = live
		}
		if o.Live != nil {
			live, action, err := d.update(ctx, o, app, dry, created)
			if err == nil && created {
				return live, deploy.Created, nil
			}
			if err == nil || !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) {
				return live, action, d.Client.Explain(err)
			}
		}
		if err := deploy.Pause(ctx, time.Duration(attempt)*20*time.Millisecond); err != nil {
			return nil, "", err
		}
		live, err := d.get(ctx, o)
		if err != nil {
			return nil, "", err
		}
		o.Live = live
	}
	return nil, "", fmt.Errorf("it changes faster than it can be updated; tried %d times", attempts)
}

func (d *Deployer) create(ctx context.Context, o Object, dry DryRun) (*unstructured.Unstructured, error) {
	if dry == DryRunClient {
		return o.Unstructured, nil
	}
	// As strict as apply is: a POST would drop a field that it does not know.
	options := metav1.CreateOptions{FieldManager: fieldManager, FieldValidation: metav1.FieldValidationStrict}
	if dry == DryRunServer {
		options.DryRun = []string{metav1.DryRunAll}
	}
	return d.at(o).Create(ctx, o.Unstructured, options)
}

// update brings what is there to what is wanted. fresh says that it was
// created a moment ago, so that nothing but the ownership of its fields is left
// to be settled.
func (d *Deployer) update(ctx context.Context, o Object, app string, dry DryRun, fresh bool) (*unstructured.Unstructured, deploy.Action, error) {
	if err := checkOwner(o, app); err != nil {
		return nil, "", err
	}
	switch dry {
	case DryRunClient:
		return o.Unstructured, deploy.Configured, nil
	case DryRunNone:
		if err := d.claim(ctx, &o); err != nil {
			return nil, "", err
		}
	case DryRunServer:
		// Nothing is claimed in a dry run, so our own fields would be a conflict.
		if patch, err := unclaimed(o.Live); err == nil && patch != nil {
			d = &Deployer{Client: d.Client, Kubectl: d.Kubectl, Force: true}
		}
	}
	if !fresh {
		predicted, err := d.apply(ctx, o, true)
		if err != nil {
			return nil, "", err
		}
		if same(o.Live, predicted) {
			return o.Live, deploy.Unchanged, nil
		}
		if dry == DryRunServer {
			return predicted, deploy.Configured, nil
		}
	}
	live, err := d.apply(ctx, o, false)
	return live, deploy.Configured, err
}

// apply is one server-side apply of o to the object o.Live: if that is no
// longer there, or not as it was, the server refuses.
func (d *Deployer) apply(ctx context.Context, o Object, dry bool) (*unstructured.Unstructured, error) {
	wanted := o.DeepCopy()
	wanted.SetUID(o.Live.GetUID())
	wanted.SetResourceVersion(o.Live.GetResourceVersion())
	options := metav1.ApplyOptions{FieldManager: fieldManager, Force: d.Force}
	if dry {
		options.DryRun = []string{metav1.DryRunAll}
	}
	live, err := d.at(o).Apply(ctx, o.GetName(), wanted, options)
	if conflict := fieldConflict(err); conflict != nil {
		return nil, conflict
	}
	return live, err
}
