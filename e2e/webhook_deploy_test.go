//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ystackdev/ystack/lab/node"
	"github.com/ystackdev/ystack/lab/service"
)

// TestWebhookDeployment does what `auth-webhook manifests` says: certificates, Secret and
// Deployment; then it asks as an API server would, with the printed kubeconfig, also
// while the pods are replaced.
func TestWebhookDeployment(t *testing.T) {
	needLab(t)
	token := labTokens(t, 1)[0]
	ns, dir := "e2e-webhook-"+random(), t.TempDir()
	t.Cleanup(func() { _ = exec.Command("kubectl", "delete", "namespace", ns, "--wait=false").Run() })
	t.Cleanup(func() {
		_ = exec.Command("kubectl", "delete", "clusterrole,clusterrolebinding", "ystack-auth-webhook:"+ns).Run()
	})
	must(t, "kubectl", "create", "namespace", ns)
	policy := filepath.Join(t.TempDir(), "policy.jsonl")
	writePolicy(t, policy, abacPolicy)
	must(t, "kubectl-ystack", "auth-webhook", "manifests", "--image="+webhookImage(t, ns), "--namespace="+ns, "--cluster-ip="+freeClusterIP(t),
		"--auth-url="+keystoneForPods(t, ns)+"/v3", "--output-dir="+dir, "--generate-certs", "--policy-file="+policy, "--namespaces")
	must(t, "kubectl", "create", "secret", "tls", "ystack-auth-webhook-tls", "--namespace", ns,
		"--cert", filepath.Join(dir, "tls.crt"), "--key", filepath.Join(dir, "tls.key"))
	must(t, "kubectl", "apply", "-f", filepath.Join(dir, "ystack-auth-webhook.yaml"))
	rollout := []string{"kubectl", "rollout", "status", "deployment/ystack-auth-webhook", "-n", ns, "--timeout=2m"}
	must(t, rollout...)

	w := apiServersWebhook(t, filepath.Join(dir, "webhook.kubeconfig"))
	mustAccept(t, w, token)
	if user, err := w.review(serviceAccount(1)); user != "" || err != nil {
		t.Errorf("a service account is %q, %v", user, err)
	}

	// Its account may follow namespaces, and it has the policy file.
	must(t, "kubectl", "label", "namespace", ns, "ystack.dev/project-id="+ns)
	eventually(t, func() error {
		ready, err := w.client.Get(strings.TrimSuffix(w.url, "/webhook") + "/readyz")
		if err != nil {
			return err
		}
		defer ready.Body.Close()
		body, err := io.ReadAll(ready.Body)
		if err == nil && !regexp.MustCompile(`(?s)^ok\npolicy: 10 rules of .*\nnamespaces: [1-9][0-9]*, of [0-9]+ projects\n$`).Match(body) {
			err = fmt.Errorf("/readyz says %s", body)
		}
		return err
	})
	authorizer := apiServersWebhook(t, filepath.Join(dir, "authorization.kubeconfig"))
	res, err := authorizer.client.Post(authorizer.url, "application/json", strings.NewReader(
		`{"apiVersion":"authorization.k8s.io/v1","kind":"SubjectAccessReview","spec":{"user":"alice","resourceAttributes":{"verb":"get","namespace":"team-b","resource":"pods"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); err != nil || !strings.Contains(string(body), `"allowed":true,"reason":"line 3 of the policy file`) {
		t.Errorf("%v: %s", err, body)
	}

	var asked, failed atomic.Int64
	ctx, end := context.WithCancel(t.Context())
	group := errgroup.Group{}
	for range 4 {
		group.Go(func() error {
			for ; ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
				asked.Add(1)
				if user, err := w.review(token); user != "keystone:alice" {
					failed.Add(1)
					t.Logf("%q, %v", user, err)
				}
			}
			return nil
		})
	}
	must(t, "kubectl", "rollout", "restart", "deployment/ystack-auth-webhook", "-n", ns)
	must(t, rollout...)
	time.Sleep(6 * time.Second) // until the old ones have ended
	end()
	_ = group.Wait()
	if failed.Load() > 0 || asked.Load() == 0 {
		t.Errorf("%d of %d reviews failed while the pods were replaced", failed.Load(), asked.Load())
	}
	t.Logf("%d reviews while the pods were replaced", asked.Load())
}

// webhookImage is kubectl-ystack and nothing else, in the lab's registry.
func webhookImage(t *testing.T, name string) string {
	t.Helper()
	program, tag := shipped(t), "127.0.0.1:15000/e2e/"+name+":1"
	dir := filepath.Dir(program)
	file := "FROM scratch\nCOPY kubectl-ystack /bin/\nENV PATH=/bin\n"
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, "buildah", "build", "-t", tag, dir)
	must(t, "buildah", "push", "--tls-verify=false", tag)
	t.Cleanup(func() { _ = exec.Command("buildah", "rmi", tag).Run() })
	return tag
}

// keystoneForPods is the lab's Keystone, which listens on the node's loopback only, where
// pods reach it.
func keystoneForPods(t *testing.T, ns string) string {
	t.Helper()
	port := freePort(t)
	pod := fmt.Sprintf(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"keystone"},"spec":{"hostNetwork":true,"terminationGracePeriodSeconds":0,
		"containers":[{"name":"nc","image":"127.0.0.1:15000/docker/library/busybox:1.35","command":["/bin/busybox","nc","-ll","-p","%s","-e","/bin/busybox","nc","127.0.0.1","15050"]}]}}`, port)
	cmd := exec.Command("kubectl", "apply", "-n", ns, "-f", "-")
	cmd.Stdin = strings.NewReader(pod)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return "http://" + node.Address + ":" + port
}

// apiServersWebhook asks by the kubeconfig that an API server gets, from inside the node.
func apiServersWebhook(t *testing.T, kubeconfig string) *webhook {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	lab, err := service.Open(os.Getenv, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	holder, err := lab.Holder()
	if err != nil {
		t.Fatal(err)
	}
	address := config.Host
	config.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		return node.Dial(ctx, holder, network, address)
	}
	transport, err := rest.TransportFor(config)
	if err != nil {
		t.Fatal(err)
	}
	return &webhook{url: address, client: &http.Client{Transport: transport, Timeout: 30 * time.Second}, version: "v1"}
}

// freeClusterIP is one that no Service has.
func freeClusterIP(t *testing.T) string {
	t.Helper()
	taken := must(t, "kubectl", "get", "services", "-A", "-o", "jsonpath={.items[*].spec.clusterIP}")
	for i := 200; i < 250; i++ {
		if ip := fmt.Sprintf("10.96.77.%d", i); !strings.Contains(taken, ip) {
			return ip
		}
	}
	t.Fatal(errors.New("no address is free"))
	return ""
}

// freePort is one that no connection gets by itself before a server listens on it.
func freePort(t testing.TB) string {
	t.Helper()
	for range 100 {
		port := strconv.Itoa(20_000 + rand.IntN(12_000)) // below those of outgoing connections
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return ""
}

// must runs a command and returns what it printed.
func must(t *testing.T, argv ...string) string {
	t.Helper()
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(argv, " "), err, out)
	}
	return string(out)
}
