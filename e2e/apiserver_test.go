//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ystackdev/ystack/lab/pki"
)

// apiServer is a kube-apiserver of a test's own, with its etcd: one that can be told who may
// do what without touching the lab's.
type apiServer struct {
	url        string
	kubeconfig string // of its administrator, who may also act as anybody else
	dir        string
}

// startAPIServer starts one on loopback. The flags say at least how it authorizes
// (--authorization-mode=…); nobody but its administrator, whom it asks nobody about, has
// any rights beforehand but by RBAC.
func startAPIServer(t *testing.T, flags ...string) *apiServer {
	t.Helper()
	port, dir := freePort(t), t.TempDir()
	s := &apiServer{url: "https://127.0.0.1:" + port, kubeconfig: filepath.Join(dir, "kubeconfig"), dir: dir}
	in := func(name string) string { return filepath.Join(dir, name) }
	err := pki.Ensure(dir, []pki.Leaf{
		{Name: "apiserver", User: "kube-apiserver", Names: []string{"127.0.0.1"}},
		{Name: "admin", User: "admin", Groups: []string{"system:masters"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := pki.Kubeconfig(s.kubeconfig, dir, "admin", s.url); err != nil {
		t.Fatal(err)
	}
	etcdURL, peerURL := "http://127.0.0.1:"+freePort(t), "http://127.0.0.1:"+freePort(t)
	startLabProgram(t, in("etcd.log"), "etcd", "--data-dir="+in("etcd"), "--listen-client-urls="+etcdURL, "--advertise-client-urls="+etcdURL,
		"--listen-peer-urls="+peerURL, "--initial-advertise-peer-urls="+peerURL, "--initial-cluster=default="+peerURL, "--unsafe-no-fsync")
	startLabProgram(t, in("apiserver.log"), "kube-apiserver", append([]string{
		"--etcd-servers=" + etcdURL, "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--secure-port=" + port,
		"--tls-cert-file=" + in("apiserver.crt"), "--tls-private-key-file=" + in("apiserver.key"), "--client-ca-file=" + in("ca.crt"),
		"--service-cluster-ip-range=10.97.0.0/24", "--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + in("sa.pub"), "--service-account-signing-key-file=" + in("sa.key"),
	}, flags...)...)
	s.waitReady(t)
	return s
}

// startLabProgram starts what the lab has compiled, until the end of the test.
func startLabProgram(t *testing.T, log, name string, args ...string) {
	t.Helper()
	out, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(os.Getenv("YSTACK_LAB"), "bin", name), args...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		out.Close()
	})
}

func (s *apiServer) waitReady(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(3 * time.Minute); ; time.Sleep(500 * time.Millisecond) {
		out, err := s.command("get", "--raw", "/readyz").CombinedOutput()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the API server does not start: %v %s\n%s", err, out, s.logs())
		}
	}
}

// logs is the end of what the API server says.
func (s *apiServer) logs() string {
	data, _ := os.ReadFile(filepath.Join(s.dir, "apiserver.log"))
	return string(data[max(0, len(data)-8000):])
}

// command is kubectl for the administrator.
func (s *apiServer) command(args ...string) *exec.Cmd {
	return exec.Command("kubectl", append([]string{"--kubeconfig=" + s.kubeconfig}, args...)...)
}

// as is kubectl for somebody else, who need not be known to the API server.
func (s *apiServer) as(user string, groups []string, args ...string) *exec.Cmd {
	args = append(args, "--as="+user)
	for _, g := range groups {
		args = append(args, "--as-group="+g)
	}
	return s.command(args...)
}

// TestPrivateAPIServer: its ABAC authorizer obeys a file, which is what the tests that use it build on.
func TestPrivateAPIServer(t *testing.T) {
	needLab(t)
	policy := filepath.Join(t.TempDir(), "policy.jsonl")
	line := `{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":{"group":"readers","namespace":"default","resource":"pods","readonly":true}}`
	if err := os.WriteFile(policy, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startAPIServer(t, "--authorization-mode=ABAC", "--authorization-policy-file="+policy)
	// By path: discovery, which kubectl begins with otherwise, is nothing that the file allows.
	for verb, allowed := range map[string]bool{"get": true, "delete": false} {
		out, err := s.as("alice", []string{"readers"}, verb, "--raw", "/api/v1/namespaces/default/pods").CombinedOutput()
		if (err == nil) != allowed || !allowed && !strings.Contains(string(out), "Forbidden") {
			t.Errorf("%s: %v: %s", verb, err, out)
		}
	}
	if out, err := s.command("create", "namespace", "mine").CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
