package watch

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// needCluster skips where there is none; in CI that is a failure.
func needCluster(t *testing.T) *rest.Config {
	t.Helper()
	settings, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if os.Getenv("YSTACK_LAB") == "" || err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(`no lab: run it up and eval "$(lab env)"`)
		}
		t.Skip(`needs the lab: eval "$(lab env)"`)
	}
	settings.QPS = -1
	return settings
}

// kubectl gives it a document and returns what it says.
func kubectl(t *testing.T, in string, args ...string) string {
	t.Helper()
	cmd := exec.Command("kubectl", args...)
	cmd.Stdin = strings.NewReader(in)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// TestManifestsOnTheAPIServer: the cluster itself says whether it would take them.
func TestManifestsOnTheAPIServer(t *testing.T) {
	needCluster(t)
	for name, text := range map[string]string{"plain": plain, "full": full} {
		out, err := Manifests(manifestsOf(t, text, func(o *ManifestOptions) { o.Namespace = "default" }))
		if err != nil {
			t.Fatal(err)
		}
		if said := kubectl(t, string(out), "create", "--dry-run=server", "--validate=strict", "-f", "-"); strings.Contains(said, "Warning") {
			t.Errorf("%s:\n%s", name, said)
		}
	}
}

// guarded is a part of the lab where the printed policies hold.
type guarded struct {
	t        *testing.T
	settings *rest.Config
	name     string // of the TenantSync, and what all names begin with
	home     string // a namespace of a project
}

var (
	namespaces = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	secrets    = schema.GroupVersionResource{Version: "v1", Resource: "secrets"}
	bindings   = schema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "rolebindings"}
)

func newGuarded(t *testing.T) *guarded {
	t.Helper()
	g := &guarded{t: t, settings: needCluster(t), name: "watch-" + strings.ToLower(rand.Text()[:6])}
	g.home = g.name + "-home"
	config := strings.Replace(head+"metadata: {name: NAME}\nspec: {namespaces: {labels: {team: x}, pullSecrets: [{namespace: NAME, name: pull}]}}\n", "NAME", g.name, 2)
	out, err := Manifests(manifestsOf(t, config, func(o *ManifestOptions) { o.Namespace = g.name }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, args := range [][]string{
			{"validatingadmissionpolicybinding,validatingadmissionpolicy,clusterrole,clusterrolebinding", "-l", "app.kubernetes.io/instance=" + g.name},
			{"namespace", "--ignore-not-found", g.name, g.home, g.name + "-plain"},
		} {
			if out, err := exec.Command("kubectl", append([]string{"delete", "--wait=false"}, args...)...).CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		}
	})
	var docs []string
	for doc := range strings.SplitSeq(string(out), "\n---\n") {
		switch { // others work on this cluster
		case strings.Contains(doc, "\nkind: Deployment\n"): // is another test's
			continue
		case strings.Contains(doc, "\nkind: ValidatingAdmissionPolicy\n"):
			where := "request.namespace"
			if strings.Contains(doc, "resources: [namespaces") {
				where = "request.name"
			}
			only := fmt.Sprintf("  matchConditions:\n  - {name: only-this-test, expression: \"%s.startsWith('%s')\"}\n", where, g.name)
			doc = strings.Replace(doc, "  matchConditions:\n", only, 1)
		}
		docs = append(docs, doc)
	}
	kubectl(t, strings.Join(docs, "\n---\n")+"\n---\n"+g.people(), "apply", "-f", "-")
	g.settle()
	return g
}

// people are a tenant with more rights than he should have, and what he works with.
func (g *guarded) people() string {
	return strings.NewReplacer("NAME", g.name, "HOME", g.home).Replace(`
apiVersion: v1
kind: Namespace
metadata: {name: HOME, labels: {app.kubernetes.io/managed-by: ystack, app.kubernetes.io/component: tenant-sync, app.kubernetes.io/instance: NAME,
  ystack.dev/project-id: p1, pod-security.kubernetes.io/enforce: baseline, team: x}}
---
apiVersion: v1
kind: Namespace
metadata: {name: NAME-plain}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: "ystack:edit:member", namespace: HOME, labels: {app.kubernetes.io/managed-by: ystack, app.kubernetes.io/component: tenant-sync, app.kubernetes.io/instance: NAME, ystack.dev/project-id: p1}}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: NAME}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: tenant, namespace: HOME}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: admin}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: NAME-tenant}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: NAME-tenant, labels: {app.kubernetes.io/instance: NAME}}
rules: [{apiGroups: [""], resources: [namespaces, namespaces/status, namespaces/finalize], verbs: ["*"]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: NAME-tenant, labels: {app.kubernetes.io/instance: NAME}}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: NAME-tenant}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: NAME-tenant}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: NAME-admin, labels: {app.kubernetes.io/instance: NAME}}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: NAME-admin}]
`)
}

// as is a client of somebody, by his name.
func (g *guarded) as(user string) dynamic.Interface {
	g.t.Helper()
	settings := rest.CopyConfig(g.settings)
	settings.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: []string{"system:authenticated"}}
	client, err := dynamic.NewForConfig(settings)
	if err != nil {
		g.t.Fatal(err)
	}
	return client
}

func (g *guarded) tenant() string { return g.name + "-tenant" }

// settle waits until roles and policies hold.
func (g *guarded) settle() {
	g.t.Helper()
	var last error
	for range 600 {
		_, label := g.label(g.home, "", `{"ystack.dev/project-id":"p2"}`)(g.as(g.tenant()))
		_, binding := g.create(g.binding("ystack:x", nil))(g.as(g.tenant()))
		_, sync := g.label(g.home, "", `{"ystack.dev/project-id":"p2"}`)(g.as(g.sync()))
		_, secret := g.createSecret("other", "Opaque")(g.as(g.sync()))
		if stopped(label) && stopped(binding) && sync == nil && stopped(secret) {
			return
		}
		last = fmt.Errorf("%v; %v; %v; %v", label, binding, sync, secret)
		time.Sleep(100 * time.Millisecond)
	}
	g.t.Fatal(last)
}

func (g *guarded) sync() string {
	return "system:serviceaccount:" + g.name + ":ystack-tenant-sync-" + g.name
}

// stopped tells a request that a policy has denied.
func stopped(err error) bool {
	return apierrors.IsForbidden(err) && strings.Contains(err.Error(), "ValidatingAdmissionPolicy")
}

// try is something that is done as somebody, and not kept.
type try func(dynamic.Interface) (*unstructured.Unstructured, error)

var dryRun = []string{metav1.DryRunAll}

func (g *guarded) label(namespace, subresource, labels string) try {
	return g.patch(namespace, subresource, `{"metadata":{"labels":`+labels+`}}`)
}

func (g *guarded) patch(namespace, subresource, patch string) try {
	return func(c dynamic.Interface) (*unstructured.Unstructured, error) {
		var sub []string
		if subresource != "" {
			sub = []string{subresource}
		}
		return c.Resource(namespaces).Patch(g.t.Context(), namespace, types.MergePatchType, []byte(patch), metav1.PatchOptions{DryRun: dryRun}, sub...)
	}
}

func (g *guarded) patchBinding(name, patch string) try {
	return func(c dynamic.Interface) (*unstructured.Unstructured, error) {
		return c.Resource(bindings).Namespace(g.home).Patch(g.t.Context(), name, types.MergePatchType, []byte(patch), metav1.PatchOptions{DryRun: dryRun})
	}
}

func (g *guarded) create(o *unstructured.Unstructured) try {
	return func(c dynamic.Interface) (*unstructured.Unstructured, error) {
		if o.GetKind() == "Namespace" {
			return c.Resource(namespaces).Create(g.t.Context(), o, metav1.CreateOptions{DryRun: dryRun})
		}
		return c.Resource(bindings).Namespace(g.home).Create(g.t.Context(), o, metav1.CreateOptions{DryRun: dryRun})
	}
}

func (g *guarded) createSecret(name, kind string) try {
	return func(c dynamic.Interface) (*unstructured.Unstructured, error) {
		o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Secret", "type": kind}}
		o.SetName(name)
		o.SetAnnotations(map[string]string{"kubernetes.io/service-account.name": "default"})
		return c.Resource(secrets).Namespace(g.home).Create(g.t.Context(), o, metav1.CreateOptions{DryRun: dryRun})
	}
}

func (g *guarded) delete(name string) try {
	return func(c dynamic.Interface) (*unstructured.Unstructured, error) {
		return nil, c.Resource(bindings).Namespace(g.home).Delete(g.t.Context(), name, metav1.DeleteOptions{DryRun: dryRun})
	}
}

func (g *guarded) deleteAll(c dynamic.Interface) (*unstructured.Unstructured, error) {
	return nil, c.Resource(bindings).Namespace(g.home).DeleteCollection(g.t.Context(), metav1.DeleteOptions{DryRun: dryRun}, metav1.ListOptions{})
}

func (g *guarded) namespace(labels map[string]string) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Namespace"}}
	o.SetName(g.name + "-new")
	o.SetLabels(labels)
	return o
}

func (g *guarded) binding(name string, labels map[string]string) *unstructured.Unstructured {
	const group = "rbac.authorization.k8s.io"
	o := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": group + "/v1", "kind": "RoleBinding",
		"roleRef":  map[string]any{"apiGroup": group, "kind": "ClusterRole", "name": "view"},
		"subjects": []any{map[string]any{"apiGroup": group, "kind": "User", "name": g.tenant()}},
	}}
	if strings.HasSuffix(name, "-") {
		o.SetGenerateName(name)
	} else {
		o.SetName(name)
	}
	o.SetLabels(labels)
	return o
}

// TestLabPolicies: what a tenant may do beside what is ours, and nobody but tenant-sync and
// administrators to it.
func TestLabPolicies(t *testing.T) {
	g := newGuarded(t)
	ours := map[string]string{"app.kubernetes.io/managed-by": "ystack", "app.kubernetes.io/component": "tenant-sync", "app.kubernetes.io/instance": g.name, "ystack.dev/project-id": "p2"}
	const oursText = `{"app.kubernetes.io/managed-by":"ystack","app.kubernetes.io/component":"tenant-sync"}`
	adopted, err := json.Marshal(ours)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := map[string]string{"ystack.dev/project-id": "p2"} // of no TenantSync: keystone-login would still believe it
	for what, tc := range map[string]struct {
		try     try
		tenant  bool // may, too
		notSync bool // has nothing to do with it
	}{
		"another project":       {try: g.label(g.home, "", `{"ystack.dev/project-id":"p2"}`)},
		"no project":            {try: g.label(g.home, "", `{"ystack.dev/project-id":null}`)},
		"no label at all":       {try: g.patch(g.home, "", `{"metadata":{"labels":null}}`)},
		"quarantine":            {try: g.label(g.home, "", `{"ystack.dev/quarantined":"20200101T000000Z"}`)},
		"another maker":         {try: g.label(g.home, "", `{"app.kubernetes.io/managed-by":"me"}`)},
		"another TenantSync":    {try: g.label(g.home, "", `{"app.kubernetes.io/instance":"`+g.name+`-x"}`), notSync: true},
		"pod security":          {try: g.label(g.home, "", `{"pod-security.kubernetes.io/enforce":"privileged"}`)},
		"no pod security":       {try: g.label(g.home, "", `{"pod-security.kubernetes.io/enforce":null}`)},
		"more pod security":     {try: g.label(g.home, "", `{"pod-security.kubernetes.io/enforce-version":"v1.20"}`)},
		"a label of the config": {try: g.label(g.home, "", `{"team":"y"}`)},
		"through status":        {try: g.label(g.home, "status", `{"ystack.dev/project-id":"p2"}`), notSync: true},
		"a label of his own":    {try: g.label(g.home, "", `{"mine":"yes","app.kubernetes.io/name":"x"}`), tenant: true},
		"an annotation":         {try: g.patch(g.home, "", `{"metadata":{"annotations":{"mine":"yes"}}}`), tenant: true},
		"an annotation of ours": {try: g.patch(g.home, "", `{"metadata":{"annotations":{"ystack.dev/pull-secrets":"x"}}}`)},
		"a foreign namespace":   {try: g.label(g.name+"-plain", "", `{"team":"y","pod-security.kubernetes.io/enforce":"privileged","app.kubernetes.io/managed-by":"ystack"}`), tenant: true},
		"a project for it":      {try: g.label(g.name+"-plain", "", `{"ystack.dev/project-id":"p2"}`), notSync: true},
		"adopted":               {try: g.label(g.name+"-plain", "", string(adopted))},
		"a new namespace":       {try: g.create(g.namespace(nil)), tenant: true},
		"a new one of ours":     {try: g.create(g.namespace(ours))},
		"a new one of nobody's": {try: g.create(g.namespace(elsewhere)), notSync: true},

		"a forged binding":      {try: g.create(g.binding("forged", ours))},
		"a binding of our name": {try: g.create(g.binding("ystack:view:reader", nil)), notSync: true},
		"a generated name":      {try: g.create(g.binding("ystack:view-", nil)), notSync: true},
		"labels for his own":    {try: g.patchBinding("tenant", `{"metadata":{"labels":`+oursText+`}}`), notSync: true},
		"labels off":            {try: g.patchBinding("ystack:edit:member", `{"metadata":{"labels":null}}`), notSync: true},
		"another member":        {try: g.patchBinding("ystack:edit:member", `{"subjects":[]}`)},
		"a finalizer":           {try: g.patchBinding("ystack:edit:member", `{"metadata":{"finalizers":["a.example/b"]}}`)},
		"nothing":               {try: g.patchBinding("ystack:edit:member", `{"metadata":{"labels":{"ystack.dev/project-id":"p1"}}}`), tenant: true},
		"deleted":               {try: g.delete("ystack:edit:member")},
		"all deleted":           {try: g.deleteAll, notSync: true},
		"a binding":             {try: g.create(g.binding("own", nil)), tenant: true, notSync: true},
		"his own changed":       {try: g.patchBinding("tenant", `{"metadata":{"labels":{"a":"b"}}}`), tenant: true},
		"his own deleted":       {try: g.delete("tenant"), tenant: true},
	} {
		t.Run(what, func(t *testing.T) {
			if _, err := tc.try(g.as(g.tenant())); (err == nil) != tc.tenant || err != nil && !stopped(err) {
				t.Errorf("tenant: %v", err)
			}
			if _, err := tc.try(g.as(g.name + "-admin")); err != nil {
				t.Errorf("cluster-admin: %v", err)
			}
			if tc.notSync {
				return
			}
			if _, err := tc.try(g.as(g.sync())); err != nil {
				t.Errorf("tenant-sync: %v", err)
			}
		})
	}
	g.tryAccount()
	g.endOfNamespace()
}

// tryAccount: the account of tenant-sync has Secrets of one name in its hands, and no more.
func (g *guarded) tryAccount() {
	g.t.Helper()
	account := g.as(g.sync())
	create := func(name, kind string) error {
		_, err := g.createSecret(name, kind)(account)
		return err
	}
	if err := create("pull", "Opaque"); err != nil {
		g.t.Error(err)
	}
	for what, err := range map[string]error{
		"another name": create("other", "Opaque"), "a token": create("pull", "kubernetes.io/service-account-token"),
	} {
		if !stopped(err) {
			g.t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := account.Resource(secrets).List(g.t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=pull"}); err != nil {
		g.t.Error(err)
	}
	for _, o := range []metav1.ListOptions{{}, {FieldSelector: "metadata.name=other"}} {
		if _, err := account.Resource(secrets).List(g.t.Context(), o); !apierrors.IsForbidden(err) {
			g.t.Errorf("it may list more Secrets: %v", err)
		}
	}
}

// endOfNamespace: whoever deletes a namespace is not held up by what is in it.
func (g *guarded) endOfNamespace() {
	if err := g.as(g.tenant()).Resource(namespaces).Delete(g.t.Context(), g.home, metav1.DeleteOptions{}); err != nil {
		g.t.Fatal(err)
	}
	for range 1200 {
		_, err := g.as(g.name+"-admin").Resource(namespaces).Get(context.Background(), g.home, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	out, _ := exec.Command("kubectl", "get", "namespace", g.home, "-o", "yaml").CombinedOutput()
	g.t.Errorf("the namespace does not end:\n%s", bytes.TrimSpace(out))
}
