//go:build e2e

package e2e

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// boundaries are the points of a run at which it is killed: before each step,
// between its effect and the record of it, and after.
var boundaries = []string{
	"check:before", "check:acted", "check:recorded",
	"resolve:before", "resolve:acted", "resolve:recorded",
	"build:before", "build:acted", "build:recorded",
	"publish:before", "publish:acted", "publish:recorded",
	"deploy:before", "deploy:applied", "deploy:acted", "deploy:recorded",
	"verify:before", "verify:acted", "verify:recorded",
}

// TestKillAtEachBoundary kills a run at each point and runs the same command
// again: it must end well, having pushed and deployed once in all.
func TestKillAtEachBoundary(t *testing.T) {
	needLab(t)
	for _, point := range boundaries {
		t.Run(point, func(t *testing.T) {
			a := newApp(t)
			out, err := a.run(killAt + "=" + point)
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
				t.Fatalf("was not killed at %s: %v\n%s", point, err, out)
			}
			a.mustFinish(t, "succeeded")
		})
	}
}

// TestKillAtRandomMoments does the same at twenty moments that nobody chose.
func TestKillAtRandomMoments(t *testing.T) {
	needLab(t)
	first := newApp(t)
	start := time.Now()
	if out, err := first.run(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	whole := time.Since(start)
	for range 20 {
		moment := time.Duration(rand.Int64N(int64(whole)))
		t.Run(moment.String(), func(t *testing.T) {
			a := newApp(t)
			cmd := a.command()
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(moment)
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			a.mustFinish(t, "succeeded")
		})
	}
}

// app is an application with a namespace, a checkout and a record of its own.
type application struct{ name, dir, state string }

func newApp(t *testing.T) *application {
	t.Helper()
	a := &application{name: "kill-" + random(), dir: t.TempDir(), state: t.TempDir()}
	if err := makeApp(a.dir, a.name); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("kubectl", "create", "namespace", a.name).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("kubectl", "delete", "namespace", a.name, "--wait=false").Run() })
	return a
}

func (a *application) command(env ...string) *exec.Cmd {
	cmd := exec.Command("kubectl", "ystack", "pipeline", "run", a.dir)
	// kubectl replaces itself with the plugin, so that a signal to it is one
	// to the plugin.
	cmd.Env = append(append(os.Environ(), "XDG_STATE_HOME="+a.state), env...)
	return cmd
}

func (a *application) run(env ...string) (string, error) {
	out, err := a.command(env...).CombinedOutput()
	return string(out), err
}

// mustFinish runs the same command again and counts what was done in all.
// states are those of the runs on record afterwards, newest first.
func (a *application) mustFinish(t *testing.T, states string) {
	t.Helper()
	if out, err := a.run(); err != nil {
		t.Fatalf("the same command again: %v\n%s", err, out)
	}
	if n := a.pushes(t); n != 1 {
		t.Errorf("pushed %d times", n)
	}
	sets := a.kubectl(t, "get", "replicasets", "-o", "name")
	number := a.kubectl(t, "get", "deployment", a.name, "-o", `jsonpath={.metadata.annotations.deployment\.kubernetes\.io/revision}`)
	if strings.Count(sets, "/") != 1 || number != "1" {
		t.Errorf("deployed more than once: revision %s, %s", number, sets)
	}
	if out, err := a.run(); err != nil || !strings.Contains(out, "is up to date") {
		t.Errorf("a third time: %v\n%s", err, out)
	}
	cmd := exec.Command("kubectl", "ystack", "pipeline", "list", "-o", "jsonpath={.items[*].state}")
	cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+a.state)
	if out, err := cmd.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != states {
		t.Errorf("the record: %v, %q; want %q", err, out, states)
	}
}

func (a *application) kubectl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("kubectl", append(args, "-n", a.name)...).CombinedOutput()
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// pushes counts the images that the registry was sent, by its own log. The record of a run,
// which goes by digest, is none.
func (a *application) pushes(t *testing.T) int {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(os.Getenv("YSTACK_LAB"), "log", "registry.log"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range bytes.Lines(data) {
		put := `"PUT /v2/apps/` + a.name + `/manifests/`
		if bytes.Contains(line, []byte(put)) && !bytes.Contains(line, []byte(put+"sha256")) {
			n++
		}
	}
	return n
}
