package kubernetes

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ystackdev/ystack/pkg/deploy"
)

const (
	runningImage = "registry.example/apps/hello@sha256:01"
	olderImage   = "registry.example/apps/hello@sha256:00"
)

// deployed is a Deployment or ReplicaSet, made at eight, with an image.
func deployed(kind, uid, image string, annotations object, status object) *unstructured.Unstructured {
	record := object{annotationImage: runningImage, annotationRevision: "r1", annotationBy: "alice", annotationRun: "hello-1"}
	for key, value := range annotations {
		record[key] = value
	}
	return &unstructured.Unstructured{Object: object{
		"kind": kind,
		"metadata": object{
			"name": "hello", "namespace": "web", "uid": uid, "labels": object{labelInstance: "hello"}, "annotations": record,
			"creationTimestamp": "2026-11-26T08:00:00Z",
			"managedFields":     []any{object{"manager": fieldManager, "operation": "Apply", "time": "2026-11-26T10:00:00Z"}},
			"ownerReferences":   []any{object{"uid": "d", "controller": true, "kind": "Deployment", "name": "hello"}},
		},
		"spec":   object{"replicas": int64(2), "template": object{"spec": object{"containers": []any{object{"name": "hello", "image": image}}}}},
		"status": status,
	}}
}

func TestRevisionsThatRun(t *testing.T) {
	eight, ten := time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC), time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)
	current := Running{
		Release:   deploy.Release{App: "hello", Image: runningImage, Revision: "r1", By: "alice", Run: "hello-1", Deployed: eight},
		Namespace: "web", Object: "deployment.apps/hello", Images: []string{runningImage}, Ready: 2, Desired: 2, State: "ready",
	}
	done := object{"replicas": int64(2), "updatedReplicas": int64(2), "readyReplicas": int64(2), "availableReplicas": int64(2)}
	set := func(number, image string, more, status object) unstructured.Unstructured {
		annotations := object{annotationNumber: number}
		for key, value := range more {
			annotations[key] = value
		}
		return *deployed("ReplicaSet", "s"+number, image, annotations, status)
	}
	old := object{annotationImage: olderImage, annotationRevision: "r0"}
	two, none := object{"replicas": int64(2), "readyReplicas": int64(2)}, object{"replicas": int64(0)}

	for name, tc := range map[string]struct {
		image  string
		status object
		sets   []unstructured.Unstructured
		want   func() []Running
	}{
		"rolled out": {
			runningImage, done,
			[]unstructured.Unstructured{set("1", olderImage, old, none), set("2", runningImage, nil, two)},
			func() []Running { return []Running{current} },
		},
		"gone back to": {
			runningImage, done,
			[]unstructured.Unstructured{set("2", runningImage, object{annotationNumbers: "0"}, two)},
			func() []Running { c := current; c.Deployed = ten; return []Running{c} },
		},
		"sets hidden": {
			runningImage, done, nil,
			func() []Running { c := current; c.Deployed = ten; return []Running{c} },
		},
		"stuck": {
			runningImage,
			object{"replicas": int64(3), "updatedReplicas": int64(1), "readyReplicas": int64(2), "availableReplicas": int64(2)},
			[]unstructured.Unstructured{set("1", olderImage, old, two), set("2", runningImage, nil, object{"replicas": int64(1)})},
			func() []Running {
				c, o := current, current
				c.Ready, c.State = 0, "progressing"
				o.Image, o.Revision, o.Images, o.State = olderImage, "r0", []string{olderImage}, "superseded"
				return []Running{c, o}
			},
		},
		"set by hand": {
			"busybox", done,
			[]unstructured.Unstructured{set("2", "busybox", nil, two)},
			func() []Running { c := current; c.Images = []string{"busybox"}; return []Running{c} },
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := revisions(deployed("Deployment", "d", tc.image, object{annotationNumber: "2"}, tc.status), tc.sets)
			for i := range got {
				got[i].Deployed = got[i].Deployed.UTC()
			}
			if diff := cmp.Diff(tc.want(), got); diff != "" {
				t.Error(diff)
			}
			if got[0].Runs() != (name != "set by hand") {
				t.Errorf("runs what its record says: %t", got[0].Runs())
			}
		})
	}
}
