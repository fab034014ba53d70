package kubernetes

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/ystackdev/ystack/pkg/deploy"
)

// Running is a workload of ours, or what is left of its revision before.
type Running struct {
	deploy.Release // what its record says; Image is "" if it has none
	Namespace      string
	Object         string   // deployment.apps/hello
	Images         []string // what its containers have
	Ready, Desired int32
	State          string // of a history
}

// atOnce is how many questions the API server is asked at a time.
const atOnce = 8

// Running lists what runs of all applications in the namespaces, or in all if none are
// named. What is not ours is not looked at.
func (d *Deployer) Running(ctx context.Context, namespaces ...string) ([]Running, error) {
	if len(namespaces) == 0 {
		namespaces = []string{metav1.NamespaceAll}
	}
	var found found
	asking, within := errgroup.WithContext(ctx)
	asking.SetLimit(atOnce)
	for _, namespace := range namespaces {
		for _, resource := range []string{"deployments", "statefulsets", "daemonsets"} {
			asking.Go(func() error { return d.collect(within, &found, resource, namespace) })
		}
	}
	if err := asking.Wait(); err != nil {
		return nil, err
	}
	err := d.explainRevisions(ctx, &found)
	return found.running, err
}

// found is what several questions have found so far.
type found struct {
	mu          sync.Mutex
	running     []Running
	deployments map[string][]*unstructured.Unstructured // by namespace
}

func (d *Deployer) collect(ctx context.Context, f *found, resource, namespace string) error {
	ours := labels.Set{labelManagedBy: managedBy, labelComponent: component}
	list, err := d.in(resourceOf("apps", resource), namespace).List(ctx, metav1.ListOptions{LabelSelector: ours.String()})
	if apierrors.IsForbidden(err) && resource != "deployments" {
		return nil // most often there is nothing of the kind
	} else if err != nil {
		return d.Client.Explain(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range list.Items {
		u := &list.Items[i]
		if resource == "deployments" {
			if f.deployments == nil {
				f.deployments = map[string][]*unstructured.Unstructured{}
			}
			f.deployments[u.GetNamespace()] = append(f.deployments[u.GetNamespace()], u)
			continue
		}
		f.running = append(f.running, running(u, u))
	}
	return nil
}

// explainRevisions reads the ReplicaSets of Deployments: since when the current revision is there,
// and what still runs of others. Who may not see them is told what the Deployments say.
func (d *Deployer) explainRevisions(ctx context.Context, f *found) error {
	asking, within := errgroup.WithContext(ctx)
	asking.SetLimit(atOnce)
	for namespace, deployments := range f.deployments {
		asking.Go(func() error {
			sets, err := d.in(resourceOf("apps", "replicasets"), namespace).List(within, metav1.ListOptions{})
			if apierrors.IsForbidden(err) {
				sets = &unstructured.UnstructuredList{}
			} else if err != nil {
				return d.Client.Explain(err)
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			for _, u := range deployments {
				f.running = append(f.running, revisions(u, sets.Items)...)
			}
			return nil
		})
	}
	return asking.Wait()
}

// revisions are those of a Deployment that run: the current one, and others that still
// have pods.
func revisions(u *unstructured.Unstructured, sets []unstructured.Unstructured) []Running {
	all := []Running{running(u, u)}
	for i := range sets {
		set := &sets[i]
		if !controlledBy(set.GetOwnerReferences(), u.GetUID()) {
			continue
		}
		has, annotations := decode[replicaSet](set).Status, set.GetAnnotations()
		switch {
		case annotations[annotationNumber] == u.GetAnnotations()[annotationNumber]:
			all[0].Ready = has.Ready
			// A set that was gone back to is older than the rollback: then it is better to go
			// by our last change of the Deployment.
			if annotations[annotationNumbers] == "" {
				all[0].Deployed = set.GetCreationTimestamp().Time
			}
		case has.Replicas > 0:
			old := running(u, set)
			old.Deployed, old.State = set.GetCreationTimestamp().Time, deploy.StateSuperseded
			old.Ready, old.Desired = has.Ready, has.Replicas
			all = append(all, old)
		}
	}
	return all
}

// running is what an object of the workload u, or u itself, says that it runs.
func running(u, of *unstructured.Unstructured) Running {
	r := decode[rollout](u)
	r.Kind = u.GetKind()
	p, a := r.progress(), of.GetAnnotations()
	return Running{
		Release: deploy.Release{
			App: u.GetLabels()[labelInstance], Image: a[annotationImage], Revision: a[annotationRevision],
			Run: a[annotationRun], By: a[annotationBy], Source: a[annotationSource], Deployed: applied(u),
		},
		Namespace: u.GetNamespace(), Object: strings.ToLower(u.GetKind()) + ".apps/" + u.GetName(),
		Images: images(of), Ready: p.available, Desired: p.desired, State: string(r.state()),
	}
}

// applied is when we changed the object last.
func applied(u *unstructured.Unstructured) time.Time {
	last := u.GetCreationTimestamp().Time
	for _, entry := range u.GetManagedFields() {
		if entry.Manager == fieldManager && entry.Time != nil && entry.Time.After(last) {
			last = entry.Time.Time
		}
	}
	return last
}

// Runs tells whether the record's image is what the containers have.
func (r Running) Runs() bool { return slices.Contains(r.Images, r.Image) }
