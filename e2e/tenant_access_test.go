//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ystackdev/ystack/pkg/keystone"
)

// asked are things to do in a namespace, by the least of the ClusterRoles that allows
// them; those of "" none of the three does.
var asked = map[string][]string{
	"view": {"get pods", "list deployments.apps", "watch services", "get pods/log", "get configmaps"},
	"edit": {"create pods", "delete deployments.apps", "get secrets", "create pods/exec", "update deployments.apps/scale", "impersonate serviceaccounts"},
	"admin": {
		"create rolebindings.rbac.authorization.k8s.io", "delete roles.rbac.authorization.k8s.io", "create localsubjectaccessreviews.authorization.k8s.io",
	},
	"": {"delete namespaces", "update resourcequotas", "get nodes", "escalate roles.rbac.authorization.k8s.io", "bind clusterroles.rbac.authorization.k8s.io", "update namespaces/finalize"},
}

// clouds are the lab's people who get a token.
var clouds = []string{
	"lab", "lab-system", "lab-alice", "lab-alice-corp", "lab-alice-at-corp", "lab-bob", "lab-carol", "lab-chief", "lab-auditor", "lab-hanako",
	"lab-nobody", "lab-kubernetes-admin", "lab-keystone-x", "lab-reader", "lab-validate",
}

// TestTenantAccess asks the API server what each token may do in each namespace: exactly
// what its roles on that very project say.
func TestTenantAccess(t *testing.T) {
	c := newTenants(t, "projects: {domains: [Default, corp]}")
	c.mustFinish(t)
	homes := namespacesOf(t, c.name)
	if len(homes) < 7 {
		t.Fatalf("namespaces: %v", homes)
	}
	questions, allowed := 0, 0
	for _, cloud := range clouds {
		token := tokenOf(t, cloud)
		client := clientOf(t, token.ID.Reveal())
		for project, namespace := range homes {
			level := ""
			if token.Project != nil && token.Project.ID == project {
				level = levelOf(token)
			}
			for least, things := range asked {
				for _, thing := range things {
					want := least != "" && reaches(level, least)
					got, err := mayI(t, client, namespace, thing)
					if err != nil {
						t.Fatalf("%s: %v", cloud, err)
					}
					if got != want {
						t.Errorf("%s (%s), %s in %s: %t", cloud, level, thing, namespace, got)
					}
					questions++
					if got {
						allowed++
					}
				}
			}
		}
	}
	t.Logf("%d questions, %d allowed", questions, allowed)
}

// levelOf is the highest ClusterRole that a token's roles are mapped to by default.
func levelOf(token *keystone.Token) string {
	level := ""
	mapped := map[string]string{"admin": "admin", "manager": "admin", "member": "edit", "reader": "view"}
	for _, role := range token.Roles {
		if to := mapped[role.Name]; to != "" && !reaches(level, to) {
			level = to
		}
	}
	return level
}

// reaches tells whether a level has all of another.
func reaches(level, least string) bool {
	levels := []string{"", "view", "edit", "admin"}
	return slices.Index(levels, level) >= slices.Index(levels, least)
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
	settings.BearerToken, settings.QPS = token, -1
	client, err := dynamic.NewForConfig(settings)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// mayI asks for something like "update deployments.apps/scale".
func mayI(t *testing.T, client dynamic.Interface, namespace, thing string) (bool, error) {
	t.Helper()
	verb, resource, _ := strings.Cut(thing, " ")
	resource, subresource, _ := strings.Cut(resource, "/")
	resource, group, _ := strings.Cut(resource, ".")
	review := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
		"spec": map[string]any{"resourceAttributes": map[string]any{"namespace": namespace, "verb": verb, "group": group, "resource": resource, "subresource": subresource}},
	}}
	kind := schema.GroupVersionResource{Group: "authorization.k8s.io", Version: "v1", Resource: "selfsubjectaccessreviews"}
	answer, err := client.Resource(kind).Create(t.Context(), review, metav1.CreateOptions{})
	if err != nil {
		return false, err
	}
	allowed, found, err := unstructured.NestedBool(answer.Object, "status", "allowed")
	if err == nil && !found {
		err = errors.New(fmt.Sprint("no answer: ", answer.Object))
	}
	return allowed, err
}
