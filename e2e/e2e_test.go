//go:build e2e

// Package e2e drives ystack as a user does, from a shell, against the lab.
package e2e

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ystackdev/ystack/pkg/cli"
)

// killAt names the boundary at which a kubectl-ystack of these tests ends
// itself, as `kill -9` would.
const killAt = "YSTACK_TEST_KILL_AT"

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"kubectl-ystack": func() {
			env := cli.OS()
			env.Boundary = func(point string) {
				if point == os.Getenv(killAt) {
					_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
					select {}
				}
			}
			os.Exit(cli.Main(env, cli.NewKubectl, os.Args[1:]))
		}, "kubectl-ystack-tui": func() { os.Exit(cli.Main(cli.OS(), cli.NewTUI, os.Args[1:])) },
		"openstack-ystack": func() { os.Exit(cli.Main(cli.OS(), cli.NewOpenStack, os.Args[1:])) },
	})
}

// TestScripts runs the shell sessions in testdata. Each has a namespace and an
// application of its own, $APP, in the checkout $WORK/app.
func TestScripts(t *testing.T) {
	needLab(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			name := "e2e-" + random()
			e.Defer(func() { _ = exec.Command("kubectl", "delete", "namespace", name, "--wait=false").Run() })
			e.Defer(func() { forgetTenants(name) })
			for _, kv := range append(labEnv(), "APP="+name, "HOME="+e.WorkDir, "PATH="+os.Getenv("PATH")) {
				k, v, _ := strings.Cut(kv, "=")
				e.Setenv(k, v)
			}
			if err := exec.Command("kubectl", "create", "namespace", name).Run(); err != nil {
				return err
			}
			if strings.Contains(filepath.Base(e.WorkDir), "image-") {
				return imageSession(e, name)
			}
			return makeApp(filepath.Join(e.WorkDir, "app"), name)
		},
		Condition: func(name string) (bool, error) {
			if name == "code" {
				return haveCode(), nil
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"repository": repository,
			"freeport":   freeport,
			// replace OLD NEW FILE: sed, but an OLD that is not there fails.
			"replace": func(ts *testscript.TestScript, _ bool, args []string) {
				path := ts.MkAbs(args[2])
				data := ts.ReadFile(path)
				if !strings.Contains(data, args[0]) {
					ts.Fatalf("%s has no %q", path, args[0])
				}
				ts.Check(os.WriteFile(path, []byte(strings.ReplaceAll(data, args[0], args[1])), 0o644))
			},
		},
	})
}

// needLab skips where the lab does not run; in CI that is a failure.
func needLab(t testing.TB) {
	t.Helper()
	if os.Getenv("YSTACK_LAB") != "" && exec.Command("kubectl", "get", "--raw", "/readyz").Run() == nil {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatal("the lab does not run; `make e2e` starts it")
	}
	t.Skip("the lab does not run; `make e2e` starts it")
}

// labEnv is what `go run ./lab env` set.
func labEnv() []string {
	var env []string
	for _, kv := range os.Environ() {
		for _, prefix := range []string{"KUBECONFIG=", "YSTACK_", "BUILDAH_", "CONTAINERS_", "STORAGE_", "XDG_RUNTIME_DIR="} {
			if strings.HasPrefix(kv, prefix) {
				env = append(env, kv)
			}
		}
	}
	return env
}

func random() string {
	var b [4]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// makeApp writes and commits an application that is built in a second: a page
// served by busybox.
func makeApp(dir, name string) error {
	files := map[string]string{
		"Dockerfile":     "FROM busybox:1.35\nCOPY www /www\nUSER 65534\nENTRYPOINT [\"/bin/busybox\", \"httpd\", \"-f\", \"-p\", \"8080\", \"-h\", \"/www\"]\n",
		"www/index.html": "hello from " + name + "\n",
		"ystack.yaml": `apiVersion: ystack.dev/v1alpha1
kind: Application
metadata:
  name: ` + name + `
spec:
  images:
    container: {dockerfile: Dockerfile}
  deploy:
    container:
      namespace: ` + name + `
      replicas: 2
      ports:
        - {name: http, port: 80, targetPort: 8080}
      resources:
        requests: {cpu: 10m, memory: 16Mi}
  health:
    http: {port: 8080, path: /index.html}
`,
	}
	for path, content := range files {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			return err
		}
	}
	for _, args := range [][]string{{"init", "-q"}, {"add", "-A"}, {"-c", "user.name=e2e", "-c", "user.email=e2e@example.com", "commit", "-qm", "first"}} {
		if err := exec.Command("git", append([]string{"-C", dir}, args...)...).Run(); err != nil {
			return err
		}
	}
	return nil
}
