//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/ystackdev/ystack/pkg/keystone"
)

// allow gives a role: on is "projects/ID" or "domains/ID", to "users/ID" or "groups/ID".
func (r *realm) allow(on, to, role string, inherited bool) {
	r.t.Helper()
	path := "/" + on + "/" + to + "/roles/" + r.role[role]
	if inherited {
		path = "/OS-INHERIT" + path + "/inherited_to_projects"
	}
	r.do(http.MethodPut, path, nil)
}

// TestTenantCrowd: forty projects in two domains, with names that clash or cannot be; groups, nesting,
// inheritance, a disabled user; then one project is renamed and one deleted. Each namespace is one project's, and
// each token is good for what its roles are worth in its own.
func TestTenantCrowd(t *testing.T) {
	one, two, tag := newRealm(t), newRealm(t), random()
	ids := map[string]string{}
	at := func(r *realm, name string) string { return ids[r.id+"/"+name] }
	project := func(r *realm, parent, name string) {
		attributes := map[string]any{"name": name, "domain_id": r.id}
		if parent != "" {
			attributes["parent_id"] = at(r, parent)
		}
		ids[r.id+"/"+name] = r.make("project", attributes)
	}
	odd := []string{"web-" + tag, "WEB-" + tag, "Web_" + tag, "kube-system", "default", "開発チーム", "花子 " + tag, strings.Repeat("x", 58) + tag[:6], "-", "shop-" + tag}
	for _, r := range []*realm{one, two} {
		for _, name := range odd {
			project(r, "", name)
		}
		for i := range 10 {
			parent := "shop-" + tag
			if i > 4 {
				parent = fmt.Sprintf("branch-%d-%s", i-5, tag)
			}
			project(r, parent, fmt.Sprintf("branch-%d-%s", i, tag))
		}
	}
	ann, ben, zoe := one.user("ann", "secret-of-ann"), two.user("ben", "secret-of-ben"), one.user("zoe", "secret-of-zoe")
	one.do(http.MethodPatch, "/users/"+zoe, map[string]any{"user": map[string]any{"enabled": false}})
	group := two.make("group", map[string]any{"name": "keepers", "domain_id": two.id})
	two.do(http.MethodPut, "/groups/"+group+"/users/"+ben, nil)
	one.allow("domains/"+one.id, "users/"+ann, "reader", true)
	one.allow("projects/"+at(one, "web-"+tag), "users/"+ann, "member", false)
	one.allow("projects/"+at(two, "shop-"+tag), "groups/"+group, "manager", true)
	one.allow("projects/"+at(two, "開発チーム"), "groups/"+group, "member", false)
	one.allow("projects/"+at(two, "kube-system"), "users/"+ann, "deployer", false)
	one.allow("projects/"+at(one, "default"), "users/"+zoe, "member", false)

	c := newTenants(t, fmt.Sprintf("projects: {domains: [%s, %s]}, caps: {share: 100%%}", one.id, two.id))
	text, err := os.ReadFile(c.file)
	if err != nil {
		t.Fatal(err)
	}
	// The names as they are: that of kube-system, too.
	if err := os.WriteFile(c.file, []byte(strings.Replace(string(text), c.name+"-{{", "{{", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	c.mustFinish(t)
	homes := namespacesOf(t, c.name)
	if len(homes) != len(ids) || len(ids) != 40 {
		t.Fatalf("%d projects have %d namespaces: %v", len(ids), len(homes), homes)
	}
	one.do(http.MethodPatch, "/projects/"+at(one, "web-"+tag), map[string]any{"project": map[string]any{"name": "renamed-" + tag}})
	gone := at(two, "branch-9-"+tag)
	two.do(http.MethodDelete, "/projects/"+gone, nil)
	c.mustFinish(t)
	after := namespacesOf(t, c.name)
	if after[at(one, "web-"+tag)] != homes[at(one, "web-"+tag)] {
		t.Error("a project that was renamed has another namespace")
	}
	out, err := exec.Command("kubectl", "get", "namespace", homes[gone], "-o", `jsonpath={.metadata.labels.ystack\.dev/quarantined}`).Output()
	if err != nil || len(out) == 0 {
		t.Errorf("a deleted project's namespace is not in quarantine: %v", err)
	}
	if out, err := exec.Command("kubectl", "-n", homes[gone], "get", "rolebindings", "-o", "name").Output(); err != nil || len(out) > 0 {
		t.Errorf("and it still has %s, %v", out, err)
	}

	a := newAccess(t, os.Getenv("KUBECONFIG"), c.name)
	login := func(user, name, project string) (*keystone.Token, error) {
		return one.log(map[string]string{
			"OS_AUTH_URL": labKeystone + "/v3", "OS_USER_ID": user, "OS_PASSWORD": "secret-of-" + name, "OS_PROJECT_ID": project,
		}).Token(t.Context())
	}
	for _, who := range []struct{ user, name, project string }{
		{ann, "ann", at(one, "web-"+tag)},
		{ann, "ann", at(one, "開発チーム")},
		{ann, "ann", at(two, "kube-system")},
		{ben, "ben", at(two, "branch-7-"+tag)},
		{ben, "ben", at(two, "開発チーム")},
	} {
		token, err := login(who.user, who.name, who.project)
		if err != nil {
			t.Fatal(err)
		}
		a.check(t, who.name, token, clientOf(t, token.ID.Reveal()), a.expected(token))
	}
	if _, err := login(zoe, "zoe", at(one, "default")); err == nil {
		t.Error("a disabled user has got a token")
	}
	t.Logf("%d questions, %d allowed", a.asked.Load(), a.allowed.Load())
}
