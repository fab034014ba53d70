//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/ystackdev/ystack/pkg/keystone"
)

// crowd is two domains of the lab's Keystone that a test fills. All goes with it.
type crowd struct {
	*testing.T
	session *keystone.Session
	tag     string            // in every name
	roles   map[string]string // ids by name
}

func newCrowd(t *testing.T) *crowd {
	t.Helper()
	needLab(t)
	c := &crowd{T: t, session: sessionOf(t, map[string]string{
		"OS_CLOUD": "lab", "OS_CLIENT_CONFIG_FILE": os.Getenv("YSTACK_LAB") + "/etc/clouds.yaml",
	}), tag: random(), roles: map[string]string{}}
	var list struct{ Roles []struct{ ID, Name string } }
	c.call(http.MethodGet, "/roles", nil, &list)
	for _, r := range list.Roles {
		c.roles[r.Name] = r.ID
	}
	return c
}

func sessionOf(t testing.TB, env map[string]string) *keystone.Session {
	t.Helper()
	config, err := keystone.Load(keystone.LoadOptions{Dir: t.TempDir(), ConfigDirs: []string{}, Getenv: func(name string) string { return env[name] }})
	if err != nil {
		t.Fatal(err)
	}
	client, err := keystone.NewClient(config, "ystack-test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return keystone.NewSession(client, config)
}

func (c *crowd) call(method, path string, in, out any) {
	c.Helper()
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			c.Fatal(err)
		}
	}
	request, err := c.session.Request(context.Background(), method, "identity", "/v3"+path, bytes.NewReader(body))
	if err != nil {
		c.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := c.session.Do(request)
	if err != nil {
		c.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && out != nil {
		err = json.Unmarshal(answer, out)
	}
	if err != nil || response.StatusCode >= http.StatusBadRequest {
		c.Fatalf("%s %s: %s: %s: %v", method, path, response.Status, answer, err)
	}
}

// make makes a domain, project, user or group, and returns its id.
func (c *crowd) make(kind string, attributes map[string]any) string {
	c.Helper()
	var out map[string]struct{ ID string }
	c.call(http.MethodPost, "/"+kind+"s", map[string]any{kind: attributes}, &out)
	id := out[kind].ID
	if kind == "domain" { // takes all that is in it along
		c.Cleanup(func() {
			c.call(http.MethodPatch, "/domains/"+id, map[string]any{"domain": map[string]any{"enabled": false}}, nil)
			c.call(http.MethodDelete, "/domains/"+id, nil, nil)
		})
	}
	return id
}

// grant gives a role: on is "projects/ID" or "domains/ID", to "users/ID" or "groups/ID".
func (c *crowd) grant(on, to, role string, inherited bool) {
	c.Helper()
	path := "/" + on + "/" + to + "/roles/" + c.roles[role]
	if inherited {
		path = "/OS-INHERIT" + path + "/inherited_to_projects"
	}
	c.call(http.MethodPut, path, nil, nil)
}

func (c *crowd) user(domain, name string, enabled bool) string {
	return c.make("user", map[string]any{"name": name, "domain_id": domain, "password": "secret-of-" + name, "enabled": enabled})
}

// token is a user's, for a project.
func (c *crowd) token(user, name, project string) (*keystone.Token, error) {
	return sessionOf(c.T, map[string]string{
		"OS_AUTH_URL": labKeystone + "/v3", "OS_USER_ID": user, "OS_PASSWORD": "secret-of-" + name, "OS_PROJECT_ID": project,
	}).Token(c.Context())
}

// TestTenantCrowd: forty projects in two domains, with names that clash or cannot be; groups, nesting,
// inheritance, a disabled user; then one project is renamed and one deleted. Each namespace is one project's, and
// each token is good for what its roles are worth in its own.
func TestTenantCrowd(t *testing.T) {
	k := newCrowd(t)
	one, two := k.make("domain", map[string]any{"name": "one-" + k.tag}), k.make("domain", map[string]any{"name": "two-" + k.tag})
	ids := map[string]string{}
	project := func(domain, parent, name string) {
		attributes := map[string]any{"name": name, "domain_id": domain}
		if parent != "" {
			attributes["parent_id"] = ids[parent]
		}
		ids[domain+"/"+name] = k.make("project", attributes)
	}
	odd := []string{"web-" + k.tag, "WEB-" + k.tag, "Web_" + k.tag, "kube-system", "default", "開発チーム", "花子 " + k.tag, strings.Repeat("x", 58) + k.tag[:6], "-", "shop-" + k.tag}
	for _, domain := range []string{one, two} {
		for _, name := range odd {
			project(domain, "", name)
		}
		for i := range 10 {
			parent := domain + "/shop-" + k.tag
			if i > 4 {
				parent = fmt.Sprintf("%s/branch-%d-%s", domain, i-5, k.tag)
			}
			project(domain, parent, fmt.Sprintf("branch-%d-%s", i, k.tag))
		}
	}
	at := func(domain, name string) string { return ids[domain+"/"+name] }
	ann, ben, zoe := k.user(one, "ann", true), k.user(two, "ben", true), k.user(one, "zoe", false)
	group := k.make("group", map[string]any{"name": "keepers", "domain_id": two})
	k.call(http.MethodPut, "/groups/"+group+"/users/"+ben, nil, nil)
	k.grant("domains/"+one, "users/"+ann, "reader", true)
	k.grant("projects/"+at(one, "web-"+k.tag), "users/"+ann, "member", false)
	k.grant("projects/"+at(two, "shop-"+k.tag), "groups/"+group, "manager", true)
	k.grant("projects/"+at(two, "開発チーム"), "groups/"+group, "member", false)
	k.grant("projects/"+at(two, "kube-system"), "users/"+ann, "deployer", false)
	k.grant("projects/"+at(one, "default"), "users/"+zoe, "member", false)

	c := newTenants(t, fmt.Sprintf("projects: {domains: [%s, %s]}, caps: {share: 100%%}", one, two))
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
	k.call(http.MethodPatch, "/projects/"+at(one, "web-"+k.tag), map[string]any{"project": map[string]any{"name": "renamed-" + k.tag}}, nil)
	gone := at(two, "branch-9-"+k.tag)
	k.call(http.MethodDelete, "/projects/"+gone, nil, nil)
	c.mustFinish(t)
	after := namespacesOf(t, c.name)
	if after[at(one, "web-"+k.tag)] != homes[at(one, "web-"+k.tag)] {
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
	for _, who := range []struct{ user, name, project string }{
		{ann, "ann", at(one, "web-"+k.tag)},
		{ann, "ann", at(one, "開発チーム")},
		{ann, "ann", at(two, "kube-system")},
		{ben, "ben", at(two, "branch-7-"+k.tag)},
		{ben, "ben", at(two, "開発チーム")},
	} {
		token, err := k.token(who.user, who.name, who.project)
		if err != nil {
			t.Fatal(err)
		}
		a.check(t, who.name, token, clientOf(t, token.ID.Reveal()), a.expected(token))
	}
	if _, err := k.token(zoe, "zoe", at(one, "default")); err == nil {
		t.Error("a disabled user has got a token")
	}
	t.Logf("%d questions, %d allowed", a.asked.Load(), a.allowed.Load())
}
