//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ystackdev/ystack/pkg/keystone"
	"github.com/ystackdev/ystack/pkg/kube"
	"github.com/ystackdev/ystack/pkg/tenancy"
	"github.com/ystackdev/ystack/pkg/tenancy/rbac"
)

// clouds are the lab's people who get a token, once for each scope that they can have.
var clouds = []string{
	"lab", "lab-system", "lab-alice", "lab-alice-corp", "lab-alice-at-corp", "lab-bob", "lab-carol", "lab-chief", "lab-auditor", "lab-hanako",
	"lab-nobody", "lab-kubernetes-admin", "lab-keystone-x", "lab-reader", "lab-validate",
}

// toClusterRole is what tenant-sync maps Keystone's roles to where nothing is said.
var toClusterRole = map[string]string{"admin": "admin", "manager": "admin", "member": "edit", "reader": "view"}

// TestTenantAccess asks the API server what each token may do, by every verb of every
// resource and subresource in the token's own namespace and in one of others', and by a
// part of them in all: exactly what Keystone says that the token's roles are.
func TestTenantAccess(t *testing.T) {
	c := newTenants(t, "projects: {domains: [Default, corp]}")
	c.mustFinish(t)
	a := newAccess(t, os.Getenv("KUBECONFIG"), c.name)
	for _, cloud := range clouds {
		token := tokenOf(t, cloud)
		a.check(t, cloud, token, clientOf(t, token.ID.Reveal()), a.expected(token))
	}
	t.Logf("%d questions, %d allowed", a.asked.Load(), a.allowed.Load())
}

// TestTenantAccessABAC does so at an API server that obeys nothing but the policy file. It
// grants what RBAC would, and beyond that what policy diff lists.
func TestTenantAccessABAC(t *testing.T) {
	c := newTenants(t, "projects: {domains: [Default, corp]}")
	policy := filepath.Join(t.TempDir(), "policy.jsonl")
	if out, err := c.command("--policy-file", policy).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	server := startAPIServer(t, "--authorization-mode=ABAC", "--authorization-policy-file="+policy)
	a := newAccess(t, os.Getenv("KUBECONFIG"), c.name)
	a.differences(t, policy)
	for _, cloud := range clouds {
		token := tokenOf(t, cloud)
		identity, err := token.Identity("keystone:")
		if err != nil {
			t.Fatal(err)
		}
		expect := a.expected(token)
		a.check(t, cloud, token, actingAs(t, server, identity), func(q rbac.Request) bool {
			for _, group := range identity.Groups {
				if change, listed := a.listed[listing{group, q}]; listed {
					return change == "added"
				}
			}
			return expect(q)
		})
	}
	t.Logf("%d questions, %d allowed", a.asked.Load(), a.allowed.Load())
}

// access is what is needed to know what a token should be allowed.
type access struct {
	homes     map[string]string // namespaces by project
	resources []rbac.Resource
	roles     map[string][]rbac.Rule // of ClusterRoles
	everyone  *rbac.Policy           // what whoever is authenticated may do
	listed    map[listing]string     // what policy diff says of groups

	asked, allowed atomic.Int64
}

type listing struct {
	group string
	rbac.Request
}

func newAccess(t *testing.T, kubeconfig, tenants string) *access {
	t.Helper()
	loader := &clientcmd.ClientConfigLoadingRules{ExplicitPath: kubeconfig}
	client, err := kube.Load(loader, &clientcmd.ConfigOverrides{}, "ystack-test")
	if err != nil {
		t.Fatal(err)
	}
	served, err := client.Resources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a := &access{homes: namespacesOf(t, tenants), roles: map[string][]rbac.Rule{}, listed: map[listing]string{}}
	for _, r := range served {
		name := r.Resource.Resource
		a.resources = append(a.resources, rbac.Resource{APIGroup: r.Group, Resource: name, Namespaced: r.Namespaced, Verbs: r.Verbs})
		for sub, verbs := range r.Subresources {
			a.resources = append(a.resources, rbac.Resource{APIGroup: r.Group, Resource: name + "/" + sub, Namespaced: r.Namespaced, Verbs: verbs})
		}
	}
	for _, role := range slices.Compact(slices.Sorted(maps.Values(toClusterRole))) {
		body, err := client.Get(t.Context(), "/apis/rbac.authorization.k8s.io/v1/clusterroles/"+role, nil, "")
		var r struct{ Rules []rbac.Rule }
		if err == nil {
			err = json.Unmarshal(body, &r)
		}
		if err != nil {
			t.Fatal(err)
		}
		a.roles[role] = r.Rules
	}
	if a.everyone, err = tenancy.ReadRBAC(t.Context(), client); err != nil {
		t.Fatal(err)
	}
	if len(a.homes) < 7 || len(a.resources) < 50 {
		t.Fatalf("namespaces %v, %d resources", a.homes, len(a.resources))
	}
	return a
}

// expected is what a token should be allowed, by what Keystone says in it.
func (a *access) expected(token *keystone.Token) func(rbac.Request) bool {
	roles := &rbac.Policy{}
	me, everyone := rbac.Subject{User: "me"}, []rbac.Subject{{Group: "system:authenticated"}}
	if token.Project != nil {
		if home := a.homes[token.Project.ID]; home != "" {
			for _, role := range token.Roles {
				roles.Add(me, rbac.Grant{Namespace: home, Rules: a.roles[toClusterRole[role.Name]]})
			}
		}
	}
	return func(q rbac.Request) bool {
		return roles.Allows([]rbac.Subject{me}, q) || a.everyone.Allows(everyone, q)
	}
}

// check asks an API server, and compares.
func (a *access) check(t *testing.T, cloud string, token *keystone.Token, client dynamic.Interface, want func(rbac.Request) bool) {
	t.Helper()
	home := ""
	if token.Project != nil {
		home = a.homes[token.Project.ID]
	}
	other := ""
	for _, namespace := range slices.Sorted(maps.Values(a.homes)) {
		if other == "" && namespace != home {
			other = namespace
		}
	}
	ctx := t.Context()
	var g errgroup.Group
	g.SetLimit(16)
	for i, r := range a.resources {
		for n, verb := range r.Verbs {
			for _, namespace := range append(slices.Sorted(maps.Values(a.homes)), "") {
				switch {
				case namespace == home && home != "", namespace == other: // everything
				case (i+n)%13 != 0: // elsewhere a part
					continue
				}
				q := rbac.Request{Verb: verb, Namespace: namespace, APIGroup: r.APIGroup, Resource: r.Resource}
				if !r.Namespaced {
					q.Namespace = ""
				}
				g.Go(func() error {
					got, err := mayI(ctx, client, q)
					if err != nil {
						return fmt.Errorf("%+v: %w", q, err)
					}
					if want := want(q); got != want {
						t.Errorf("%s: %+v: %t, want %t", cloud, q, got, want)
					}
					a.asked.Add(1)
					if got {
						a.allowed.Add(1)
					}
					return nil
				})
			}
		}
	}
	if err := g.Wait(); err != nil {
		t.Fatalf("%s: %v", cloud, err)
	}
}

// differences are those that policy diff lists between the cluster's RBAC and a file.
func (a *access) differences(t *testing.T, policy string) {
	t.Helper()
	out, err := exec.Command("kubectl-ystack", "policy", "diff", "--rbac", policy, "-o", "json").Output()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Fatalf("%v: %s", err, out)
	}
	var list struct{ Items []rbac.Change }
	if err := json.Unmarshal(out, &list); err != nil {
		t.Fatal(err)
	}
	for _, c := range list.Items {
		for _, verb := range c.Verbs {
			a.listed[listing{c.Group, rbac.Request{Verb: verb, Namespace: c.Namespace, APIGroup: c.APIGroup, Resource: c.Resource, Path: c.Path}}] = c.Change
		}
	}
	if len(a.listed) < 100 {
		t.Fatalf("%d differences", len(a.listed))
	}
}

func namespacesOf(t *testing.T, name string) map[string]string {
	t.Helper()
	out, err := exec.Command("kubectl", "get", "namespaces", "-l", "app.kubernetes.io/instance="+name, "-o",
		`jsonpath={range .items[*]}{.metadata.labels.ystack\.dev/project-id} {.metadata.name}{"\n"}{end}`).Output()
	if err != nil {
		t.Fatal(err)
	}
	homes := map[string]string{}
	for line := range strings.Lines(string(out)) {
		project, namespace, _ := strings.Cut(strings.TrimSpace(line), " ")
		homes[project] = namespace
	}
	return homes
}

func tokenOf(t *testing.T, cloud string) *keystone.Token {
	t.Helper()
	config, err := keystone.Load(keystone.LoadOptions{Cloud: cloud, Dir: t.TempDir(), Getenv: func(name string) string {
		if name == "OS_CLIENT_CONFIG_FILE" {
			return filepath.Join(os.Getenv("YSTACK_LAB"), "etc", "clouds.yaml")
		}
		return ""
	}})
	if err != nil {
		t.Fatal(err)
	}
	client, err := keystone.NewClient(config, "ystack-test")
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	token, err := keystone.NewSession(client, config).Token(t.Context())
	if err != nil {
		t.Fatalf("%s: %v", cloud, err)
	}
	return token
}

// clientOf has a token and nothing else: a certificate would go first.
func clientOf(t *testing.T, token string) dynamic.Interface {
	t.Helper()
	settings, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		t.Fatal(err)
	}
	settings.CertFile, settings.KeyFile, settings.CertData, settings.KeyData = "", "", nil, nil
	settings.BearerToken = token
	return dynamicOf(t, settings)
}

// actingAs is the administrator of an API server, who acts as somebody else.
func actingAs(t *testing.T, s *apiServer, identity keystone.Identity) dynamic.Interface {
	t.Helper()
	return s.dynamic(t, rest.ImpersonationConfig{UserName: identity.Username, Groups: append(slices.Clone(identity.Groups), "system:authenticated")})
}

func dynamicOf(t *testing.T, settings *rest.Config) dynamic.Interface {
	t.Helper()
	settings.QPS = -1
	client, err := dynamic.NewForConfig(settings)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// mayI asks an API server whether the client may do something.
func mayI(ctx context.Context, client dynamic.Interface, q rbac.Request) (bool, error) {
	resource, subresource, _ := strings.Cut(q.Resource, "/")
	review := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
		"spec": map[string]any{"resourceAttributes": map[string]any{
			"namespace": q.Namespace, "verb": q.Verb, "group": q.APIGroup, "resource": resource, "subresource": subresource,
		}},
	}}
	kind := schema.GroupVersionResource{Group: "authorization.k8s.io", Version: "v1", Resource: "selfsubjectaccessreviews"}
	answer, err := client.Resource(kind).Create(ctx, review, metav1.CreateOptions{})
	if err != nil {
		return false, err
	}
	allowed, found, err := unstructured.NestedBool(answer.Object, "status", "allowed")
	if err == nil && !found {
		err = fmt.Errorf("no answer: %v", answer.Object)
	}
	return allowed, err
}
