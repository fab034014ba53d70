package authwebhook

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The real API server is asked how it takes our answers. It has an etcd and ports of its
// own, so that it can be told to use this webhook without touching the lab's.

// labProgram finds what the lab has compiled.
func labProgram(t *testing.T, name string) string {
	t.Helper()
	lab := os.Getenv("YSTACK_LAB")
	path := filepath.Join(lab, "bin", name)
	if _, err := os.Stat(path); lab == "" || err != nil {
		missing(t, name+" of the lab is not there (lab up, lab env)")
	}
	return path
}

// missing skips, or fails where everything must be there.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// process starts a program that ends with the test.
func process(t *testing.T, log string, argv ...string) {
	t.Helper()
	out, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		out.Close()
	})
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
}

// apiServer is a kube-apiserver that asks the webhook.
type apiServer struct {
	url, log string
	client   *http.Client
}

func startAPIServer(t *testing.T, webhook served, version string) apiServer {
	t.Helper()
	server, etcd, dir := labProgram(t, "kube-apiserver"), labProgram(t, "etcd"), t.TempDir()
	files, err := Manifests(ManifestOptions{Image: "x", Namespace: "kube-system", AuthURL: "http://127.0.0.1", StaticPod: true, GenerateCerts: true, CacheTTL: 2 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, f := range files {
		if err := os.WriteFile(in(f.Name), f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// The kubeconfig is the printed one, with the authority and port of this test's server.
	var config string
	for line := range strings.Lines(string(files[1].Data)) {
		if strings.Contains(line, "certificate-authority-data:") {
			line = "    certificate-authority: " + filepath.Join(webhook.dir, "ca.crt") + "\n"
		}
		config += strings.Replace(line, "https://127.0.0.1:8443", webhook.url, 1)
	}
	if err := os.WriteFile(in("webhook.kubeconfig"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	etcdURL, port := "http://127.0.0.1:"+freePort(t), freePort(t)
	peerURL := "http://127.0.0.1:" + freePort(t)
	process(t, in("etcd.log"), etcd, "--data-dir="+in("etcd"), "--listen-client-urls="+etcdURL, "--advertise-client-urls="+etcdURL,
		"--listen-peer-urls="+peerURL, "--initial-advertise-peer-urls="+peerURL, "--initial-cluster=default="+peerURL, "--unsafe-no-fsync")
	process(t, in("apiserver.log"), server, "--etcd-servers="+etcdURL, "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--secure-port="+port,
		"--cert-dir="+in("certs"), "--service-cluster-ip-range=10.97.0.0/24", "--authorization-mode=AlwaysAllow", "--anonymous-auth=false",
		"--client-ca-file="+in("ca.crt"), "--service-account-issuer=https://test", "--service-account-key-file="+in("tls.key"), "--service-account-signing-key-file="+in("tls.key"),
		"--authentication-token-webhook-config-file="+in("webhook.kubeconfig"), "--authentication-token-webhook-version="+version,
		"--authentication-token-webhook-cache-ttl=2m")
	s := apiServer{"https://127.0.0.1:" + port, in("apiserver.log"), &http.Client{
		Timeout:   20 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}, // a certificate it has just made for itself
	}}
	for end := time.Now().Add(3 * time.Minute); ; time.Sleep(time.Second / 2) {
		res, err := s.client.Get(s.url + "/healthz") // 401 as soon as it can tell
		if err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusUnauthorized {
				return s
			}
		}
		if time.Now().After(end) {
			t.Fatalf("kube-apiserver does not start: %v\n%s", err, s.logs())
		}
	}
}

func (s apiServer) logs() string {
	data, _ := os.ReadFile(s.log)
	return string(data)
}

// whoAmI is `kubectl auth whoami --token`.
func (s apiServer) whoAmI(t *testing.T, token string) (userInfo, int) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, s.url+"/apis/authentication.k8s.io/v1/selfsubjectreviews",
		bytes.NewBufferString(`{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var r struct{ Status struct{ UserInfo userInfo } }
	_ = json.Unmarshal(body, &r) // a refusal is another kind
	return r.Status.UserInfo, res.StatusCode
}

func TestRealAPIServer(t *testing.T) {
	f, dir := newFake(t), t.TempDir()
	pair(t, dir)
	webhook := serve(t, f, dir, nil)
	s := startAPIServer(t, webhook, "v1")

	alice := f.issue("alice")
	got, code := s.whoAmI(t, alice)
	if code != 201 || got.Username != "keystone:alice" || got.UID != "id-alice" {
		t.Errorf("%d: %+v", code, got)
	}
	groups := []string{"keystone:project:p1", "keystone:project:p1:role:member", "system:authenticated"}
	if diff := cmp.Diff(groups, got.Groups); diff != "" {
		t.Error(diff)
	}
	if _, code := s.whoAmI(t, fernetToken()); code != http.StatusUnauthorized {
		t.Errorf("a bad token: %d", code)
	}
	if _, code := s.whoAmI(t, f.issue("system:admin")); code != http.StatusUnauthorized {
		t.Errorf("a refused name: %d", code)
	}

	// What we cannot answer the API server must not remember, whichever way it went wrong.
	for name, tc := range map[string]struct {
		fault http.HandlerFunc
		log   string
	}{
		"500":       {func(w http.ResponseWriter, _ *http.Request) { answer(w, 500, "broken") }, "answered with HTTP 500"},
		"truncated": {func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"token":{`)) }, "not a token's description"},
		"forbidden": {func(w http.ResponseWriter, _ *http.Request) { answer(w, 403, "You are not authorized") }, "rule:token_subject"},
		"stall":     {func(http.ResponseWriter, *http.Request) { time.Sleep(5 * time.Second) }, "deadline exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			token := f.issue("bob")
			f.fail(tc.fault)
			began := time.Now()
			if _, code := s.whoAmI(t, token); code != http.StatusUnauthorized {
				t.Errorf("%d", code)
			}
			took := time.Since(began)
			f.fail(nil)
			if got, code := s.whoAmI(t, token); code != 201 || got.Username != "keystone:bob" {
				t.Errorf("afterwards: %d %+v", code, got)
			}
			if !strings.Contains(s.logs(), tc.log) {
				t.Errorf("the API server's log does not say %q", tc.log)
			}
			t.Logf("took %v", took.Round(time.Millisecond))
		})
	}

	// A Keystone that comes back within seconds is not noticed.
	carol := f.issue("carol")
	f.fail(func(w http.ResponseWriter, _ *http.Request) { answer(w, 500, "restarting") })
	time.AfterFunc(time.Second, func() { f.fail(nil) })
	if got, code := s.whoAmI(t, carol); code != 201 || got.Username != "keystone:carol" {
		t.Errorf("across a restart: %d %+v", code, got)
	}
	for _, token := range []string{alice, carol} {
		if strings.Contains(s.logs()+webhook.log.String(), token) {
			t.Error("a token is in a log")
		}
	}
}

func TestRealAPIServerV1beta1(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	f, dir := newFake(t), t.TempDir()
	pair(t, dir)
	s := startAPIServer(t, serve(t, f, dir, nil), "v1beta1")
	if got, code := s.whoAmI(t, f.issue("alice")); code != 201 || got.Username != "keystone:alice" {
		t.Errorf("%d: %+v\n%s", code, got, s.logs())
	}
}
