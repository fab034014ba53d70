package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// Wait follows the rollout of the workloads until every replica is the new one
// and available. report is called, from one goroutine at a time, whenever
// something changed. The error is a *RolloutError as soon as a cause is known
// that time will not mend; when ctx ends it wraps its cause, and is again a
// *RolloutError, with what keeps the replicas, if that is its deadline.
func (d *Deployer) Wait(ctx context.Context, workloads []Workload, report func(Status)) error {
	var mu sync.Mutex
	exclusive := func(s Status) {
		mu.Lock()
		defer mu.Unlock()
		if report != nil {
			report(s)
		}
	}
	all, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	failures := make(chan error, len(workloads))
	for _, w := range workloads {
		go func() { failures <- d.waitOne(all, w, exclusive) }()
	}
	var first error
	for range workloads {
		if err := <-failures; err != nil && first == nil {
			first = err
			stop(errAnother)
		}
	}
	return first
}

// errAnother ends waiting for one workload when another one failed.
var errAnother = errors.New("another workload failed")

// Resources that a rollout is seen by.
func resourceOf(group, resource string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: group, Version: "v1", Resource: resource}
}

// follower follows one workload.
type follower struct {
	*Deployer
	*view
	news   chan news
	report func(Status)
	last   *Status
	// selected says that the sources that need the workload's selector are followed.
	selected bool
}

func (d *Deployer) waitOne(ctx context.Context, w Workload, report func(Status)) error {
	watching, stop := context.WithCancel(ctx)
	defer stop()
	f := &follower{Deployer: d, view: newView(w), news: make(chan news), report: report}
	f.start(watching, w.Resource, metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("metadata.name", w.Name).String()})
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return f.end(ctx)
		case n := <-f.news:
			if err := f.take(watching, n); err != nil {
				return err
			}
		case <-tick.C:
		}
		f.now = time.Now()
		f.tell()
		if v := f.judge(); v.done {
			return nil
		} else if v.failure != nil {
			return f.withLog(ctx, v)
		}
	}
}

// start follows a source; what it brings arrives in f.news.
func (f *follower) start(ctx context.Context, resource schema.GroupVersionResource, options metav1.ListOptions) {
	s := source{resource: resource, api: f.in(resource, f.target.Namespace), options: options}
	go s.follow(ctx, func(n news) {
		select {
		case f.news <- n:
		case <-ctx.Done():
		}
	})
}

// tell reports the status if it changed.
func (f *follower) tell() {
	s := f.status()
	if f.rollout != nil && (f.last == nil || !reflect.DeepEqual(s, *f.last)) {
		f.last = &s
		f.report(s)
	}
}

// end says how things stand when ctx is over.
func (f *follower) end(ctx context.Context) error {
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) { // the cause may be the caller's own
		return fmt.Errorf("stopped waiting for %s, whose rollout goes on in the cluster: %w", f.name(), context.Cause(ctx))
	}
	return f.withLog(ctx, f.ranOut(ctx))
}

// take brings the view up to date.
func (f *follower) take(ctx context.Context, n news) error {
	if n.err != nil {
		return f.lose(n)
	}
	f.lost = ""
	switch n.resource {
	case f.target.Resource:
		f.takeRollout(ctx, n)
	case resourceOf("apps", "replicasets"):
		update(f.sets, n, decode[replicaSet])
	case resourceOf("", "pods"):
		update(f.pods, n, decode[pod])
	case resourceOf("", "events"):
		f.takeEvents(n)
	}
	return nil
}

// lose makes do without a source that cannot be had.
func (f *follower) lose(n news) error {
	if errors.Is(n.err, context.Canceled) || errors.Is(n.err, context.DeadlineExceeded) {
		return nil // our own end, which is handled elsewhere
	}
	denied := apierrors.IsForbidden(n.err)
	explained := f.Client.Explain(n.err)
	switch {
	case apierrors.IsUnauthorized(n.err), denied && n.resource == f.target.Resource:
		return fmt.Errorf("%s was applied, and cannot be waited for: %w", f.name(), explained)
	case denied && n.resource.Resource == "pods":
		f.podsHidden = true
	case denied && n.resource.Resource == "replicasets":
		f.setsHidden = true
	case denied: // events only make messages better
	default:
		f.lost = explained.Error()
	}
	return nil
}

func (f *follower) takeRollout(ctx context.Context, n news) {
	u := n.one
	if n.full {
		u = nil
		for i := range n.all {
			u = &n.all[i]
		}
	}
	if u == nil || n.deleted {
		// A list without it means deleted too, for it was there when it was applied.
		f.gone = true
		return
	}
	f.gone = false
	f.rollout = decode[rollout](u)
	f.rollout.Kind, f.rollout.template = u.GetKind(), templateHash(u)
	if f.target.Template == "" {
		f.target.UID, f.target.Template = u.GetUID(), f.rollout.template
	}
	if f.selected {
		return
	}
	f.selected = true
	options := metav1.ListOptions{LabelSelector: metav1.FormatLabelSelector(&f.rollout.Spec.Selector)}
	if f.rollout.Kind == "Deployment" {
		f.start(ctx, resourceOf("apps", "replicasets"), options)
	}
	f.start(ctx, resourceOf("", "pods"), options)
	f.start(ctx, resourceOf("", "events"), metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("involvedObject.kind", "Pod").String()})
}

// update applies news to objects by their UID.
func update[T any](known map[types.UID]*T, n news, decode func(*unstructured.Unstructured) *T) {
	switch {
	case n.full:
		clear(known)
		for i := range n.all {
			known[n.all[i].GetUID()] = decode(&n.all[i])
		}
	case n.deleted:
		delete(known, n.one.GetUID())
	default:
		known[n.one.GetUID()] = decode(n.one)
	}
}

// takeEvents files events by the pod that they are about. They are kept for
// pods not seen yet as well: an event can arrive first.
func (f *follower) takeEvents(n news) {
	all := n.all
	if n.full {
		clear(f.events)
	} else if !n.deleted {
		all = []unstructured.Unstructured{*n.one}
	}
	for i := range all {
		e := decode[event](&all[i])
		e.file(f.events)
	}
}

// file adds the event, or puts it in place of its earlier state.
func (e *event) file(events map[types.UID][]*event) {
	list := events[e.InvolvedObject.UID]
	for i := range list {
		if list[i].UID == e.UID {
			list[i] = e
			return
		}
	}
	events[e.InvolvedObject.UID] = append(list, e)
}
