//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"github.com/ystackdev/ystack/lab/pki"
)

// TestTUIFollowsARun: a run that others start is seen from its first step to its last, and
// then what it has deployed.
func TestTUIFollowsARun(t *testing.T) {
	needLab(t)
	a := newApp(t)
	s := startScreen(t, []string{"XDG_STATE_HOME=" + a.state})
	s.shows(t, `Runs. \(0\)`)
	run := a.command()
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	s.shows(t, a.name+`\S* +» running`)
	s.press(t, "\r")
	s.shows(t, `^container +\[✓ check\]`, `^state +running`)
	s.shows(t, `\[✓ deploy\]--\[✓ verify\]$`, `^state +succeeded`)
	s.press(t, "G")
	s.shows(t, `^verify: GET /index.html answered 200`)
	if err := run.Wait(); err != nil {
		t.Fatal(err)
	}
	s.press(t, "\x1b")
	s.shows(t, a.name+`\S* +✓ succeeded`)
	s.press(t, "2")
	s.shows(t, a.name+` +`+a.name+` +✓ healthy +2/2`)
	s.quit(t)
}

// TestTUICancelsAndRunsAgain does what its keys say, after a yes only.
func TestTUICancelsAndRunsAgain(t *testing.T) {
	needLab(t)
	a := newApp(t)
	slow := "FROM busybox:1.35\nRUN /bin/busybox sleep 300\n"
	dockerfile := filepath.Join(a.dir, "Dockerfile")
	good, err := os.ReadFile(dockerfile)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dockerfile, []byte(slow), 0o644); err != nil {
		t.Fatal(err)
	}
	s := startScreen(t, []string{"XDG_STATE_HOME=" + a.state})
	run := a.command()
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	s.shows(t, `» running +\d/\d build`)
	s.press(t, "xn")
	s.shows(t, "nothing was done")
	s.press(t, "x")
	s.shows(t, `\[y/N\] cancel `+a.name)
	s.press(t, "y")
	s.shows(t, `was told to end`)
	if err := run.Wait(); err == nil {
		t.Error("a run that was cancelled ended well")
	}
	s.hides(t, `» running`)
	if err := os.WriteFile(dockerfile, good, 0o644); err != nil {
		t.Fatal(err)
	}
	s.press(t, "r")
	s.shows(t, `\[y/N\] re-run `+a.name)
	s.press(t, "y")
	s.shows(t, a.name+`\S* +✓ succeeded`)
	s.quit(t)
}

// TestTUIOutlivesItsCluster: the API server is cut off; what else is shown lives on, and
// when it is back the screen recovers by itself. Another context is dead from the start.
func TestTUIOutlivesItsCluster(t *testing.T) {
	needLab(t)
	server := startAPIServer(t, "--authorization-mode=RBAC")
	network := toxiproxy.NewProxy(toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()), "cluster", "127.0.0.1:"+freePort(t), strings.TrimPrefix(server.url, "https://"))
	if err := network.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(network.Stop)
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := pki.Kubeconfig(kubeconfig, server.dir, "admin", "https://"+network.Listen); err != nil {
		t.Fatal(err)
	}
	dead := filepath.Join(t.TempDir(), "dead")
	text, err := os.ReadFile(kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	context := strings.TrimSpace(must(t, "kubectl", "--kubeconfig", kubeconfig, "config", "current-context"))
	if err := os.WriteFile(dead, []byte(strings.NewReplacer(network.Listen, "192.0.2.1:6443", context, "dead").Replace(string(text))), 0o600); err != nil {
		t.Fatal(err)
	}
	server.apply(t, nodeNamed("node-a"))
	s := startScreen(t, []string{"KUBECONFIG=" + kubeconfig + ":" + dead, "XDG_STATE_HOME=" + t.TempDir()}, "--context", context+",dead", "--os-cloud", "lab")
	s.press(t, ":nodes\r")
	s.shows(t, context+` +node-a`, `✗ dead: unreachable since \d\d:\d\d:\d\d: .*192\.0\.2\.1`)
	network.Stop()
	s.shows(t, context+`: rows as of \S+; unreachable since \d\d:\d\d:\d\d: `, context+` +node-a`)
	s.press(t, ":images\r")
	s.shows(t, `debian-12 +✓ active`)
	if err := network.Start(); err != nil {
		t.Fatal(err)
	}
	server.apply(t, nodeNamed("node-b"))
	s.press(t, ":nodes\r")
	s.shows(t, context+` +node-b`)
	s.hides(t, context+`: .*unreachable`)
	s.quit(t)
}

// TestTUIKeepsItsKeyboard: a credential plugin that wants to be answered gets nothing, and
// takes no keys away.
func TestTUIKeepsItsKeyboard(t *testing.T) {
	needLab(t)
	plugin := filepath.Join(t.TempDir(), "plugin")
	if err := os.WriteFile(plugin, []byte("#!/bin/sh\necho Password: >&2\nread password || exit 7\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(kubeconfig, []byte(`apiVersion: v1
kind: Config
clusters: [{name: here, cluster: {server: "https://192.0.2.1:6443"}}]
users: [{name: me, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: "`+plugin+`", interactiveMode: IfAvailable}}}]
contexts: [{name: asks, context: {cluster: here, user: me}}]
`), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startScreen(t, []string{"KUBECONFIG=" + kubeconfig, "XDG_STATE_HOME=" + t.TempDir()}, "--context", "asks")
	s.press(t, ":nodes\r")
	s.shows(t, `the credential plugin of context "asks" failed: exec`)
	s.quit(t)
}

func nodeNamed(name string) string {
	return "apiVersion: v1\nkind: Node\nmetadata: {name: " + name + "}\n"
}

// TestTUIShowsDrift: a binding that somebody takes away is drift, until it is back.
func TestTUIShowsDrift(t *testing.T) {
	c := newTenants(t, corp)
	if out, err := c.command().CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s := startScreen(t, c.command().Env, "--os-cloud", "lab", "--tenant-sync", c.file)
	s.press(t, ":drift\r")
	s.shows(t, `\[Drift\] \(0\)  none, compared at`, c.name+`-web +✓ active +web +corp`)
	bindings := strings.Fields(must(t, "kubectl", "get", "rolebindings", "-n", c.name+"-web", "-o", "name"))
	must(t, "kubectl", "delete", bindings[0], "-n", c.name+"-web")
	s.shows(t, `! create +rolebinding `+c.name+`-web/`)
	c.mustFinish(t)
	s.shows(t, `\[Drift\] \(0\)`)
	s.quit(t)
}

// TestTUIShowsRoutes: what is advertised, and that it is withdrawn.
func TestTUIShowsRoutes(t *testing.T) {
	needLab(t)
	a := newApp(t)
	advertise := func(args ...string) string {
		return must(t, append([]string{"kubectl", "ystack", "advertise-clusterip"}, args...)...)
	}
	a.kubectl(t, "create", "service", "clusterip", a.name, "--tcp=80")
	t.Cleanup(func() {
		_ = exec.Command("kubectl", "ystack", "advertise-clusterip", "withdraw", a.name, "-n", a.name).Run()
		_ = exec.Command("kubectl", "ystack", "advertise-clusterip", "peers", "remove", "10.89.0.1").Run()
	})
	s := startScreen(t, []string{"XDG_STATE_HOME=" + a.state})
	s.press(t, "4")
	s.shows(t, a.name+`/\S+ +\S+ +no +· no`)
	advertise(a.name, "-n", a.name, "--peer", "10.89.0.1:64512", "--wait", "2m")
	s.shows(t, a.name+`/\S+ +\S+ +yes +✓ yes +node1`, `node1 +✓ Ready +10\.89\.0\.1 +✓ Established`)
	advertise("withdraw", a.name, "-n", a.name)
	s.shows(t, a.name+`/\S+ +\S+ +no +· no`)
	s.quit(t)
}

// TestTUICrowd: a thousand nodes and five thousand pods fit into little memory.
func TestTUICrowd(t *testing.T) {
	needLab(t)
	server := startAPIServer(t, "--authorization-mode=RBAC", "--disable-admission-plugins=ServiceAccount")
	crowd(t, server, 1000, 5000)
	s := startScreen(t, []string{"KUBECONFIG=" + server.kubeconfig, "XDG_STATE_HOME=" + t.TempDir()})
	asked := time.Now()
	s.press(t, "2")
	s.shows(t, `Nodes  \(1000\)`, `Pods  \(5000\)`)
	t.Logf("all data after %s", time.Since(asked))
	kilobytes := s.mostMemory(t)
	t.Logf("%d MB at most", kilobytes/1000)
	if kilobytes > 120_000 {
		t.Errorf("took %d kB", kilobytes)
	}
	s.quit(t)

	// Who may see one namespace only sees that, and is told of the rest.
	server.must(t, "create", "role", "viewer", "--verb=get,list,watch", "--resource=pods")
	server.must(t, "create", "rolebinding", "viewer", "--role=viewer", "--user=viewer")
	server.must(t, "config", "set", "users.admin.act-as", "viewer")
	s = startScreen(t, []string{"KUBECONFIG=" + server.kubeconfig, "XDG_STATE_HOME=" + t.TempDir()})
	s.press(t, "2")
	s.shows(t, `Pods  \(5000\)  of namespace default only`, `✗ forbidden: .*nodes`)
	s.quit(t)
}

// crowd makes nodes, and pods that are said to run on them.
func crowd(t *testing.T, server *apiServer, nodes, pods int) {
	t.Helper()
	client := server.dynamic(t, rest.ImpersonationConfig{})
	group, ctx := errgroup.WithContext(context.Background())
	group.SetLimit(32)
	create := func(resource, namespace string, object map[string]any) {
		group.Go(func() error {
			_, err := client.Resource(schema.GroupVersionResource{Version: "v1", Resource: resource}).Namespace(namespace).
				Create(ctx, &unstructured.Unstructured{Object: object}, metav1.CreateOptions{})
			return err
		})
	}
	for i := range nodes {
		create("nodes", "", map[string]any{
			"apiVersion": "v1", "kind": "Node", "metadata": map[string]any{"name": fmt.Sprintf("node-%04d", i)},
			"status": map[string]any{"conditions": []any{map[string]any{"type": "Ready", "status": "True"}}},
		})
	}
	for i := range pods {
		create("pods", "default", map[string]any{
			"apiVersion": "v1", "kind": "Pod",
			"metadata": map[string]any{"name": fmt.Sprintf("pod-%04d", i), "labels": map[string]any{"app": "crowd"}},
			"spec": map[string]any{
				"nodeName": fmt.Sprintf("node-%04d", i%nodes), "containers": []any{map[string]any{"name": "main", "image": "registry.example/apps/crowd:v1"}},
			},
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}
