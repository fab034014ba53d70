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
	"path/filepath"
	"testing"

	"github.com/ystackdev/ystack/pkg/keystone"
)

// realm is a domain of the lab's Keystone that a test has for itself.
type realm struct {
	t       *testing.T
	session *keystone.Session
	id      string
	role    map[string]string // ids of Keystone's usual roles
}

func newRealm(t *testing.T) *realm {
	t.Helper()
	needLab(t)
	r := &realm{t: t, role: map[string]string{}}
	r.session = r.log(map[string]string{"OS_CLOUD": "lab", "OS_CLIENT_CONFIG_FILE": filepath.Join(os.Getenv("YSTACK_LAB"), "etc", "clouds.yaml")})
	r.id = r.make("domain", map[string]any{"name": "e2e-" + random()})
	t.Cleanup(func() {
		r.do(http.MethodPatch, "/domains/"+r.id, map[string]any{"domain": map[string]any{"enabled": false}})
		r.do(http.MethodDelete, "/domains/"+r.id, nil)
	})
	var all struct{ Roles []struct{ ID, Name string } }
	if err := json.Unmarshal(r.do(http.MethodGet, "/roles", nil), &all); err != nil {
		t.Fatal(err)
	}
	for _, x := range all.Roles {
		r.role[x.Name] = x.ID
	}
	return r
}

// log is a session of whom the environment says.
func (r *realm) log(environ map[string]string) *keystone.Session {
	r.t.Helper()
	config, err := keystone.Load(keystone.LoadOptions{Dir: r.t.TempDir(), ConfigDirs: []string{}, Getenv: func(name string) string { return environ[name] }})
	if err != nil {
		r.t.Fatal(err)
	}
	client, err := keystone.NewClient(config, "ystack/e2e")
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(client.Close)
	return keystone.NewSession(client, config)
}

func (r *realm) do(method, path string, body any) []byte {
	r.t.Helper()
	var data []byte
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			r.t.Fatal(err)
		}
	}
	request, err := r.session.Request(context.Background(), method, "identity", "/v3"+path, bytes.NewReader(data))
	if err != nil {
		r.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := r.session.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode/100 != 2 {
		r.t.Fatalf("%s %s: %s: %s, %v", method, path, response.Status, answer, err)
	}
	return answer
}

func (r *realm) make(kind string, attributes map[string]any) string {
	r.t.Helper()
	var made map[string]struct{ ID string }
	if err := json.Unmarshal(r.do(http.MethodPost, "/"+kind+"s", map[string]any{kind: attributes}), &made); err != nil || made[kind].ID == "" {
		r.t.Fatal(err)
	}
	return made[kind].ID
}

func (r *realm) project(name string) string {
	r.t.Helper()
	return r.make("project", map[string]any{"name": name, "domain_id": r.id})
}

func (r *realm) user(name, password string) string {
	r.t.Helper()
	return r.make("user", map[string]any{"name": name, "domain_id": r.id, "password": password})
}

func (r *realm) grant(project, user, role string) { r.assignment(http.MethodPut, project, user, role) }

func (r *realm) revoke(project, user, role string) {
	r.assignment(http.MethodDelete, project, user, role)
}

func (r *realm) assignment(method, project, user, role string) {
	r.t.Helper()
	r.do(method, fmt.Sprintf("/projects/%s/users/%s/roles/%s", project, user, r.role[role]), nil)
}

// token is a user's for a project.
func (r *realm) token(user, password, project string) string {
	r.t.Helper()
	token, err := r.log(map[string]string{
		"OS_AUTH_URL": labKeystone + "/v3", "OS_USER_ID": user, "OS_PASSWORD": password, "OS_PROJECT_ID": project,
	}).Token(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return token.ID.Reveal()
}
