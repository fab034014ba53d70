package tenancy

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ystackdev/ystack/pkg/app"
)

// TestLabPullSecrets copies a registry's credentials, follows them, and takes the copies
// away. What is in them is in no plan.
func TestLabPullSecrets(t *testing.T) {
	const canary = "canary-of-a-registry"
	s := newStage(t)
	secrets := s.Dynamic.Resource(schema.GroupVersionResource{Version: "v1", Resource: "secrets"})
	a := &applier{client: s.Client}
	from := Object{Kind: "Namespace", Metadata: Metadata{Name: s.a.prefix + "registry"}}
	if err := a.create(t.Context(), from); err != nil {
		t.Fatal(err)
	}
	source := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockerconfigjson",
		"metadata":   map[string]any{"name": "regcred"},
		"stringData": map[string]any{".dockerconfigjson": `{"auths":{"registry.example":{"auth":"` + canary + `"}}}`},
	}}
	if _, err := secrets.Namespace(from.Metadata.Name).Create(t.Context(), source, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	project := s.project("web")
	s.a.assign(Assignment{UserID: s.alice, RoleID: s.role["reader"], Scope: Scope{ProjectID: project}})
	s.config.Spec.Namespaces.PullSecrets = []app.SecretRef{{Namespace: from.Metadata.Name, Name: "regcred"}}
	home := s.a.prefix + "web"
	inCopy := func() string {
		u, err := secrets.Namespace(home).Get(t.Context(), "regcred", metav1.GetOptions{})
		if err != nil {
			return ""
		}
		data, _, _ := unstructured.NestedString(u.Object, "data", ".dockerconfigjson")
		text, _ := base64.StdEncoding.DecodeString(data)
		return string(text)
	}

	p, _ := s.sync()
	s.wantCounts(p, map[Action]int{Create: 3})
	text, err := json.Marshal(p)
	if shown := string(text) + fmt.Sprintf("%+v %v", p.Changes, p.secrets); err != nil || strings.Contains(shown, canary) || strings.Contains(shown, base64.StdEncoding.EncodeToString([]byte(canary))) {
		t.Errorf("%v: what is in the Secret shows in the plan", err)
	}
	if !strings.Contains(inCopy(), canary) {
		t.Errorf("the copy has %q", inCopy())
	}
	s.settled()

	// The source changes; somebody changes the copy; the copy is not wanted any more.
	patch := func(namespace, text string) {
		t.Helper()
		if _, err := secrets.Namespace(namespace).Patch(context.Background(), "regcred", types.MergePatchType, []byte(text), metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	patch(from.Metadata.Name, `{"stringData":{".dockerconfigjson":"{\"auths\":{}}"}}`)
	p, _ = s.sync()
	s.wantCounts(p, map[Action]int{Update: 1})
	patch(home, `{"stringData":{"more":"x"}}`)
	p, _ = s.sync()
	s.wantCounts(p, map[Action]int{Update: 1})
	if got := inCopy(); got != `{"auths":{}}` {
		t.Errorf("the copy has %q", got)
	}
	s.settled()
	s.config.Spec.Namespaces.PullSecrets = nil
	p, _ = s.sync()
	s.wantCounts(p, map[Action]int{Revoke: 1, Update: 1})
	if got := inCopy(); got != "" {
		t.Errorf("a copy is left: %q", got)
	}
	s.settled()

	// One of somebody else's by its name stays as it is; a source that is none is an error.
	own := source.DeepCopy()
	own.Object["stringData"] = map[string]any{".dockerconfigjson": `{"auths":{"mine":{}}}`}
	if _, err := secrets.Namespace(home).Create(t.Context(), own, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	s.config.Spec.Namespaces.PullSecrets = []app.SecretRef{{Namespace: from.Metadata.Name, Name: "regcred"}}
	p, _ = s.sync()
	if len(p.Conflicts) != 1 || !strings.Contains(p.Conflicts[0], "is in the way of a copy") || !strings.Contains(inCopy(), "mine") {
		t.Errorf("conflicts %q, copy %q", p.Conflicts, inCopy())
	}
	s.config.Spec.Namespaces.PullSecrets[0].Name = "none"
	if _, err := Observe(t.Context(), s.Client, s.config); err == nil || !strings.Contains(err.Error(), "spec.namespaces.pullSecrets[0]: there is no Secret none") {
		t.Errorf("%v", err)
	}
	s.config.Spec.Namespaces.PullSecrets = nil
}
