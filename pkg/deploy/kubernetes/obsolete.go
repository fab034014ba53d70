package kubernetes

import (
	"context"
	"fmt"
	"slices"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/ystackdev/ystack/pkg/kube"
)

// findObsolete looks for objects of the application that ystack made and the
// release no longer has. Kinds that the user may not list, or the server does
// not have, are passed over: nothing of ours can be known to be there.
func (d *Deployer) findObsolete(ctx context.Context, p *Plan) error {
	kinds := listable(p)
	var mu sync.Mutex
	return each(ctx, len(kinds), func(ctx context.Context, i int) error {
		found, err := d.Client.Dynamic.Resource(kinds[i].GroupVersionResource).Namespace(p.Namespace).
			List(ctx, metav1.ListOptions{LabelSelector: labels.SelectorFromSet(ownership(p.Release.App)).String()})
		if apierrors.IsForbidden(err) || apierrors.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return d.Client.Explain(err)
		}
		mu.Lock()
		defer mu.Unlock()
		for i := range found.Items {
			p.sortOut(kinds, &found.Items[i])
		}
		return nil
	})
}

// listable are the kinds that an application can have objects of: the usual
// ones, and those of the release.
func listable(p *Plan) []kube.Resource {
	var kinds []kube.Resource
	for _, r := range kube.Usual() {
		if r.Namespaced {
			kinds = append(kinds, r)
		}
	}
	for _, o := range p.Objects {
		r := kube.Resource{GroupVersionResource: o.Resource, Kind: o.GetKind(), Namespaced: true}
		if o.GetNamespace() != "" && !slices.Contains(kinds, r) {
			kinds = append(kinds, r)
		}
	}
	return kinds
}

// sortOut notes a found object as obsolete, unless the release has it, or a
// controller made it of something of ours (as a Job of a CronJob).
func (p *Plan) sortOut(kinds []kube.Resource, live *unstructured.Unstructured) {
	if metav1.GetControllerOf(live) != nil || live.GetDeletionTimestamp() != nil {
		return
	}
	o := Object{Unstructured: live, Live: live}
	for _, r := range kinds {
		if r.Kind == live.GetKind() && r.GroupVersion() == live.GroupVersionKind().GroupVersion() {
			o.Resource = r.GroupVersionResource
		}
	}
	same := func(other Object) bool { return other.String() == o.String() }
	switch {
	case slices.ContainsFunc(p.Objects, same):
	case o.GetKind() == "PersistentVolumeClaim":
		p.Kept = append(p.Kept, o)
	default:
		p.Obsolete = append(p.Obsolete, o)
	}
}

// remove deletes an obsolete object, exactly as it was when it was found.
func (d *Deployer) remove(ctx context.Context, o Object, dry DryRun) error {
	uid, version := o.Live.GetUID(), o.Live.GetResourceVersion()
	background := metav1.DeletePropagationBackground
	options := metav1.DeleteOptions{
		Preconditions:     &metav1.Preconditions{UID: &uid, ResourceVersion: &version},
		PropagationPolicy: &background,
	}
	if dry == DryRunServer {
		options.DryRun = []string{metav1.DryRunAll}
	}
	err := d.at(o).Delete(ctx, o.GetName(), options)
	if apierrors.IsConflict(err) {
		// Its controller wrote its status, most likely. Look again, once more.
		live, getErr := d.get(ctx, o)
		if getErr != nil || live == nil {
			return getErr
		}
		if live.GetUID() != uid || !ours(live.GetLabels()) {
			return fmt.Errorf("%w: %s is another object now", ErrForeignObject, o)
		}
		version = live.GetResourceVersion()
		err = d.at(o).Delete(ctx, o.GetName(), options)
	}
	if apierrors.IsNotFound(err) {
		return nil
	}
	return d.Client.Explain(err)
}
