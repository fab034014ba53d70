package tenancy

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/ystackdev/ystack/pkg/keystone"
)

// labConfig is the administrator of the lab's Keystone. Without the lab a test is
// skipped, but not where CI promises one.
func labConfig(t testing.TB, cloud string) *keystone.Config {
	t.Helper()
	file := os.Getenv("OS_CLIENT_CONFIG_FILE")
	if file == "" || os.Getenv("YSTACK_LAB") == "" {
		if os.Getenv("CI") != "" {
			t.Fatal(`no lab: run it up and eval "$(lab env)"`)
		}
		t.Skip(`needs the lab: eval "$(lab env)"`)
	}
	cfg, err := keystone.Load(keystone.LoadOptions{Cloud: cloud, Dir: t.TempDir(), ConfigDirs: []string{}, Getenv: func(name string) string {
		if name == "OS_CLIENT_CONFIG_FILE" {
			return file
		}
		return ""
	}})
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func session(t testing.TB, cfg *keystone.Config) *keystone.Session {
	t.Helper()
	client, err := keystone.NewClient(cfg, "ystack-test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return keystone.NewSession(client, cfg)
}

type attributes = map[string]any

const password = "secret-of-a-test"

// admin changes Keystone, and takes back what it made.
type admin struct {
	t      *testing.T
	s      *keystone.Session
	prefix string // of all names
}

func newAdmin(t *testing.T) *admin {
	return &admin{t, session(t, labConfig(t, "lab")), "tenancy-" + strings.ToLower(rand.Text()[:6]) + "-"}
}

// do sends a request and returns what is at key in the answer.
func (a *admin) do(ctx context.Context, method, path string, body any, key string) (map[string]any, int) {
	a.t.Helper()
	var data []byte
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			a.t.Fatal(err)
		}
	}
	request, err := a.s.Request(ctx, method, "identity", "/v3"+path, bytes.NewReader(data))
	if err != nil {
		a.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := a.s.Do(request)
	if err != nil {
		a.t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	var out map[string]map[string]any
	if key != "" {
		if err := json.Unmarshal(answer, &out); err != nil || response.StatusCode/100 != 2 {
			a.t.Fatalf("%s %s: %s: %s", method, path, response.Status, answer)
		}
	}
	return out[key], response.StatusCode
}

// make makes a thing and returns its id. It goes after the test.
func (a *admin) make(one, many string, attributes map[string]any) string {
	a.t.Helper()
	attributes["name"] = a.prefix + attributes["name"].(string)
	id := a.do1(http.MethodPost, "/"+many, map[string]any{one: attributes}, one)["id"].(string)
	a.t.Cleanup(func() {
		if one == "domain" {
			a.must(http.MethodPatch, "/domains/"+id, map[string]any{"domain": map[string]any{"enabled": false}})
		}
		a.do(context.Background(), http.MethodDelete, "/"+many+"/"+id, nil, "")
	})
	return id
}

func (a *admin) do1(method, path string, body any, key string) map[string]any {
	a.t.Helper()
	m, _ := a.do(context.Background(), method, path, body, key)
	return m
}

func (a *admin) must(method, path string, body any) {
	a.t.Helper()
	if _, status := a.do(context.Background(), method, path, body, ""); status/100 != 2 {
		a.t.Fatalf("%s %s: HTTP %d", method, path, status)
	}
}

// assign gives a role. It goes with what it stands on, except on the system.
func (a *admin) assign(given Assignment) {
	a.t.Helper()
	path := strings.TrimPrefix(given.question().path, "/v3")
	a.must(http.MethodPut, path, nil)
	if given.Scope.System {
		a.t.Cleanup(func() { a.do(context.Background(), http.MethodDelete, path, nil, "") })
	}
}
