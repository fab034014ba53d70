//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

// abacPolicy has a rule of each form that the format has.
const abacPolicy = `# who may do what
{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":{"user":"alice","namespace":"team-a","resource":"pods"}}
{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":{"user":"alice","namespace":"team-b","resource":"pods","readonly":true}}
{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":{"group":"devs","namespace":"team-a","resource":"*","apiGroup":"apps","readonly":true}}
{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":{"user":"bob","group":"devs","namespace":"*","resource":"deployments","apiGroup":"*"}}
{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":{"user":"carol","resource":"nodes","readonly":true}}
{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":{"user":"carol","namespace":"team-a","nonResourcePath":"/logs*"}}
{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":{"group":"system:authenticated","nonResourcePath":"/metrics","readonly":true}}
{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":{"user":"*","namespace":"public","resource":"configmaps","readonly":true}}
{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":{"group":"ops","namespace":"*","resource":"*","apiGroup":"*","nonResourcePath":"*"}}
{"user":"old","namespace":"team-b","resource":"pods"}
`

// person is somebody whom an API server is asked about.
type person struct {
	name   string
	groups []string
}

func people() []person {
	of := func(name string, groups ...string) person {
		return person{name, append(groups, "system:authenticated")}
	}
	return []person{
		of("alice"), of("alice", "devs"), of("bob"), of("bob", "devs"), of("carol"), of("dave", "ops"), of("old"), of("nobody"),
		{"system:anonymous", []string{"system:unauthenticated"}},
	}
}

// questions are the attributes of the requests that API servers are asked about.
func questions() []map[string]any {
	var all []map[string]any
	for _, verb := range []string{"get", "watch", "create", "delete"} {
		for _, path := range []string{"/metrics", "/logs/kubelet.log", "/version", "/api", "/healthz"} {
			all = append(all, map[string]any{"nonResourceAttributes": map[string]any{"verb": verb, "path": path}})
		}
		for _, resource := range []string{"pods", "pods/exec", "configmaps", "nodes", "apps deployments", "apps deployments/scale", "batch deployments"} {
			group, resource, grouped := strings.Cut(resource, " ")
			if !grouped {
				group, resource = "", group
			}
			resource, sub, _ := strings.Cut(resource, "/")
			for _, namespace := range []string{"", "team-a", "team-b", "public"} {
				all = append(all, map[string]any{"resourceAttributes": map[string]any{
					"verb": verb, "group": group, "version": "v1", "resource": resource, "subresource": sub, "namespace": namespace,
				}})
			}
		}
	}
	return all
}

// mayThey asks an API server whether somebody may do something.
func mayThey(t *testing.T, client dynamic.Interface, who person, what map[string]any) (allowed bool, reason string, err error) {
	spec := map[string]any{"user": who.name, "groups": toAny(who.groups)}
	for k, v := range what {
		spec[k] = v
	}
	review := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}}
	review, err = client.Resource(schema.GroupVersionResource{Group: "authorization.k8s.io", Version: "v1", Resource: "subjectaccessreviews"}).
		Create(t.Context(), review, metav1.CreateOptions{})
	if err != nil {
		return false, "", err
	}
	allowed, _, _ = unstructured.NestedBool(review.Object, "status", "allowed")
	reason, _, _ = unstructured.NestedString(review.Object, "status", "reason")
	return allowed, reason, nil
}

func toAny(list []string) []any {
	var all []any
	for _, s := range list {
		all = append(all, s)
	}
	return all
}

// authorizedBy is a webhook with a policy file, and what `auth-webhook manifests` prints for
// API servers, with the webhook's address and authority in it.
func authorizedBy(t *testing.T, policy string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	must(t, "kubectl-ystack", "auth-webhook", "manifests", "--image=x", "--static-pod", "--auth-url="+labKeystone+"/v3", "--policy-file="+policy, "--cache-ttl=1s", "--output-dir="+dir)
	w := startWebhook(t, labKeystone, "--policy-file="+policy)
	fill := strings.NewReplacer("https://127.0.0.1:8443", strings.TrimSuffix(w.url, "/webhook"),
		"/etc/kubernetes/ystack/ca.crt", filepath.Join(os.Getenv("YSTACK_LAB"), "etc/pki/ca.crt"), "/etc/kubernetes/ystack", dir)
	for _, name := range []string{"README.txt", "authorization.kubeconfig", "authorization-config.yaml"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(fill.Replace(string(data))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// printedFlags are those that README.txt tells to give to API servers.
func printedFlags(t *testing.T, dir string) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "README.txt"))
	if err != nil {
		t.Fatal(err)
	}
	flags := regexp.MustCompile(`(?m)^  (--authorization-\S+)$`).FindAllString(string(data), -1)
	for i := range flags {
		flags[i] = strings.TrimSpace(flags[i])
	}
	if len(flags) != 5 {
		t.Fatalf("the flags are %q", flags)
	}
	return flags
}

// TestAuthorizeAsABAC: API servers that ask the webhook, by the printed flags and by the printed
// file, answer as one does whose own ABAC authorizer has the same policy.
func TestAuthorizeAsABAC(t *testing.T) {
	needLab(t)
	policy := filepath.Join(t.TempDir(), "policy.jsonl")
	writePolicy(t, policy, abacPolicy)
	dir := authorizedBy(t, policy)
	v1beta1 := strings.NewReplacer("-version=v1", "-version=v1beta1")
	var flags []string
	for _, f := range printedFlags(t, dir) {
		flags = append(flags, v1beta1.Replace(f))
	}
	abac := startAPIServer(t, "--authorization-mode=Node,RBAC,ABAC", "--authorization-policy-file="+policy).dynamic(t, rest.ImpersonationConfig{})
	ours := map[string]dynamic.Interface{
		"flags, v1beta1": startAPIServer(t, flags...).dynamic(t, rest.ImpersonationConfig{}),
		"file, v1":       startAPIServer(t, "--authorization-config="+filepath.Join(dir, "authorization-config.yaml")).dynamic(t, rest.ImpersonationConfig{}),
	}
	var group errgroup.Group
	group.SetLimit(8)
	asked, yes := 0, make(chan bool, 10_000)
	for _, who := range people() {
		for _, what := range questions() {
			asked++
			group.Go(func() error {
				want, _, err := mayThey(t, abac, who, what)
				if err != nil {
					return err
				}
				if want {
					yes <- true
				}
				for name, client := range ours {
					got, reason, err := mayThey(t, client, who, what)
					if err != nil {
						return err
					}
					if got != want {
						t.Errorf("%s: %v, %v: %v (%s), want %v", name, who, what, got, reason, want)
					}
				}
				return nil
			})
		}
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d questions, %d of them answered with yes, alike by all", asked, len(yes))
	if len(yes) == 0 || len(yes) == asked {
		t.Error("the questions show nothing")
	}
}

// TestAuthorizeLive: real requests are let through by what the file says now.
func TestAuthorizeLive(t *testing.T) {
	needLab(t)
	policy := filepath.Join(t.TempDir(), "policy.jsonl")
	writePolicy(t, policy, abacPolicy)
	s := startAPIServer(t, printedFlags(t, authorizedBy(t, policy))...)
	for _, ns := range []string{"team-a", "team-b"} {
		if out, err := s.command("create", "namespace", ns).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	const pod = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x"},"spec":{"containers":[{"name":"x","image":"x"}]}}`
	request := func(who string, groups []string, verb, path string) error {
		cmd := s.as(who, groups, verb, "--raw", path, "-f", "-")
		if verb == "get" {
			cmd = s.as(who, groups, verb, "--raw", path)
		}
		cmd.Stdin = strings.NewReader(pod)
		out, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s %s: %s", verb, path, out)
		}
		return nil
	}
	const inA, inB = "/api/v1/namespaces/team-a/pods", "/api/v1/namespaces/team-b/pods"
	refused := func(err error) bool { return err != nil && strings.Contains(err.Error(), "Forbidden") }
	for _, c := range []struct {
		who        person
		verb, path string
		allowed    bool
	}{
		{person{name: "alice"}, "get", inA, true},
		{person{name: "alice"}, "get", inB, true},
		{person{name: "alice"}, "create", inB, false}, // readonly
		{person{name: "alice"}, "get", "/api/v1/namespaces/team-a/secrets", false},
		{person{name: "alice"}, "get", "/api/v1/pods", false}, // in all namespaces
		{person{name: "bob"}, "get", inA, false},
		{person{name: "bob", groups: []string{"devs"}}, "get", "/apis/apps/v1/namespaces/team-b/deployments", true},
		{person{name: "bob"}, "get", "/metrics", true},
		{person{name: "bob"}, "get", "/logs", false},
	} {
		if err := request(c.who.name, c.who.groups, c.verb, c.path); (err == nil) != c.allowed || err != nil && !refused(err) {
			t.Errorf("%v %s %s: %v", c.who, c.verb, c.path, err)
		}
	}
	// A subresource goes with its resource: the pod is not there, but asking for its log is allowed.
	if err := request("alice", nil, "get", inA+"/none/log"); err == nil || refused(err) {
		t.Errorf("pods/log: %v", err)
	}

	obeyed := func(allowed bool, step string) {
		t.Helper()
		eventually(t, func() error {
			switch err := request("alice", nil, "get", inA); {
			case allowed && err != nil, err != nil && !refused(err):
				return fmt.Errorf("%s: %w", step, err)
			case !allowed && err == nil:
				return fmt.Errorf("%s: still allowed", step)
			}
			return nil
		})
	}
	writePolicy(t, policy, strings.Replace(abacPolicy, `"alice"`, `"zoe"`, 1))
	obeyed(false, "taken away")
	writePolicy(t, policy, abacPolicy)
	obeyed(true, "given again")
	writePolicy(t, policy, "{}}\n")
	obeyed(true, "a broken file")
	if err := request("bob", nil, "get", inA); !refused(err) {
		t.Errorf("a broken file lets bob in: %v", err)
	}
}

// writePolicy replaces a policy file by a rename.
func writePolicy(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}
