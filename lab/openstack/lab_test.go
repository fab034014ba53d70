package openstack

import (
	"context"
	"errors"
	"net/http"
	"os"
	"testing"
	"time"

	"sigs.k8s.io/yaml"
)

// keystone is the lab's, as clouds.yaml has it.
func keystone(t *testing.T) *Client {
	t.Helper()
	data, err := os.ReadFile(os.Getenv("OS_CLIENT_CONFIG_FILE"))
	var file struct {
		Clouds map[string]struct{ Auth map[string]any }
	}
	url := ""
	if err == nil && yaml.Unmarshal(data, &file) == nil {
		url, _ = file.Clouds["lab"].Auth["auth_url"].(string)
	}
	if request, _ := http.NewRequest(http.MethodGet, url, nil); request == nil || !answers(request) {
		if os.Getenv("CI") != "" {
			t.Fatal("the lab's Keystone does not answer: go run ./lab up openstack")
		}
		t.Skip(`the lab's Keystone does not answer: go run ./lab up openstack; eval "$(go run ./lab env)"`)
	}
	return &Client{URL: url, Via: http.DefaultTransport}
}

func answers(request *http.Request) bool {
	client := &http.Client{Timeout: 5 * time.Second}
	response, err := client.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// Everybody who should can log in with the password alone, and nobody else.
func TestWhoCanLogIn(t *testing.T) {
	c := keystone(t)
	for _, u := range People().Users {
		_, _, err := c.login(t.Context(), u.Ref, u.Password, Ref{})
		refused := u.Disabled || u.Locked || u.Expired || len(u.Rules) > 0
		if refused != errors.Is(err, errUnauthorized) || (!refused && err != nil) {
			t.Errorf("%s of %s: %v", u.Name, u.Domain, err)
		}
	}
}

// What is there is left alone.
func TestSeedAgain(t *testing.T) {
	c := keystone(t)
	via := &counter{methods: map[string]int{}}
	again := &Client{URL: c.URL, Via: via}
	if err := again.Seed(t.Context(), People(), func(context.Context, string) error { via.methods["expire"]++; return nil }); err != nil {
		t.Fatal(err)
	}
	const logins = 2 // of the administrator, and of the one who is locked
	if via.methods["POST"] != logins || via.methods["PUT"]+via.methods["PATCH"]+via.methods["DELETE"]+via.methods["expire"] > 0 {
		t.Errorf("requests: %v", via.methods)
	}
	if _, token, err := c.admin(t.Context()); err != nil || !token.has("identity", c.URL) {
		t.Errorf("Keystone is not in its own catalogue: %v", err)
	}
}

type counter struct{ methods map[string]int }

func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	c.methods[r.Method]++
	return http.DefaultTransport.RoundTrip(r)
}
