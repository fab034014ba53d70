package kubernetes

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// progress is how far a rollout has come, by its own account.
type progress struct {
	observed                                bool // the controller has seen the newest specification
	desired, updated, ready, available, old int32
}

func (r *rollout) progress() progress {
	p := progress{
		observed: r.Status.ObservedGeneration >= r.Generation,
		desired:  1,
		updated:  r.Status.UpdatedReplicas, ready: r.Status.ReadyReplicas, available: r.Status.AvailableReplicas,
		old: max(0, r.Status.Replicas-r.Status.UpdatedReplicas),
	}
	if r.Spec.Replicas != nil {
		p.desired = *r.Spec.Replicas
	}
	switch r.Kind {
	case "DaemonSet":
		p.desired, p.updated = r.Status.Desired, r.Status.Updated
		p.ready, p.available = r.Status.NumberReady, r.Status.NumberAvailable
		p.old = max(0, p.desired-p.updated)
	case "StatefulSet":
		// The first replicas can be kept back on purpose.
		p.old = max(0, p.old-r.Spec.UpdateStrategy.RollingUpdate.Partition)
	}
	return p
}

// wanted is how many replicas are to be of the new revision.
func (r *rollout) wanted(p progress) int32 {
	if r.Kind == "StatefulSet" {
		return max(0, p.desired-r.Spec.UpdateStrategy.RollingUpdate.Partition)
	}
	return p.desired
}

// done says that every replica is the new one and available, and no old one is left.
func (r *rollout) done() bool {
	p := r.progress()
	return p.observed && p.updated >= r.wanted(p) && p.available >= p.desired && p.old == 0 && r.Status.Replicas <= max(p.desired, r.Status.UpdatedReplicas)
}

// newest is the ReplicaSet of the Deployment's current template, if it is known.
func (v *view) newest() *replicaSet {
	if v.rollout == nil || v.rollout.Annotations[annotationNumber] == "" {
		return nil
	}
	for _, set := range v.sets {
		if set.Annotations[annotationNumber] == v.rollout.Annotations[annotationNumber] && controlledBy(set.OwnerReferences, v.rollout.UID) {
			return set
		}
	}
	return nil
}

// current are the pods of the new revision, by name; terminating says whether
// pods of any revision are on their way out.
func (v *view) current() (pods []*pod, terminating bool) {
	for _, p := range v.pods {
		if p.DeletionTimestamp != nil {
			terminating = true
		} else if v.isNew(p) {
			pods = append(pods, p)
		}
	}
	slices.SortFunc(pods, func(a, b *pod) int { return strings.Compare(a.Name, b.Name) })
	return pods, terminating
}

func (v *view) isNew(p *pod) bool {
	r := v.rollout
	switch {
	case r == nil:
		return false
	case r.Kind == "StatefulSet":
		return controlledBy(p.OwnerReferences, r.UID) && p.Labels["controller-revision-hash"] == r.Status.UpdateRevision
	case r.Kind == "DaemonSet":
		return controlledBy(p.OwnerReferences, r.UID) &&
			p.Labels["pod-template-generation"] == r.Annotations[annotationGeneration]
	}
	if v.setsHidden {
		return p.Labels[labelHash] == v.youngest()
	}
	set := v.newest()
	return set != nil && controlledBy(p.OwnerReferences, set.UID)
}

// youngest is the template hash of the pod made last: the best guess at the new
// revision when ReplicaSets cannot be seen.
func (v *view) youngest() string {
	var last *pod
	for _, p := range v.pods {
		if last == nil || last.CreationTimestamp.Before(&p.CreationTimestamp) {
			last = p
		}
	}
	if last == nil {
		return ""
	}
	return last.Labels[labelHash]
}

// status is what there is to tell about the rollout.
func (v *view) status() Status {
	s := Status{Object: v.name()}
	var notes []string
	if v.lost != "" {
		notes = append(notes, "connection lost, trying again: "+v.lost)
	}
	if v.podsHidden {
		notes = append(notes, "you may not see pods in namespace "+strconv.Quote(v.target.Namespace)+": only totals are shown")
	}
	s.Note = strings.Join(notes, "; ")
	if v.rollout == nil {
		return s
	}
	p := v.rollout.progress()
	s.Desired = p.desired
	if !p.observed {
		return s // the other numbers are those of the previous revision
	}
	s.Updated, s.Ready, s.Available, s.Old = p.updated, p.ready, p.available, p.old
	s.Done = v.rollout.done()
	pods, _ := v.current()
	for _, pod := range pods {
		s.Replicas = append(s.Replicas, replica(pod, v.events[pod.UID]))
	}
	return s
}

// summary says how many replicas are there, for errors.
func (s Status) summary() string {
	available := min(s.Available, s.Updated)
	if len(s.Replicas) > 0 {
		available = 0 // what the workload counts includes replicas of before
		for _, r := range s.Replicas {
			if r.Phase == Ready {
				available++
			}
		}
	}
	return fmt.Sprintf("%d of %d new replicas ready", available, s.Desired)
}
