//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
)

// watched is a TenantSync for a domain that nobody else has.
type watched struct {
	*tenants
	realm      *realm
	alice, web string // a user and a project, by id
	home       string // the project's namespace
}

const alicesPassword = "secret-of-watched-alice"

func newWatched(t *testing.T) *watched {
	t.Helper()
	w := &watched{realm: newRealm(t)}
	w.tenants = newTenants(t, "projects: {domains: ["+w.realm.id+"]}")
	w.alice, w.web, w.home = w.realm.user("alice", alicesPassword), w.realm.project("web"), w.name+"-web"
	w.realm.grant(w.web, w.alice, "manager")
	return w
}

// clouds writes a clouds.yaml whose Keystone is at an address that the catalogue does not
// know.
func (w *watched) clouds(t *testing.T, address string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "clouds.yaml")
	text := fmt.Sprintf("clouds:\n  lab:\n    identity_endpoint_override: %[1]s/v3\n    auth: {auth_url: %[1]s/v3, username: admin, password: secret-of-admin, user_domain_name: Default, system_scope: all}\n", address)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// soon is eventually, for what takes rounds, pods and namespaces on a busy machine.
func soon(t *testing.T, try func() error) {
	t.Helper()
	within(t, 3*time.Minute, 200*time.Millisecond, try)
}

// metric is the value of one in a scrape, -1 if it is not there.
func watchMetric(scrape, name string) float64 {
	m := regexp.MustCompile(`(?m)^ystack_tenant_sync_` + regexp.QuoteMeta(name) + ` (\S+)$`).FindStringSubmatch(scrape)
	if m == nil {
		return -1
	}
	value, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		return -1
	}
	return value
}

// atLeast is an error while a metric is below.
func atLeast(scrape, name string, least float64) error {
	if got := watchMetric(scrape, name); got < least {
		return fmt.Errorf("%s is %g, not %g\n%s", name, got, least, scrape)
	}
	return nil
}

var (
	namespaceResource = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	bindingResource   = schema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "rolebindings"}
)

const editMember = "ystack:edit:member"

// TestTenantWatchDeployment does what `tenant-sync manifests` prints, all of it: the
// account, the Deployment and the policies. A tenant who may do more than he should is
// stopped, what administrators meddle with is mended, and namespaces still end.
func TestTenantWatchDeployment(t *testing.T) {
	w := newWatched(t)
	system, network := w.name+"-system", w.name+"-network"
	w.copySecret(t, network)
	w.apply(t, system, network)
	t.Run("follows", func(t *testing.T) {
		soon(t, func() error { return bindingExists(w.home, editMember) })
		soon(t, func() error { return exec.Command("kubectl", "get", "secret", "-n", w.home, "pull").Run() })
		soon(t, func() error {
			return atLeast(w.scrape(t, system), `changes_total{action="create",kind="rolebinding"}`, 3)
		})
	})
	t.Run("a tenant is stopped", func(t *testing.T) { w.tryAsTenant(t) })
	t.Run("drift is mended", func(t *testing.T) {
		before := watchMetric(w.scrape(t, system), `changes_total{action="update",kind="namespace"}`)
		must(t, "kubectl", "delete", "rolebinding", "-n", w.home, editMember)
		must(t, "kubectl", "label", "namespace", w.home, "pod-security.kubernetes.io/enforce=privileged", "--overwrite")
		soon(t, func() error { return bindingExists(w.home, editMember) })
		soon(t, func() error {
			return errors.Join(atLeast(w.scrape(t, system), `changes_total{action="update",kind="namespace"}`, before+1),
				atLeast(w.scrape(t, system), `changes_total{action="create",kind="rolebinding"}`, 4))
		})
		if level := must(t, "kubectl", "get", "namespace", w.home, "-o", `jsonpath={.metadata.labels.pod-security\.kubernetes\.io/enforce}`); level != "baseline" {
			t.Errorf("pod security is %s", level)
		}
	})
	t.Run("a revoked role goes", func(t *testing.T) {
		w.realm.grant(w.web, w.alice, "reader") // it is implied already; nothing comes of it
		w.realm.revoke(w.web, w.alice, "manager")
		soon(t, func() error {
			if err := bindingExists(w.home, editMember); !apierrors.IsNotFound(err) {
				return fmt.Errorf("it is still there: %v", err)
			}
			return nil
		})
		if err := bindingExists(w.home, "ystack:view:reader"); err != nil {
			t.Error(err)
		}
	})
	t.Run("a namespace ends, and comes again", func(t *testing.T) {
		uid := must(t, "kubectl", "get", "namespace", w.home, "-o", "jsonpath={.metadata.uid}")
		must(t, "kubectl", "delete", "namespace", w.home, "--wait=false")
		soon(t, func() error {
			now, err := exec.Command("kubectl", "get", "namespace", w.home, "-o", "jsonpath={.metadata.uid}").Output()
			if err == nil && string(now) == uid {
				return errors.New("it is still there")
			}
			return err
		})
		soon(t, func() error { return bindingExists(w.home, "ystack:view:reader") })
	})
	logs := must(t, "kubectl", "logs", "-n", system, "deployment/ystack-tenant-sync-"+w.name)
	checkWatchLog(t, logs)
	for _, want := range []string{
		`"action":"create","kind":"rolebinding","namespace":"` + w.home + `","name":"` + editMember + `","reason":"member on web`,
		`"action":"update","kind":"namespace","name":"` + w.home + `","reason":"label pod-security.kubernetes.io/enforce is privileged, not baseline"`,
	} {
		if !strings.Contains(logs, want) {
			t.Errorf("the log lacks %s:\n%s", want, logs)
		}
	}
	if n := watchMetric(w.scrape(t, system), `rounds_total{outcome="failed"}`); n > 0 {
		t.Logf("%g rounds failed:\n%s", n, logs) // Keystone can change while it is read
	}
}

// copySecret has it copy one, of a namespace that is yet to be made.
func (w *watched) copySecret(t *testing.T, namespace string) {
	t.Helper()
	text, err := os.ReadFile(w.file)
	if err != nil {
		t.Fatal(err)
	}
	with := strings.Replace(string(text), "namespaces: {", "namespaces: {pullSecrets: [{namespace: "+namespace+", name: pull}], ", 1)
	if err := os.WriteFile(w.file, []byte(with), 0o600); err != nil {
		t.Fatal(err)
	}
}

// apply brings it into the cluster.
func (w *watched) apply(t *testing.T, system, network string) {
	t.Helper()
	t.Cleanup(func() {
		for _, args := range [][]string{
			{"validatingadmissionpolicybinding,validatingadmissionpolicy", "-l", "app.kubernetes.io/instance=" + w.name},
			{"namespace", "--ignore-not-found", "--wait=false", system, network},
		} {
			if out, err := exec.Command("kubectl", append([]string{"delete"}, args...)...).CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		}
	})
	must(t, "kubectl", "create", "namespace", network)
	must(t, "kubectl", "create", "secret", "generic", "pull", "-n", network, "--from-literal=password=secret-of-pull")
	clouds := w.clouds(t, keystoneForPods(t, network))
	out, err := exec.Command("kubectl-ystack", "tenant-sync", "manifests", "-f", w.file, "--image="+webhookImage(t, w.name),
		"--namespace="+system, "--os-cloud=lab", "--interval=2s").Output()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("kubectl", "apply", "-f", "-")
	cmd.Stdin = bytes.NewReader(w.only(t, out))
	if out, err := cmd.CombinedOutput(); err != nil || bytes.Contains(out, []byte("Warning")) {
		t.Fatalf("%v\n%s", err, out)
	}
	deployment := "ystack-tenant-sync-" + w.name
	must(t, "kubectl", "create", "secret", "generic", deployment, "--namespace", system, "--from-file", clouds)
	if out, err := exec.Command("kubectl", "rollout", "status", "deployment/"+deployment, "-n", system, "--timeout=3m").CombinedOutput(); err != nil {
		logs, _ := exec.Command("kubectl", "logs", "-n", system, "deployment/"+deployment).CombinedOutput()
		events, _ := exec.Command("kubectl", "get", "events", "-n", system).CombinedOutput()
		t.Fatalf("%v\n%s\n%s\n%s", err, out, logs, events)
	}
}

// only has the policies hold where this test works, and nowhere else: the lab is shared.
func (w *watched) only(t *testing.T, manifests []byte) []byte {
	t.Helper()
	docs := strings.Split(string(manifests), "\n---\n")
	n := 0
	for i, doc := range docs {
		if !strings.Contains(doc, "\nkind: ValidatingAdmissionPolicy\n") {
			continue
		}
		where := "request.namespace"
		if strings.Contains(doc, "resources: [namespaces") {
			where = "request.name"
		}
		only := fmt.Sprintf("  matchConditions:\n  - {name: only-this-test, expression: \"%s.startsWith('%s')\"}\n", where, w.name)
		docs[i] = strings.Replace(doc, "  matchConditions:\n", only, 1)
		n++
	}
	if n != 3 {
		t.Fatalf("%d policies", n)
	}
	return []byte(strings.Join(docs, "\n---\n"))
}

func bindingExists(namespace, binding string) error {
	out, err := exec.Command("kubectl", "get", "rolebinding", "-n", namespace, binding).CombinedOutput()
	if strings.Contains(string(out), "NotFound") {
		return apierrors.NewNotFound(bindingResource.GroupResource(), binding)
	}
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// scrape is what Prometheus would get of the pod.
func (w *watched) scrape(t *testing.T, system string) string {
	t.Helper()
	pod := must(t, "kubectl", "get", "pods", "-n", system, "-l", "app.kubernetes.io/instance="+w.name, "-o", "jsonpath={.items[0].metadata.name}")
	return must(t, "kubectl", "get", "--raw", "/api/v1/namespaces/"+system+"/pods/"+pod+":8444/proxy/metrics")
}

// tryAsTenant is alice with her token. She has ClusterRole admin in her namespace, by
// tenant-sync, and by some mistake may change namespaces.
func (w *watched) tryAsTenant(t *testing.T) {
	mistake := fmt.Sprintf(`
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: %[1]s-mistake, labels: {app.kubernetes.io/instance: %[1]s}}
rules: [{apiGroups: [""], resources: [namespaces, namespaces/status], verbs: ["*"]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: %[1]s-mistake, labels: {app.kubernetes.io/instance: %[1]s}}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: %[1]s-mistake}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: "keystone:project:%[2]s:role:manager"}]
`, w.name, w.web)
	cmd := exec.Command("kubectl", "apply", "-f", "-")
	cmd.Stdin = strings.NewReader(mistake)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	alice := clientOf(t, w.realm.token(w.alice, alicesPassword, w.web))
	label := func(key, value string, dryRun ...string) error {
		_, err := alice.Resource(namespaceResource).Patch(t.Context(), w.home, types.MergePatchType,
			[]byte(fmt.Sprintf(`{"metadata":{"labels":{%q:%q}}}`, key, value)), metav1.PatchOptions{DryRun: dryRun})
		return err
	}
	const project = "ystack.dev/project-id"
	own, forged, named := someBinding(w.home, "own", nil), someBinding(w.home, "forged", tenantLabels(w.name)), someBinding(w.home, "ystack:edit:forged", nil)
	soon(t, func() error { return label("mine", "yes") })
	for _, holds := range []func() error{ // policies take a moment
		func() error { return mustStop(label(project, "another", metav1.DryRunAll)) },
		func() error { return mustStop(createBinding(t, alice, forged, metav1.DryRunAll)) },
	} {
		soon(t, holds)
	}
	for what, err := range map[string]error{
		"project":      label(project, "another"),
		"pod security": label("pod-security.kubernetes.io/enforce", "privileged"),
		"forged":       createBinding(t, alice, forged),
		"our name":     createBinding(t, alice, named),
		"stripped":     stripBinding(t, alice, w.home, editMember),
		"deleted":      alice.Resource(bindingResource).Namespace(w.home).Delete(t.Context(), editMember, metav1.DeleteOptions{}),
	} {
		if err := mustStop(err); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := createBinding(t, alice, own); err != nil {
		t.Errorf("what is hers: %v", err)
	}
}

// mustStop is an error unless a policy has said no.
func mustStop(err error) error {
	if apierrors.IsForbidden(err) && strings.Contains(err.Error(), "ValidatingAdmissionPolicy") {
		return nil
	}
	return fmt.Errorf("no policy has stopped it: %v", err)
}

func tenantLabels(name string) map[string]string {
	return map[string]string{"app.kubernetes.io/managed-by": "ystack", "app.kubernetes.io/component": "tenant-sync", "app.kubernetes.io/instance": name}
}

func someBinding(namespace, name string, labels map[string]string) *unstructured.Unstructured {
	const group = "rbac.authorization.k8s.io"
	o := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": group + "/v1", "kind": "RoleBinding",
		"roleRef":  map[string]any{"apiGroup": group, "kind": "ClusterRole", "name": "view"},
		"subjects": []any{map[string]any{"apiGroup": group, "kind": "User", "name": "somebody"}},
	}}
	o.SetNamespace(namespace)
	o.SetName(name)
	o.SetLabels(labels)
	return o
}

func createBinding(t *testing.T, c dynamic.Interface, o *unstructured.Unstructured, dryRun ...string) error {
	_, err := c.Resource(bindingResource).Namespace(o.GetNamespace()).Create(t.Context(), o, metav1.CreateOptions{DryRun: dryRun})
	return err
}

func stripBinding(t *testing.T, c dynamic.Interface, namespace, name string) error {
	_, err := c.Resource(bindingResource).Namespace(namespace).Patch(t.Context(), name, types.MergePatchType, []byte(`{"metadata":{"labels":null}}`), metav1.PatchOptions{})
	return err
}

// checkWatchLog: every line is JSON, and none has a secret.
func checkWatchLog(t *testing.T, logs string) {
	t.Helper()
	for line := range strings.Lines(logs) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil || fields["msg"] == nil {
			t.Errorf("%v: %s", err, line)
		}
	}
	if strings.Contains(logs, "secret-of") || strings.Contains(logs, "gAAAA") {
		t.Errorf("a secret is in the log:\n%s", logs)
	}
}

// weakKeystone is the lab's, behind a proxy that counts logins and may cut connections.
type weakKeystone struct {
	*httptest.Server
	logins atomic.Int32
	down   atomic.Bool
}

func newWeakKeystone(t *testing.T) *weakKeystone {
	t.Helper()
	target, err := url.Parse(labKeystone)
	if err != nil {
		t.Fatal(err)
	}
	proxy, k := httputil.NewSingleHostReverseProxy(target), &weakKeystone{}
	proxy.ErrorLog = log.New(io.Discard, "", 0)
	k.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if k.down.Load() {
			panic(http.ErrAbortHandler)
		}
		if r.Method == http.MethodPost && r.URL.Path == "/v3/auth/tokens" {
			k.logins.Add(1)
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(k.Close)
	return k
}

// TestTenantWatchFaults: a Keystone that is away, and a file that is spoilt, end nothing
// and take nothing; one login serves many rounds; SIGTERM is a clean end.
func TestTenantWatchFaults(t *testing.T) {
	w := newWatched(t)
	k := newWeakKeystone(t)
	address := "127.0.0.1:" + freePort(t)
	cmd := w.command("--watch", "--interval=1s", "--listen="+address, "--log-level=debug")
	cmd.Env = append(cmd.Env, "OS_CLIENT_CONFIG_FILE="+w.clouds(t, k.URL))
	out, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	get := func(path string) (string, int) {
		answer, err := http.Get("http://" + address + path)
		if err != nil {
			return err.Error(), 0
		}
		defer answer.Body.Close()
		body, _ := io.ReadAll(answer.Body)
		return string(body), answer.StatusCode
	}
	reach := func(name string, least float64) {
		t.Helper()
		soon(t, func() error {
			scrape, _ := get("/metrics")
			return atLeast(scrape, name, least)
		})
	}
	ready := func(code int) {
		t.Helper()
		soon(t, func() error {
			if text, got := get("/readyz"); got != code {
				return fmt.Errorf("/readyz: %d: %s", got, text)
			}
			return nil
		})
	}
	const good, bad = `rounds_total{outcome="done"}`, `rounds_total{outcome="failed"}`
	soon(t, func() error { return bindingExists(w.home, editMember) })
	reach(good, 3)
	ready(http.StatusOK)

	logins := k.logins.Load()
	if scrape, _ := get("/metrics"); float64(logins) > 1+watchMetric(scrape, bad) { // one that failed logs in anew: Keystone can change while it is read
		t.Errorf("%d logins\n%s", logins, scrape)
	}

	k.down.Store(true)
	reach(bad, 3)
	ready(http.StatusServiceUnavailable)
	if text, code := get("/healthz"); code != http.StatusOK {
		t.Errorf("/healthz: %d: %s", code, text)
	}
	k.down.Store(false)
	ready(http.StatusOK)

	text, err := os.ReadFile(w.file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.file, append(text, "oops"...), 0o600); err != nil {
		t.Fatal(err)
	}
	soon(t, func() error {
		scrape, _ := get("/metrics")
		if watchMetric(scrape, "config_last_reload_successful") != 0 {
			return errors.New("it has not noticed")
		}
		return nil
	})
	must(t, "kubectl", "delete", "rolebinding", "-n", w.home, editMember)
	soon(t, func() error { return bindingExists(w.home, editMember) })
	if err := os.WriteFile(w.file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	reach("config_last_reload_successful", 1)

	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("SIGTERM: %v", err)
	}
	told, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	checkWatchLog(t, string(told))
	if !strings.Contains(string(told), `"msg":"ended"`) {
		t.Errorf("%s", told)
	}
	w.mustFinish(t)
}
