package kubernetes

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// readState makes a view of what a real cluster said at a moment.
func readState(t *testing.T, path string) *view {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var list unstructured.UnstructuredList
	if err := json.Unmarshal(content, &list); err != nil {
		t.Fatal(err)
	}
	v := newView(Workload{Resource: resourceOf("apps", "deployments"), Kind: "Deployment"})
	v.now = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range list.Items {
		v.add(&list.Items[i])
	}
	return v
}

func (v *view) add(u *unstructured.Unstructured) {
	switch u.GetKind() {
	case "ReplicaSet":
		v.sets[u.GetUID()] = decode[replicaSet](u)
	case "Pod":
		v.pods[u.GetUID()] = decode[pod](u)
	case "Event":
		decode[event](u).file(v.events)
	default:
		v.rollout = decode[rollout](u)
		v.rollout.Kind, v.rollout.template = u.GetKind(), templateHash(u)
		v.target.Name, v.target.Namespace = u.GetName(), u.GetNamespace()
	}
}

// TestVerdict judges states of a real cluster: at once, and when the trouble
// has lasted for a while.
func TestVerdict(t *testing.T) {
	paths, err := filepath.Glob("testdata/states/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatal(err, "no states")
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		t.Run(name, func(t *testing.T) {
			v := readState(t, path)
			var out strings.Builder
			s := v.status()
			fmt.Fprintf(&out, "desired %d updated %d ready %d available %d old %d done %t\n", s.Desired, s.Updated, s.Ready, s.Available, s.Old, s.Done)
			for _, r := range s.Replicas {
				fmt.Fprintf(&out, "%s: %s: %s\n", r.Pod, r.Phase, r.Message)
			}
			fmt.Fprintf(&out, "at once: %s\n", v.judge())
			v.now = v.now.Add(time.Minute)
			fmt.Fprintf(&out, "after a minute: %s\n", v.judge())
			fmt.Fprintf(&out, "out of time: %s\n", v.stuck("not done in time", nil))
			golden(t, "states/"+name+".txt", out.String())
		})
	}
}

func (v verdict) String() string {
	if v.failure == nil {
		return fmt.Sprintf("done %t", v.done)
	}
	s := fmt.Sprintf("%s: %v", v.failure.Cause, v.failure)
	if v.trouble != nil && v.trouble.hasLog {
		s += fmt.Sprintf(" [log of %s, previous %t]", v.trouble.container, v.trouble.previous)
	}
	return s
}

// TestVerdictChanges: what others do meanwhile, told from what happens by itself.
func TestVerdictChanges(t *testing.T) {
	tests := []struct {
		name   string
		change func(v *view)
		want   Cause
	}{
		{"nothing", func(v *view) {}, ""},
		{"gone", func(v *view) { v.gone = true }, CauseDeleted},
		{"replaced", func(v *view) { v.target.UID = "another" }, CauseDeleted},
		{"superseded", func(v *view) { v.target.Template = "another" }, CauseSuperseded},
		{"paused", func(v *view) { v.rollout.Spec.Paused = true }, CausePaused},
		{"on delete", func(v *view) { v.rollout.Spec.UpdateStrategy.Type = "OnDelete" }, CauseStrategy},
		{"not seen by the controller", func(v *view) { v.rollout.Generation++ }, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := readState(t, "testdata/states/not-ready.json")
			v.target.UID, v.target.Template = v.rollout.UID, v.rollout.template
			test.change(v)
			got := v.judge()
			if test.want == "" && got.failure != nil || test.want != "" && (got.failure == nil || got.failure.Cause != test.want) {
				t.Errorf("got %s, want %q", got, test.want)
			}
		})
	}
}

// TestVerdictPatience: troubles that pass by themselves are no failures.
func TestVerdictPatience(t *testing.T) {
	tests := []struct {
		name, state string
		change      func(v *view)
	}{
		{"old pods make room in the quota", "quota", func(v *view) {
			v.pods["old"] = decode[pod](&unstructured.Unstructured{Object: object{"metadata": object{"name": "old", "deletionTimestamp": "2026-01-01T00:00:00Z"}}})
		}},
		{"a node is on its way", "unschedulable", func(v *view) {
			for uid := range v.pods {
				v.events[uid] = append(v.events[uid], &event{Reason: "TriggeredScaleUp"})
			}
		}},
		{"registry did not answer once", "image-not-found", func(v *view) {
			for _, p := range v.pods {
				w := p.Status.Containers[0].State.Waiting
				w.Reason, w.Message = "ErrImagePull", "dial tcp: i/o timeout"
			}
		}},
		{"first crash", "crash", func(v *view) {
			for _, p := range v.pods {
				p.Status.Containers[0].RestartCount = 0
				p.Status.Containers[0].State = containerState{Terminated: &terminated{ExitCode: 1}}
			}
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := readState(t, "testdata/states/"+test.state+".json")
			test.change(v)
			for range 3 {
				if got := v.judge(); got.failure != nil || got.done {
					t.Errorf("got %s", got)
				}
				v.now = v.now.Add(time.Minute)
			}
		})
	}
}

func TestScheduleHint(t *testing.T) {
	for message, want := range map[string]string{
		"0/1 nodes are available: 1 Insufficient cpu.":                               "resources.requests",
		"0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.": "StorageClass",
	} {
		if got := scheduleHint(message); !strings.Contains(got, want) {
			t.Errorf("%s: %s", message, got)
		}
	}
}

// TestEntry: an image that somebody set by hand is not of the revision on record.
func TestEntry(t *testing.T) {
	set := func(image string) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: object{
			"metadata": object{"annotations": object{annotationNumber: "3", annotationImage: "r/app@sha256:1", annotationRevision: "abc", annotationRun: "app-1", annotationBy: "alice"}},
			"spec":     object{"template": object{"spec": object{"containers": []any{object{"image": "side"}, object{"image": image}}}}},
		}}
	}
	if got := entry(&rollout{}, set("r/app@sha256:1")); got.Revision != "abc" || got.Image != "r/app@sha256:1" || got.Run != "app-1" {
		t.Errorf("as recorded: %+v", got)
	}
	if got := entry(&rollout{}, set("r/app:by-hand")); got.Revision != "" || got.Image != "side" || got.Run != "" || got.By != "" || got.Number != 3 {
		t.Errorf("by hand: %+v", got)
	}
}

// TestRefusedForGood: replicas that are leaving give back quota, but change nothing
// in what the server lets pods be.
func TestRefusedForGood(t *testing.T) {
	v := readState(t, "testdata/states/quota.json")
	for _, set := range v.sets {
		for i := range set.Status.Conditions {
			set.Status.Conditions[i].Message = `pods "x" is forbidden: violates PodSecurity "restricted:latest"`
		}
	}
	v.pods["old"] = decode[pod](&unstructured.Unstructured{Object: object{"metadata": object{"name": "old", "deletionTimestamp": "2026-01-01T00:00:00Z"}}})
	v.judge()
	v.now = v.now.Add(refusedGrace)
	if got := v.judge(); got.failure == nil || got.failure.Cause != CauseAdmission {
		t.Errorf("got %s", got)
	}
}

// TestProven: without a readiness probe, a container is ready as soon as it has
// started; that is not taken for an answer at once.
func TestProven(t *testing.T) {
	started := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		probe  string
		after  time.Duration // since the container was started
		hidden bool
		want   bool
	}{
		"no probe, just started":   {after: time.Second},
		"no probe, for a while":    {after: provenAfter, want: true},
		"probe":                    {probe: `"readinessProbe":{"tcpSocket":{}}`, want: true},
		"pods that one cannot see": {hidden: true, want: true},
	} {
		t.Run(name, func(t *testing.T) {
			v := newView(Workload{Resource: resourceOf("apps", "deployments"), Kind: "Deployment"})
			for _, content := range []string{
				`{"kind":"Deployment","metadata":{"uid":"d","annotations":{"deployment.kubernetes.io/revision":"1"}},"spec":{"replicas":1},"status":{"replicas":1,"updatedReplicas":1,"availableReplicas":1}}`,
				`{"kind":"ReplicaSet","metadata":{"uid":"s","annotations":{"deployment.kubernetes.io/revision":"1"},"ownerReferences":[{"uid":"d","controller":true}]}}`,
				`{"kind":"Pod","metadata":{"uid":"p","ownerReferences":[{"uid":"s","controller":true}]},"spec":{"containers":[{"name":"c"` + withComma(tc.probe) + `}]},` +
					`"status":{"containerStatuses":[{"name":"c","ready":true,"state":{"running":{"startedAt":"2026-01-01T00:00:00Z"}}}]}}`,
			} {
				u := &unstructured.Unstructured{}
				if err := u.UnmarshalJSON([]byte(`{"apiVersion":"v1",` + content[1:])); err != nil {
					t.Fatal(err)
				}
				if u.GetKind() != "Pod" || !tc.hidden {
					v.add(u)
				}
			}
			v.podsHidden, v.now = tc.hidden, started.Add(tc.after)
			if got := v.judge(); got.done != tc.want || got.failure != nil {
				t.Errorf("got %s, want done %t", got, tc.want)
			}
			// Whatever the pods' clocks say, what lasts is done.
			v.now = v.now.Add(provenAfter)
			if got := v.judge(); !got.done {
				t.Errorf("later: got %s", got)
			}
		})
	}
}

func withComma(field string) string {
	if field == "" {
		return ""
	}
	return "," + field
}

// TestOutOfMemoryTwice: containerd says OOMKilled of the first time, and at times
// nothing but the exit code of the second.
func TestOutOfMemoryTwice(t *testing.T) {
	c := containerStatus{Name: "c", RestartCount: 1}
	c.State.Terminated = &terminated{ExitCode: 137, Reason: "Error"}
	c.LastState.Terminated = &terminated{ExitCode: 137, Reason: "OOMKilled"}
	got := newView(Workload{}).containerTrouble(&pod{}, c, "container ")
	if got == nil || !strings.Contains(got.detail, "OOMKilled") || got.hint == "" {
		t.Errorf("got %+v", got)
	}
}

// TestPullReason: the back-off that follows a failed pull keeps the real reason.
func TestPullReason(t *testing.T) {
	v := readState(t, "testdata/states/image-not-found.json")
	for _, p := range v.pods {
		w := p.Status.Containers[0].State.Waiting
		w.Reason, w.Message = "ErrImagePull", "dial tcp: i/o timeout"
		v.judge()
		w.Reason, w.Message = "ImagePullBackOff", "Back-off pulling image"
	}
	got := v.judge()
	if got.failure == nil || got.failure.Cause != CauseImage || !strings.Contains(got.failure.Detail, "i/o timeout") || errors.Unwrap(got.failure) != nil {
		t.Errorf("got %s", got)
	}
}

func TestProgress(t *testing.T) {
	tests := []struct {
		name, content string
		want          progress
		done          bool
	}{
		{"statefulset half way", `{"kind":"StatefulSet","metadata":{"generation":2},"spec":{"replicas":3},"status":{"observedGeneration":2,"replicas":3,"updatedReplicas":1,"readyReplicas":3,"availableReplicas":3}}`, progress{true, 3, 1, 3, 3, 2}, false},
		{"statefulset with a partition", `{"kind":"StatefulSet","spec":{"replicas":3,"updateStrategy":{"rollingUpdate":{"partition":2}}},"status":{"replicas":3,"updatedReplicas":1,"readyReplicas":3,"availableReplicas":3}}`, progress{true, 3, 1, 3, 3, 0}, true},
		{"statefulset done", `{"kind":"StatefulSet","spec":{"replicas":1},"status":{"replicas":1,"updatedReplicas":1,"readyReplicas":1,"availableReplicas":1}}`, progress{true, 1, 1, 1, 1, 0}, true},
		{"daemonset half way", `{"kind":"DaemonSet","status":{"desiredNumberScheduled":3,"updatedNumberScheduled":1,"numberReady":2,"numberAvailable":2}}`, progress{true, 3, 1, 2, 2, 2}, false},
		{"daemonset done", `{"kind":"DaemonSet","status":{"desiredNumberScheduled":3,"updatedNumberScheduled":3,"numberReady":3,"numberAvailable":3}}`, progress{true, 3, 3, 3, 3, 0}, true},
		{"deployment of none", `{"kind":"Deployment","spec":{"replicas":0},"status":{}}`, progress{observed: true}, true},
		{"deployment whose old replicas are left", `{"kind":"Deployment","spec":{"replicas":1},"status":{"replicas":2,"updatedReplicas":1,"readyReplicas":2,"availableReplicas":2}}`, progress{true, 1, 1, 2, 2, 1}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			u := &unstructured.Unstructured{}
			if err := json.Unmarshal([]byte(strings.Replace(test.content, "{", `{"apiVersion":"apps/v1",`, 1)), &u.Object); err != nil {
				t.Fatal(err)
			}
			r := decode[rollout](u)
			if got := r.progress(); got != test.want || r.done() != test.done {
				t.Errorf("got %+v, done %t", got, r.done())
			}
		})
	}
}
