//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// forgetTenants deletes what was made by the name of a TenantSync.
func forgetTenants(name string) {
	_ = exec.Command("kubectl", "delete", "namespace,clusterrole,clusterrolebinding", "-l", "app.kubernetes.io/instance="+name, "--wait=false").Run()
}

// tenants is a TenantSync for the lab's domain corp.
type tenants struct{ name, file string }

func newTenants(t *testing.T, spec string) *tenants {
	t.Helper()
	needLab(t)
	c := &tenants{name: "tenants-" + random()}
	c.file = filepath.Join(t.TempDir(), "tenants.yaml")
	text := fmt.Sprintf("apiVersion: ystack.dev/v1alpha1\nkind: TenantSync\nmetadata: {name: %s}\nspec: {namespaces: {name: '%s-{{.Project}}'}, %s}\n", c.name, c.name, spec)
	if err := os.WriteFile(c.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { forgetTenants(c.name) })
	return c
}

func (c *tenants) command(args ...string) *exec.Cmd {
	cmd := exec.Command("kubectl-ystack", append([]string{"tenant-sync", "-f", c.file}, args...)...)
	cmd.Env = append(labEnv(), "OS_CLOUD=lab", "OS_CLIENT_CONFIG_FILE="+filepath.Join(os.Getenv("YSTACK_LAB"), "etc", "clouds.yaml"),
		"HOME="+filepath.Dir(c.file), "PATH="+os.Getenv("PATH"))
	return cmd
}

// mustFinish runs it again: it ends well, and then nothing is left to do.
func (c *tenants) mustFinish(t *testing.T) {
	t.Helper()
	if out, err := c.command().CombinedOutput(); err != nil {
		t.Fatalf("the same command again: %v\n%s", err, out)
	}
	if out, err := c.command("--diff").CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("something is left: %v\n%s", err, out)
	}
}

const corp = "projects: {domains: [corp]}"

// TestTenantSyncKilledAtEachPhase kills a run before each phase; the next one does the
// rest.
func TestTenantSyncKilledAtEachPhase(t *testing.T) {
	c := newTenants(t, corp)
	kill := func(phase string) {
		t.Helper()
		cmd := c.command()
		cmd.Env = append(cmd.Env, killAt+"=tenant-sync:"+phase)
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("was not killed before %s: %v\n%s", phase, err, out)
		}
	}
	change := func(spec string) {
		t.Helper()
		text, err := os.ReadFile(c.file)
		if err != nil {
			t.Fatal(err)
		}
		before, _, _ := strings.Cut(string(text), "}'}, ")
		if err := os.WriteFile(c.file, []byte(before+"}'}, "+spec+"}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	kill("namespaces")
	kill("namespaces")
	c.mustFinish(t)
	change(corp + ", caps: {share: 100%}, roles: [{role: member, clusterRole: view}, {role: reader, clusterRole: view}, {role: admin, clusterRole: admin}]")
	kill("revocations") // what a manager had
	kill("revocations")
	c.mustFinish(t)
	change(corp + ", caps: {share: 100%}, roles: [{role: member, clusterRole: edit}, {role: reader, clusterRole: view}]")
	kill("bindings")
	kill("bindings")
	c.mustFinish(t)
	change("projects: {domains: [corp], exclude: [web]}, caps: {share: 100%}, roles: [{role: member, clusterRole: admin}, {role: reader, clusterRole: view}]")
	kill("quarantine")
	kill("quarantine")
	c.mustFinish(t)
}

// TestTenantSyncKilledAtRandomMoments does so at fifty moments that nobody chose.
func TestTenantSyncKilledAtRandomMoments(t *testing.T) {
	first := newTenants(t, corp)
	start := time.Now()
	if out, err := first.command().CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	whole := time.Since(start)
	forgetTenants(first.name) // a project has one namespace
	for range 50 {
		moment := time.Duration(rand.Int64N(int64(whole)))
		t.Run(moment.String(), func(t *testing.T) {
			c := newTenants(t, corp)
			cmd := c.command()
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(moment)
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			c.mustFinish(t)
		})
	}
}
