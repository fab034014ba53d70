package kubernetes

import (
	"context"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

const (
	// unschedulableGrace is how long a pod may find no node: another may just be leaving one.
	unschedulableGrace = 5 * time.Second
	// refusedGrace is how long the server may refuse pods: two that are made at
	// the same time can collide in the quota's bookkeeping.
	refusedGrace = 2 * time.Second
	// provenAfter is how long a container without a readiness probe has to run:
	// it counts as ready from the moment it starts, also if it crashes the next.
	provenAfter = 3 * time.Second
)

// verdict is what a view comes to: success, a definite failure, or neither yet.
type verdict struct {
	done    bool
	failure *RolloutError
	trouble *trouble // where to take a log from, with failure
}

// judge decides. It is asked again on every change, and every second.
func (v *view) judge() verdict {
	if failure := v.interference(); failure != nil {
		return verdict{failure: failure}
	}
	if v.rollout == nil || !v.rollout.progress().observed {
		return verdict{}
	}
	done := v.rollout.done()
	if lasting := v.lasting("done", done, provenAfter); done {
		return verdict{done: lasting || v.proven()}
	}
	pods, terminating := v.current()
	for _, p := range pods {
		if t := v.troubleOf(p); t != nil && t.definite {
			return verdict{failure: t.error(), trouble: t}
		}
	}
	if failure := v.refused(terminating); failure != nil {
		return verdict{failure: failure}
	}
	for _, p := range pods {
		if failure := v.unschedulable(p, terminating); failure != nil {
			return verdict{failure: failure}
		}
	}
	if c := find(v.rollout.Status.Conditions, "Progressing"); c.Status == "False" && c.Reason == "ProgressDeadlineExceeded" {
		return v.stuck("no progress within the Deployment's progressDeadlineSeconds", nil)
	}
	return verdict{}
}

// proven says whether "ready" means that the new replicas work: a readiness probe
// said so, or they have been running for a while. Who may not see pods has to
// believe what the workload says.
func (v *view) proven() bool {
	if v.podsHidden {
		return true
	}
	pods, _ := v.current()
	for _, p := range pods {
		for _, c := range p.Spec.Containers {
			if c.ReadinessProbe == nil && !p.runsSince(c.Name, v.now.Add(-provenAfter)) {
				return false
			}
		}
	}
	return len(pods) >= int(v.rollout.progress().updated)
}

func (p *pod) runsSince(container string, since time.Time) bool {
	for _, c := range p.Status.Containers {
		if c.Name == container && c.State.Running != nil {
			return !c.State.Running.StartedAt.After(since)
		}
	}
	return false
}

// interference is what others did to the workload while we waited.
func (v *view) interference() *RolloutError {
	e := &RolloutError{Object: v.name()}
	switch r := v.rollout; {
	case v.gone:
		e.Cause, e.Detail = CauseDeleted, "somebody deleted it while its rollout went on"
	case r == nil:
		return nil
	case v.target.UID != "" && r.UID != v.target.UID:
		e.Cause, e.Detail = CauseDeleted, "somebody deleted it and made another of the same name while its rollout went on"
	case r.DeletionTimestamp != nil:
		e.Cause, e.Detail = CauseDeleted, "somebody is deleting it while its rollout goes on"
	case v.target.Template != "" && r.template != v.target.Template:
		e.Cause, e.Detail = CauseSuperseded, "somebody rolled out something else while its rollout went on"+rolledOut(r)
		e.Hint = "look at the history to see what runs now"
	case r.Kind == "Deployment" && r.Spec.Paused && !r.done():
		e.Cause, e.Detail = CausePaused, "it is paused, so nothing is rolled out"
		e.Hint = fmt.Sprintf("resume it with kubectl rollout resume -n %s deployment/%s", r.Namespace, r.Name)
	case r.Spec.UpdateStrategy.Type == "OnDelete" && !r.done():
		e.Cause, e.Detail = CauseStrategy, "its updateStrategy is OnDelete, so replicas are replaced only as somebody deletes them"
	default:
		return nil
	}
	return e
}

func rolledOut(r *rollout) string {
	if revision, by := r.Annotations[annotationRevision], r.Annotations[annotationBy]; revision != "" && by != "" {
		return fmt.Sprintf(" (it now says revision %s, by %s)", revision, by)
	}
	return ""
}

// refused says that the server does not let pods be made.
func (v *view) refused(terminating bool) *RolloutError {
	failure := v.refusal()
	// Replicas that are leaving give back what they had of the quota.
	mayPass := terminating && failure != nil && failure.Cause == CauseQuota
	if !v.lasting("refused", failure != nil && !mayPass, refusedGrace) {
		return nil
	}
	return failure
}

// refusal is the server's last refusal to let a pod be made, if it is one.
func (v *view) refusal() *RolloutError {
	if v.rollout == nil {
		return nil
	}
	object, c := v.name(), find(v.rollout.Status.Conditions, "ReplicaFailure")
	if set := v.newest(); set != nil {
		object, c = "replicaset.apps/"+set.Name, find(set.Status.Conditions, "ReplicaFailure")
	} else if p := find(v.rollout.Status.Conditions, "Progressing"); p.Status == "False" && p.Reason == "ReplicaSetCreateError" {
		c = condition{Status: "True", Message: p.Message}
	}
	if c.Status != "True" {
		return nil
	}
	e := &RolloutError{Cause: CauseAdmission, Object: object, Detail: "the API server refuses its pods: " + oneLine(c.Message)}
	switch {
	case strings.Contains(c.Message, "exceeded quota"), strings.Contains(c.Message, "failed quota"):
		e.Cause = CauseQuota
		e.Hint = "ask for less, for a larger quota, or remove what is not needed"
	case strings.Contains(c.Message, "violates PodSecurity"):
		e.Hint = "the pod has to keep to the namespace's Pod Security level"
	}
	return e
}

// unschedulable says that no node takes a pod, and none is on its way.
func (v *view) unschedulable(p *pod, terminating bool) *RolloutError {
	c := find(p.Status.Conditions, "PodScheduled")
	present := noNode(c) && !terminating && latest(v.events[p.UID], "TriggeredScaleUp") == nil
	if !v.lasting("unschedulable/"+string(p.UID), present, unschedulableGrace) {
		return nil
	}
	return &RolloutError{
		Cause: CauseUnschedulable, Object: "pod/" + p.Name, Detail: "no node takes it: " + oneLine(c.Message),
		Hint: scheduleHint(c.Message),
	}
}

func scheduleHint(message string) string {
	if strings.Contains(message, "PersistentVolumeClaim") {
		return "kubectl describe persistentvolumeclaim says what keeps the volume; most often its StorageClass is missing"
	}
	return "ask for less in resources.requests, or add nodes"
}

func noNode(scheduled condition) bool {
	return scheduled.Status == "False" && scheduled.Reason == "Unschedulable"
}

// stuck is the failure of a rollout that ran out of time: not the time is the
// cause, but what keeps the replicas.
func (v *view) stuck(when string, timeout error) verdict {
	status := v.status()
	failure := &RolloutError{
		Cause: CauseNotStarted, Object: v.name(),
		Detail: fmt.Sprintf("%s; %s", when, status.summary()), err: timeout,
	}
	if v.lost != "" {
		failure.Detail += "; the connection is lost: " + v.lost
	}
	pods, _ := v.current()
	worst := worstOf(pods, v.events)
	refusal := v.refusal()
	switch {
	case refusal != nil && worst == nil:
		failure.Cause, failure.Object, failure.Hint = refusal.Cause, refusal.Object, refusal.Hint
		failure.Detail += "; " + refusal.Detail
	case worst == nil && v.podsHidden:
		failure.Hint = "somebody who may see pods can say why"
	case worst == nil:
		failure.Detail += v.without()
	default:
		return v.stuckPod(failure, worst)
	}
	return verdict{failure: failure}
}

// without says why there is no pod to look at.
func (v *view) without() string {
	if v.rollout == nil || !v.rollout.progress().observed {
		return "; its controller has not looked at it yet"
	}
	for _, kind := range []string{"ReplicaFailure", "Progressing", "Available"} {
		if c := find(v.rollout.Status.Conditions, kind); c.Message != "" {
			return "; " + oneLine(c.Message)
		}
	}
	return "; there is no pod of the new revision"
}

func (v *view) stuckPod(failure *RolloutError, p *pod) verdict {
	r := replica(p, v.events[p.UID])
	failure.Object = "pod/" + p.Name
	t := v.troubleOf(p)
	switch {
	case t != nil:
		failure.Cause, failure.Hint = t.cause, t.hint
		failure.Detail += "; " + t.detail
		return verdict{failure: failure, trouble: t}
	case r.Phase == NotReady, r.Phase == Crashed, r.Phase == Initializing:
		failure.Cause = CauseNotReady
		t = &trouble{pod: p, container: unready(p), hasLog: true}
	case r.Phase == Ready:
		failure.Cause = CauseNotReady
		failure.Detail += "; its pods are ready but not yet counted as available (minReadySeconds?)"
		return verdict{failure: failure}
	case noNode(find(p.Status.Conditions, "PodScheduled")):
		failure.Cause, failure.Hint = CauseUnschedulable, scheduleHint(r.Message)
	}
	failure.Detail += "; it is " + strings.ToLower(string(r.Phase[:1])) + string(r.Phase[1:])
	if r.Message != "" {
		failure.Detail += ": " + r.Message
	}
	return verdict{failure: failure, trouble: t}
}

// unready is the container that keeps the pod from being ready.
func unready(p *pod) string {
	for _, c := range p.Status.InitContainers {
		if c.State.Running != nil && !c.Ready {
			return c.Name
		}
	}
	for _, c := range p.Status.Containers {
		if !c.Ready {
			return c.Name
		}
	}
	return ""
}

// worstOf is the pod that is farthest from being ready in a way that says why.
func worstOf(pods []*pod, events map[types.UID][]*event) *pod {
	var worst *pod
	best := -1
	for _, p := range pods {
		r := replica(p, events[p.UID])
		score := 1
		switch {
		case r.Phase == Ready:
			score = 0
		case r.Message != "":
			score = 3
		case r.Phase == NotReady:
			score = 2
		}
		if score > best {
			worst, best = p, score
		}
	}
	return worst
}

// ranOut is the failure for a context that ended.
func (v *view) ranOut(ctx context.Context) verdict {
	return v.stuck("not done in time", context.Cause(ctx))
}
