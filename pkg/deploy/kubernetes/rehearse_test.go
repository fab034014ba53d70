package kubernetes

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/kube"
)

// TestClusterRehearsal: a mistake that only the server knows is found before
// anything is made, whether the object is there already or not.
func TestClusterRehearsal(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	good := l.release(t)
	good.Image = ""
	manifest := func(field string) Release {
		r := good
		r.Dir = t.TempDir()
		r.Spec = app.ContainerDeploy{Manifests: "d.yaml"}
		content := `{apiVersion: apps/v1, kind: Deployment, metadata: {name: hello}, spec: {selector: {matchLabels: {a: b}},
			template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: hello, ` + field + `}]}}}}`
		if err := os.WriteFile(filepath.Join(r.Dir, "d.yaml"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return r
	}
	bad := good
	bad.Spec.Resources = &app.Resources{Requests: map[string]string{"memory": "2Gi"}, Limits: map[string]string{"memory": "1Gi"}}
	check := func(t *testing.T) {
		for name, tc := range map[string]struct {
			release Release
			want    string // "" if the server has nothing to say against it
		}{
			"good":          {good, ""},
			"unequal":       {bad, "must be less than or equal to memory limit"},
			"unknown field": {manifest("imagePullPolice: Always"), "imagePullPolice"},
			"wrong type":    {manifest("ports: [{containerPort: http}]"), "containerPort"},
			"out of range":  {manifest("ports: [{containerPort: 99999}]"), "between 1 and 65535"},
		} {
			t.Run(name, func(t *testing.T) {
				_, err := l.target(tc.release).Plan(t.Context(), tc.release.Release)
				switch {
				case tc.want == "" && err != nil:
					t.Error(err)
				case tc.want != "" && (!errors.Is(err, kube.ErrInvalid) || !strings.Contains(err.Error(), tc.want)):
					t.Errorf("got %v, want %q", err, tc.want)
				}
			})
		}
	}
	t.Run("new", check)
	if out := l.kubectl(t, "", "get", "deployments,services", "-o", "name"); out != "" {
		t.Errorf("written: %s", out)
	}
	l.apply(t, l.release(t))
	t.Run("there", check)
}

// TestClusterNarrowRole: a role for one object by name is enough, and who has no
// right to Services can deploy what has none.
func TestClusterNarrowRole(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.kubectl(t, `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: narrow}
rules:
- {apiGroups: [apps], resources: [deployments], verbs: [create]}
- {apiGroups: [apps], resources: [deployments], resourceNames: [hello], verbs: [get, patch, list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: narrow}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: narrow}
subjects: [{kind: User, name: joe, apiGroup: rbac.authorization.k8s.io}]
`, "apply", "-f", "-")
	joe := &lab{namespace: l.namespace, Deployer: &Deployer{Client: labClient(t, l.namespace, clientcmd.ConfigOverrides{AuthInfo: clientcmdapi.AuthInfo{Impersonate: "joe"}})}}
	may := func() bool { // the authorizer takes a moment to see the role
		allowed, _, err := joe.Client.Allowed(t.Context(), kube.Access{Verb: "watch", Group: "apps", Resource: "deployments", Namespace: l.namespace, Name: "hello"})
		return err == nil && allowed
	}
	for tries := 0; !may() && tries < 100; tries++ {
		time.Sleep(100 * time.Millisecond)
	}
	r := l.release(t)
	r.Spec.Ports = nil
	result := joe.apply(t, r)
	if err := joe.Wait(t.Context(), result.Workloads, nil); err != nil {
		t.Error(err)
	}
	if check, err := joe.Check(t.Context(), r); err != nil || check.Outcome != NoService {
		t.Errorf("check: %+v, %v", check, err)
	}
	if answer, err := joe.Answer(t.Context(), r); err != nil || answer.Service != "" {
		t.Errorf("answer: %+v, %v", answer, err)
	}
	// Of a release with manifests it is not known whether there is a Service.
	r.Spec.Manifests = "x.yaml"
	if check, err := joe.Check(t.Context(), r); err != nil || check.Outcome != Forbidden {
		t.Errorf("check: %+v, %v", check, err)
	}
	if answer, err := joe.Answer(t.Context(), r); err != nil || answer.Service != "" {
		t.Errorf("answer: %+v, %v", answer, err)
	}
}
