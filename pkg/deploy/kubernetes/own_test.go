package kubernetes

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/deploy"
)

const ownApp = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      initContainers: [{name: init, image: hello, command: ["/bin/sh", "-c", "INIT"]}]
      containers:
      - {name: web, image: hello, envFrom: [{configMapRef: {name: settings}}], readinessProbe: {httpGet: {port: 8080, path: /healthz}, periodSeconds: 1}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080, name: http}]}
`

const ownMore = `apiVersion: v1
kind: List
items:
- apiVersion: apps/v1
  kind: StatefulSet
  metadata: {name: db}
  spec:
    serviceName: db
    replicas: 2
    podManagementPolicy: Parallel
    selector: {matchLabels: {app: db}}
    template:
      metadata: {labels: {app: db}}
      spec: {terminationGracePeriodSeconds: 1, containers: [{name: db, image: hello}]}
- apiVersion: apps/v1
  kind: DaemonSet
  metadata: {name: agent}
  spec:
    selector: {matchLabels: {app: agent}}
    template:
      metadata: {labels: {app: agent}}
      spec: {terminationGracePeriodSeconds: 1, containers: [{name: agent, image: hello, env: [{name: V, value: "ONE"}]}]}
- {apiVersion: v1, kind: Secret, metadata: {name: key}, stringData: {password: canary-password}}
`

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestClusterOwnManifests: everything that carries the image is waited for,
// what the files no longer have goes, and secrets do not show.
func TestClusterOwnManifests(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	dir := t.TempDir()
	write(t, dir, "app.yaml", strings.Replace(ownApp, "INIT", "exit 0", 1))
	write(t, dir, "more.yaml", ownMore)
	write(t, dir, "settings.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {GREETING: files}\n")
	r := Release{
		Release: deploy.Release{App: "hello", Image: probeImage(t), Revision: "one"}, Dir: dir,
		Spec:   app.ContainerDeploy{Manifests: "."},
		Health: &app.Health{HTTP: &app.HTTPHealth{Port: 8080, Path: "/"}},
	}
	first := l.deploy(t, r)
	if len(first.Workloads) != 3 || len(first.Changes) != 6 {
		t.Fatalf("%+v", first)
	}
	if result := l.apply(t, r); result.Changed() {
		t.Errorf("second deploy: %v", result.Changes)
	}
	check, err := l.Check(t.Context(), r)
	if err != nil || string(check.Body) != "hello from files\n" {
		t.Errorf("%+v %s %v", check, check.Body, err)
	}

	// The DaemonSet and the StatefulSet change, the Service goes, the password is another.
	write(t, dir, "app.yaml", strings.Split(strings.Replace(ownApp, "INIT", "exit 0", 1), "---")[0])
	write(t, dir, "more.yaml", strings.NewReplacer("ONE", "two", "canary-password", "canary-another", "name: db, image: hello}", "name: db, image: hello, env: [{name: A, value: b}]}").Replace(ownMore))
	r.Revision = "two"
	plan, err := l.Plan(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	changes, err := l.Diff(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range changes {
		t.Logf("%s %s\n%s", c.Object, c.Action, c.Diff)
		if strings.Contains(c.Diff, "canary") || strings.Contains(c.Diff, "Y2FuYXJ5") {
			t.Errorf("the password shows in %s", c.Diff)
		}
		if c.Object == "secret/key" && !strings.Contains(c.Diff, "*** (after)") {
			t.Errorf("the difference does not show in %q", c.Diff)
		}
	}
	second := l.deploy(t, r)
	if got := actions(second.Changes); got["service/web"] != deploy.Deleted || got["configmap/settings"] != deploy.Unchanged || got["secret/key"] != deploy.Configured {
		t.Errorf("%v", got)
	}
	if current, err := l.Current(t.Context(), l.namespace, "hello"); err != nil || current.Spec.Manifests != "." || current.Image != r.Image {
		t.Errorf("%+v, %v", current, err)
	}

	// An init container that crashes, and then a setting that is not there.
	write(t, dir, "app.yaml", strings.Replace(ownApp, "INIT", "echo no database; exit 4", 1))
	if failure := l.failure(t, r, time.Minute); failure.Cause != CauseCrash || !strings.Contains(failure.Detail, "init container init crashes: exit code 4") ||
		strings.Join(failure.LogTail, "") != "no database" {
		t.Errorf("%v %q", failure, failure.LogTail)
	}
	write(t, dir, "app.yaml", strings.NewReplacer("INIT", "exit 0", "name: settings", "name: missing").Replace(ownApp))
	if failure := l.failure(t, r, time.Minute); failure.Cause != CauseConfig || !strings.Contains(failure.Detail, `configmap "missing" not found`) {
		t.Errorf("%v", failure)
	}
}

func TestClusterKustomization(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	dir := t.TempDir()
	write(t, dir, "app.yaml", strings.Replace(ownApp, "INIT", "exit 0", 1))
	write(t, dir, "kustomization.yaml", "resources: [app.yaml]\nconfigMapGenerator: [{name: settings, literals: [GREETING=kustomize]}]\n")
	r := Release{Release: deploy.Release{App: "hello", Image: probeImage(t)}, Dir: dir, Spec: app.ContainerDeploy{Manifests: "."}, Health: &app.Health{HTTP: &app.HTTPHealth{Port: 8080, Path: "/"}}}
	l.deploy(t, r)
	// The generator's new name replaces the old ConfigMap.
	write(t, dir, "kustomization.yaml", "resources: [app.yaml]\nconfigMapGenerator: [{name: settings, literals: [GREETING=again]}]\n")
	l.deploy(t, r)
	check, err := l.Check(t.Context(), r)
	if err != nil || string(check.Body) != "hello from again\n" {
		t.Errorf("%+v %s %v", check, check.Body, err)
	}
	if maps := l.kubectl(t, "", "get", "configmaps", "-l", labelManagedBy+"=ystack", "-o", "name"); strings.Count(maps, "\n") != 1 {
		t.Errorf("config maps left: %s", maps)
	}
	// A kind that the cluster has not.
	write(t, dir, "gadget.yaml", "apiVersion: example.com/v1\nkind: Gadget\nmetadata: {name: g}\n")
	write(t, dir, "kustomization.yaml", "resources: [app.yaml, gadget.yaml]\n")
	_, err = l.Plan(t.Context(), r)
	if err == nil || !strings.Contains(err.Error(), "knows no kind Gadget of example.com/v1") {
		t.Error(err)
	}
	if errors.Is(err, ErrManifest) {
		t.Log("(also a manifest error)")
	}
	t.Log(err)
}
