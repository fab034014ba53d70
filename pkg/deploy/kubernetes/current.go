package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/ystackdev/ystack/pkg/deploy"
)

// Current is the release that is deployed now: what deploy-image IMAGE without
// a file starts from. deploy.ErrNotDeployed if there is none.
func (d *Deployer) Current(ctx context.Context, namespace, app string) (Release, error) {
	for _, resource := range []string{"deployments", "statefulsets", "daemonsets"} {
		found, err := d.workloads(ctx, resource, namespace, app)
		if err != nil {
			return Release{}, err
		}
		for _, u := range found {
			if u.GetAnnotations()[annotationApplication] == "" {
				continue
			}
			r, err := recorded(u.GetAnnotations())
			if err != nil {
				return Release{}, fmt.Errorf("%s: annotation %s: %w", describe(&u), annotationApplication, err)
			}
			r.App, r.Spec.Namespace, r.Deployed = app, namespace, written(&u)
			return r, nil
		}
	}
	return Release{}, d.notDeployed(ctx, namespace, app)
}

// written is when ystack last wrote the object, other than its status.
func written(u *unstructured.Unstructured) time.Time {
	last := u.GetCreationTimestamp().Time
	for _, f := range u.GetManagedFields() {
		if f.Manager == fieldManager && f.Subresource == "" && f.Time != nil && f.Time.After(last) {
			last = f.Time.Time
		}
	}
	return last
}

// notDeployed says that there is nothing of the application, and whether that
// is because the namespace is not there.
func (d *Deployer) notDeployed(ctx context.Context, namespace, app string) error {
	if err := d.checkNamespace(ctx, &Plan{Namespace: namespace}); err != nil {
		return err
	}
	return fmt.Errorf("%w: there is nothing of application %q in namespace %q; deploy it, or name its namespace with -n",
		deploy.ErrNotDeployed, app, namespace)
}

// workloads lists what is ours of an application.
func (d *Deployer) workloads(ctx context.Context, resource, namespace, app string) ([]unstructured.Unstructured, error) {
	list, err := d.in(resourceOf("apps", resource), namespace).
		List(ctx, metav1.ListOptions{LabelSelector: labels.SelectorFromSet(ownership(app)).String()})
	if apierrors.IsForbidden(err) && resource != "deployments" {
		return nil, nil // most often there is nothing of the kind
	}
	if err != nil {
		return nil, d.Client.Explain(err)
	}
	return list.Items, nil
}

// deployments lists the application's Deployments; an error if there are none.
func (d *Deployer) deployments(ctx context.Context, namespace, app string) ([]unstructured.Unstructured, error) {
	found, err := d.workloads(ctx, "deployments", namespace, app)
	if err != nil {
		return nil, err
	}
	carriers := found[:0]
	for _, u := range found {
		if u.GetAnnotations()[annotationApplication] != "" {
			carriers = append(carriers, u)
		}
	}
	if len(carriers) == 0 {
		return nil, d.notDeployed(ctx, namespace, app)
	}
	return carriers, nil
}

var errNoTemplate = errors.New("it has no pod template")
