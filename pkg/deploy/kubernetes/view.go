package kubernetes

import (
	"encoding/json"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// What is read of the cluster's objects, and no more: the packages with all of
// their fields would add 3.5 MB and 5 ms to every start.

type condition struct {
	Type, Status, Reason, Message string
}

func find(conditions []condition, kind string) condition {
	for _, c := range conditions {
		if c.Type == kind {
			return c
		}
	}
	return condition{}
}

// rollout is a Deployment, StatefulSet or DaemonSet.
type rollout struct {
	metav1.ObjectMeta `json:"metadata"`
	Kind              string `json:"kind"`
	Spec              struct {
		Replicas       *int32               `json:"replicas"`
		Paused         bool                 `json:"paused"`
		Selector       metav1.LabelSelector `json:"selector"`
		UpdateStrategy struct {
			Type          string `json:"type"`
			RollingUpdate struct {
				Partition int32 `json:"partition"`
			} `json:"rollingUpdate"`
		} `json:"updateStrategy"`
	} `json:"spec"`
	Status struct {
		ObservedGeneration int64       `json:"observedGeneration"`
		Replicas           int32       `json:"replicas"`
		UpdatedReplicas    int32       `json:"updatedReplicas"`
		ReadyReplicas      int32       `json:"readyReplicas"`
		AvailableReplicas  int32       `json:"availableReplicas"`
		CurrentRevision    string      `json:"currentRevision"`
		UpdateRevision     string      `json:"updateRevision"`
		Desired            int32       `json:"desiredNumberScheduled"`
		Updated            int32       `json:"updatedNumberScheduled"`
		NumberReady        int32       `json:"numberReady"`
		NumberAvailable    int32       `json:"numberAvailable"`
		Conditions         []condition `json:"conditions"`
	} `json:"status"`

	template string
}

// replicaSet is the part of a Deployment that one revision is.
type replicaSet struct {
	metav1.ObjectMeta `json:"metadata"`
	Status            struct {
		Replicas   int32       `json:"replicas"`
		Ready      int32       `json:"readyReplicas"`
		Conditions []condition `json:"conditions"`
	} `json:"status"`
}

type pod struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		NodeName   string         `json:"nodeName"`
		Containers []podContainer `json:"containers"`
	} `json:"spec"`
	Status struct {
		Phase          string            `json:"phase"`
		Reason         string            `json:"reason"`
		Message        string            `json:"message"`
		Conditions     []condition       `json:"conditions"`
		InitContainers []containerStatus `json:"initContainerStatuses"`
		Containers     []containerStatus `json:"containerStatuses"`
	} `json:"status"`
}

type podContainer struct {
	Name           string    `json:"name"`
	Image          string    `json:"image"`
	ReadinessProbe *struct{} `json:"readinessProbe"`
}

type containerStatus struct {
	Name         string         `json:"name"`
	Image        string         `json:"image"`
	Ready        bool           `json:"ready"`
	RestartCount int32          `json:"restartCount"`
	State        containerState `json:"state"`
	LastState    containerState `json:"lastState"`
}

type containerState struct {
	Waiting *struct {
		Reason, Message string
	} `json:"waiting"`
	Running *struct {
		StartedAt metav1.Time `json:"startedAt"`
	} `json:"running"`
	Terminated *terminated `json:"terminated"`
}

type terminated struct {
	ExitCode int32  `json:"exitCode"`
	Signal   int32  `json:"signal"`
	Reason   string `json:"reason"`
	Message  string `json:"message"`
}

// event is one of the cluster's remarks about an object.
type event struct {
	metav1.ObjectMeta `json:"metadata"`
	InvolvedObject    struct {
		UID       types.UID `json:"uid"`
		FieldPath string    `json:"fieldPath"`
	} `json:"involvedObject"`
	Reason  string      `json:"reason"`
	Message string      `json:"message"`
	Type    string      `json:"type"`
	Last    metav1.Time `json:"lastTimestamp"`
}

// decode reads an object into one of the types above. Fields that do not fit
// are not worth an error: they are the server's, and have been checked there.
func decode[T any](u *unstructured.Unstructured) *T {
	out := new(T)
	content, err := json.Marshal(u.Object)
	if err != nil {
		return out
	}
	_ = json.Unmarshal(content, out)
	return out
}

// view is what is known of a rollout at a moment. Judging it needs nothing else.
type view struct {
	target Workload
	now    time.Time

	rollout *rollout // nil until it was seen
	gone    bool     // it was there, and is no more
	sets    map[types.UID]*replicaSet
	pods    map[types.UID]*pod
	events  map[types.UID][]*event // by pod

	// podsHidden says that the user may not see pods.
	podsHidden bool
	// setsHidden says that the user may not see ReplicaSets.
	setsHidden bool
	lost       string // why the connection is lost at the moment, if it is

	// since says when a trouble that may pass was first seen.
	since map[string]time.Time
	// pulls keeps the last real reason why an image was not pulled; the status
	// alternates between it and a mere "back-off".
	pulls map[string]string
}

func newView(target Workload) *view {
	return &view{
		target: target,
		sets:   map[types.UID]*replicaSet{},
		pods:   map[types.UID]*pod{},
		events: map[types.UID][]*event{},
		since:  map[string]time.Time{},
		pulls:  map[string]string{},
	}
}

// lasting says whether a trouble has been there for a while, without a break.
func (v *view) lasting(trouble string, present bool, while time.Duration) bool {
	if !present {
		delete(v.since, trouble)
		return false
	}
	if v.since[trouble].IsZero() {
		v.since[trouble] = v.now
	}
	return v.now.Sub(v.since[trouble]) >= while
}

// name is the workload as kubectl names it.
func (v *view) name() string {
	return strings.ToLower(v.target.Kind) + "." + v.target.Resource.Group + "/" + v.target.Name
}
