//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// labProject makes a project of alice's, as a member.
func labProject(t *testing.T, name string) (id string) {
	t.Helper()
	id = strings.TrimSpace(must(t, "openstack", "--os-cloud", "lab", "project", "create", name, "-f", "value", "-c", "id"))
	t.Cleanup(func() { _ = exec.Command("openstack", "--os-cloud", "lab", "project", "delete", id).Run() })
	must(t, "openstack", "--os-cloud", "lab", "role", "add", "--user", "alice", "--user-domain", "Default", "--project", id, "member")
	return id
}

// labNamespace makes a namespace of a project, in which members may do what a ClusterRole says.
func labNamespace(t *testing.T, kubeconfig, name, project, clusterRole string) {
	t.Helper()
	kubectl := []string{"kubectl", "--kubeconfig=" + kubeconfig}
	t.Cleanup(func() {
		_ = exec.Command(kubectl[0], kubectl[1], "delete", "namespace", name, "--wait=false").Run()
	})
	must(t, append(kubectl, "create", "namespace", name)...)
	must(t, append(kubectl, "label", "namespace", name, "ystack.dev/project-id="+project)...)
	if clusterRole != "" {
		must(t, append(kubectl, "create", "rolebinding", "members", "-n", name, "--clusterrole="+clusterRole, "--group=keystone:project:"+project+":role:member")...)
	}
}

// wants waits until my-namespaces has a row that begins so; the cells are one space apart.
func (d *desk) wants(t *testing.T, row string, args ...string) {
	t.Helper()
	eventually(t, func() error {
		out, _ := d.command(append([]string{"kubectl-ystack", "my-namespaces", "-o", "wide"}, args...)...).CombinedOutput()
		for line := range strings.Lines(string(out)) {
			if strings.HasPrefix(strings.Join(strings.Fields(line), " ")+" ", row+" ") {
				return nil
			}
		}
		return fmt.Errorf("no row %q in\n%s", row, out)
	})
}

// TestMyNamespaces: alice, who may list nothing, is told hers.
func TestMyNamespaces(t *testing.T) {
	needLab(t)
	name := "e2e-mine-" + random()
	one, two, none := labProject(t, name+"-one"), labProject(t, name+"-two"), labProject(t, name+"-none")
	labNamespace(t, os.Getenv("KUBECONFIG"), name+"-a", one, "edit")
	labNamespace(t, os.Getenv("KUBECONFIG"), name+"-b", two, "view")
	d := newDesk(t, "username: alice, password: secret-of-alice")

	// The login finds the namespace by itself, once the webhook knows of it.
	eventually(t, func() error {
		out, err := d.command("kubectl-ystack", "keystone-login", "--os-cloud=mine", "--project="+name+"-one", "--project="+name+"-none", "-o", "jsonpath={.items[*].namespace}").CombinedOutput()
		if err == nil && string(out) != name+"-a" {
			err = fmt.Errorf("the contexts' namespaces are %q", out)
		}
		return err
	})
	d.must(t, "kubectl-ystack", "keystone-login", "use", name+"-one")
	if out, err := d.command("kubectl", "get", "namespaces").CombinedOutput(); err == nil || !strings.Contains(string(out), "Forbidden") {
		t.Fatalf("alice may list namespaces: %v %s", err, out)
	}
	d.wants(t, strings.Join([]string{name + "-a", name + "-one", "member,reader", "edit", "lab", one, "keystone:alice", "mine/" + name + "-one", "*"}, " "))
	d.wants(t, strings.Join([]string{name + "-b", name + "-two", "member,reader", "view", "lab", two, "keystone:alice"}, " "))
	d.wants(t, "warning: project "+name+"-none has no namespace in cluster lab")
	if out := d.must(t, "kubectl-ystack", "my-namespaces", "--context=mine/"+name+"-one", "-o", "name"); out != "namespace/"+name+"-a\n" {
		t.Errorf("by name: %q", out)
	}

	// What is granted or made later, and a namespace that is nobody's any more.
	must(t, "kubectl", "create", "rolebinding", "admins", "-n", name+"-a", "--clusterrole=admin", "--group=keystone:project:"+one+":role:member")
	d.wants(t, name+"-a "+name+"-one member,reader admin")
	labNamespace(t, os.Getenv("KUBECONFIG"), name+"-c", none, "")
	d.wants(t, name+"-c "+name+"-none member,reader none")
	must(t, "kubectl", "label", "namespace", name+"-b", "ystack.dev/project-id-")
	d.wants(t, "warning: project "+name+"-two has no namespace in cluster lab")

	// A cluster that is gone fails by itself.
	d.must(t, "kubectl", "config", "set-cluster", "gone", "--server=https://127.0.0.1:1")
	d.must(t, "kubectl-ystack", "keystone-login", "--os-cloud=mine", "--project="+name+"-one", "--cluster=gone", "--context-name=gone/{project}")
	d.wants(t, name+"-a "+name+"-one member,reader admin")
	if out, err := d.command("kubectl-ystack", "my-namespaces").CombinedOutput(); err == nil || !strings.Contains(string(out), "context gone/"+name+"-one: cannot reach the API server https://127.0.0.1:1") {
		t.Errorf("%v: %s", err, out)
	}
}

// TestMyNamespacesUntold: what there is to see where the webhook does not tell namespaces.
func TestMyNamespacesUntold(t *testing.T) {
	needLab(t)
	d := newDesk(t, alicesAuth)
	project := strings.TrimSpace(d.must(t, "openstack", "--os-cloud=mine", "token", "issue", "-f", "value", "-c", "project_id"))
	w := startWebhook(t, labKeystone)
	asks := filepath.Join(d.dir, "webhook.kubeconfig")
	config := fmt.Sprintf("apiVersion: v1\nkind: Config\ncurrent-context: w\ncontexts: [{name: w, context: {cluster: w}}]\nclusters: [{name: w, cluster: {server: %q, certificate-authority: %q}}]\n",
		w.url, filepath.Join(os.Getenv("YSTACK_LAB"), "etc/pki/ca.crt"))
	if err := os.WriteFile(asks, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startAPIServer(t, "--authorization-mode=RBAC", "--authentication-token-webhook-config-file="+asks,
		"--authentication-token-webhook-version=v1", "--authentication-token-webhook-cache-ttl=1s")
	labNamespace(t, s.kubeconfig, "mine", project, "system:aggregate-to-edit") // nobody aggregates it to edit here
	labNamespace(t, s.kubeconfig, "others", "somebody", "")
	d.must(t, "kubectl", "config", "set-cluster", "private", "--server="+s.url, "--certificate-authority="+filepath.Join(s.dir, "ca.crt"))
	d.must(t, "kubectl-ystack", "keystone-login", "--os-cloud=mine", "--cluster=private")
	d.must(t, "kubectl-ystack", "keystone-login", "use", "team-a")

	d.wants(t, "warning: cluster private does not tell which namespaces are yours, and you may not list them: only the contexts' own were looked at;")
	d.must(t, "kubectl", "config", "set-context", "--current", "--namespace=mine")
	d.wants(t, "mine team-a member,reader edit private "+project+" keystone:alice mine/team-a *")
	if out, err := s.command("create", "clusterrole", "lister", "--verb=list", "--resource=namespaces").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if out, err := s.command("create", "clusterrolebinding", "listers", "--clusterrole=lister", "--group=system:authenticated").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	d.must(t, "kubectl", "config", "set-context", "--current", "--namespace=")
	d.wants(t, "mine team-a member,reader edit private "+project)
	if out := d.must(t, "kubectl-ystack", "my-namespaces", "--context=mine/team-a", "-o", "name"); out != "namespace/mine\n" {
		t.Errorf("those of others too: %q", out)
	}
}
