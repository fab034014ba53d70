package kubernetes

import (
	"fmt"
	"regexp"
	"strings"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func controlledBy(owners []metav1.OwnerReference, uid types.UID) bool {
	for _, o := range owners {
		if o.Controller != nil && *o.Controller && o.UID == uid {
			return true
		}
	}
	return false
}

// replica says in a word what a pod is doing, and why if that is known.
func replica(p *pod, events []*event) Replica {
	r := Replica{Pod: p.Name, Node: p.Spec.NodeName}
	r.Phase, r.Message = phase(p, events)
	r.Message = oneLine(r.Message)
	return r
}

func phase(p *pod, events []*event) (Phase, string) {
	scheduled := find(p.Status.Conditions, "PodScheduled")
	switch {
	case p.DeletionTimestamp != nil:
		return Stopping, ""
	case p.Status.Phase == "Failed" && p.Status.Reason != "":
		return Phase(p.Status.Reason), p.Status.Message // Evicted, NodeShutdown, …
	case find(p.Status.Conditions, "Ready").Status == "True":
		return Ready, ""
	case p.Spec.NodeName == "":
		return Scheduling, scheduled.Message
	}
	for _, c := range p.Status.InitContainers {
		if c.State.Terminated == nil || c.State.Terminated.ExitCode != 0 {
			if phase, message := containerPhase(c, events); phase != Ready && !(c.Ready && c.State.Running != nil) {
				if phase == NotReady {
					phase = Initializing
				}
				return phase, strings.TrimSpace("init container " + c.Name + " " + message)
			}
		}
	}
	for _, c := range p.Status.Containers {
		if phase, message := containerPhase(c, events); phase != Ready {
			return phase, message
		}
	}
	return Starting, lastEvent(events, "FailedMount", "FailedCreatePodSandBox", "FailedAttachVolume")
}

func containerPhase(c containerStatus, events []*event) (Phase, string) {
	switch state := c.State; {
	case state.Terminated != nil:
		return Crashed, state.Terminated.String()
	case state.Running != nil && c.Ready:
		return Ready, ""
	case state.Running != nil:
		return NotReady, lastEvent(events, "Unhealthy")
	case state.Waiting == nil, state.Waiting.Reason == "ContainerCreating", state.Waiting.Reason == "PodInitializing":
		return waiting(events)
	case state.Waiting.Reason == "CrashLoopBackOff" && c.LastState.Terminated != nil:
		return Phase(state.Waiting.Reason), c.LastState.Terminated.String()
	default:
		return Phase(state.Waiting.Reason), state.Waiting.Message
	}
}

// waiting tells a pod whose image is being pulled from one that starts.
func waiting(events []*event) (Phase, string) {
	pulling := latest(events, "Pulling")
	pulled := latest(events, "Pulled", "Created", "Started", "Failed")
	if pulling != nil && (pulled == nil || pulled.Last.Before(&pulling.Last)) {
		return Pulling, ""
	}
	return Starting, lastEvent(events, "FailedMount", "FailedCreatePodSandBox", "FailedAttachVolume")
}

// String says how a container ended.
func (t *terminated) String() string {
	s := fmt.Sprintf("exit code %d", t.ExitCode)
	if t.Signal != 0 {
		s = fmt.Sprintf("signal %d", t.Signal)
	}
	switch {
	case t.Reason == "OOMKilled":
		s = "out of memory (OOMKilled, " + s + "): it used more than its memory limit"
	case t.Reason != "" && t.Reason != "Error" && t.Reason != "Completed":
		s += " (" + t.Reason + ")"
	}
	if t.Message != "" {
		s += ": " + oneLine(t.Message)
	}
	return s
}

// latest is the newest event with one of the reasons.
func latest(events []*event, reasons ...string) *event {
	var last *event
	for _, e := range events {
		for _, reason := range reasons {
			if e.Reason == reason && (last == nil || !e.Last.Before(&last.Last)) {
				last = e
			}
		}
	}
	return last
}

func lastEvent(events []*event, reasons ...string) string {
	if e := latest(events, reasons...); e != nil {
		return e.Message
	}
	return ""
}

// rpcError is how the container runtime's errors begin.
var rpcError = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`rpc error: code = \w+ desc = `)
})

// oneLine makes a message of the cluster fit for a sentence.
func oneLine(s string) string {
	return strings.Join(strings.Fields(rpcError().ReplaceAllString(s, "")), " ")
}
