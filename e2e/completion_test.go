//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
)

// offered are the names that TAB offers to a command line of kubectl-ystack's.
func (d *desk) offered(t *testing.T, args ...string) []string {
	t.Helper()
	cmd := d.command(append([]string{"kubectl-ystack", "__completeNoDesc"}, args...)...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	names := strings.Fields(string(out))
	return names[:len(names)-1] // the directive
}

// TestTabNeedsNoLogin: projects are offered by a token that is there, and never for the
// price of a new one.
func TestTabNeedsNoLogin(t *testing.T) {
	d := newDesk(t, alicesAuth)
	line := []string{"keystone-login", "--os-cloud", "mine", "--project", "team"}
	if got := d.offered(t, line...); len(got) > 0 || d.logins.Load() > 0 {
		t.Errorf("before a login: %q, for %d logins", got, d.logins.Load())
	}
	d.must(t, "kubectl", "ystack", "keystone-login", "--os-cloud", "mine")
	logins := d.logins.Load()
	if err := os.RemoveAll(d.path(".cache/ystack/completion")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := d.offered(t, line...); !slices.Contains(got, "team-a") || !slices.Contains(got, "team-b") || d.logins.Load() != logins {
			t.Errorf("after a login: %q, for %d more", got, d.logins.Load()-logins)
		}
	}
	if got := d.offered(t, "keystone-login", "use", ""); !slices.Equal(got, []string{"team-a"}) {
		t.Errorf("use: %q", got)
	}
}

// TestTabKnowsMyNamespaces: alice may list none, and is offered hers.
func TestTabKnowsMyNamespaces(t *testing.T) {
	needLab(t)
	name := "e2e-tab-" + random()
	labNamespace(t, os.Getenv("KUBECONFIG"), name, labProject(t, name), "view")
	d := newDesk(t, "username: alice, password: secret-of-alice")
	d.must(t, "kubectl", "ystack", "keystone-login", "--os-cloud", "mine", "--project", name)
	d.wants(t, name+" "+name, "--context", "mine/"+name)
	if got := d.offered(t, "deploy-image", "--context", "mine/"+name, "-n", "e2e-"); !slices.Contains(got, name) {
		t.Errorf("got %q", got)
	}
}

// TestTabAsksNobody: a credential plugin that would ask on the terminal is told that there
// is none, and its failure shows nowhere.
func TestTabAsksNobody(t *testing.T) {
	d := newDesk(t, alicesAuth)
	plugin := "#!/bin/sh\necho \"$KUBERNETES_EXEC_INFO\" >" + d.path("info") + "\n[ ! -t 0 ] || touch " + d.path("asked") + "\necho no token for you >&2\nexit 1\n"
	must(t, "mkdir", d.path("bin")) // beside the kubeconfig, kubectl would write down its name only
	if err := os.WriteFile(d.path("bin/plugin"), []byte(plugin), 0o755); err != nil {
		t.Fatal(err)
	}
	d.must(t, "kubectl", "config", "set-credentials", "asks", "--exec-api-version=client.authentication.k8s.io/v1",
		"--exec-command="+d.path("bin/plugin"), "--exec-interactive-mode=IfAvailable")
	cmd := d.command("bash", "-c", "kubectl-ystack __completeNoDesc deploy-image --user asks -n '' 2>"+d.path("errors"))
	tty, err := pty.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	info, err := os.ReadFile(d.path("info"))
	if err != nil || !strings.Contains(string(info), `"interactive":false`) {
		t.Errorf("the plugin was told %s (%v)", info, err)
	}
	if _, err := os.Stat(d.path("asked")); err == nil {
		t.Error("the plugin had the terminal")
	}
}

// TestTabLocksNoAccount: a login that was refused is not tried again with the next stroke,
// though other failures soon are.
func TestTabLocksNoAccount(t *testing.T) {
	d := newDesk(t, "username: alice, password: wrong, project_name: team-a, project_domain_name: Default")
	site := "apiVersion: ystack.dev/v1alpha1\nkind: Site\nmetadata: {name: mine}\nspec: {openstack: {cloud: mine}, registries: {push: '127.0.0.1:15000/" + random() + "'}}\n"
	if err := os.WriteFile(d.path("site.yaml"), []byte(site), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		out, err := d.command("openstack-ystack", "__completeNoDesc", "image", "show", "--site", d.path("site.yaml"), "").Output()
		if err != nil || string(out) != ":4\n" {
			t.Errorf("%s%v", out, err)
		}
		kept, err := filepath.Glob(d.path(".cache/ystack/completion/*"))
		if err != nil || len(kept) != 1 {
			t.Fatalf("kept %q, %v", kept, err)
		}
		info, err := os.Stat(kept[0])
		if err != nil {
			t.Fatal(err)
		}
		later := info.ModTime().Add(-time.Minute) // as if this were a minute ago
		if err := os.Chtimes(kept[0], later, later); err != nil {
			t.Fatal(err)
		}
	}
	if n := d.logins.Load(); n != 1 {
		t.Errorf("%d logins", n)
	}
}
