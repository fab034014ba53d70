package keystone

import (
	"errors"
	"net/http"
	"testing"
	"time"
)

func TestJoin(t *testing.T) {
	for _, test := range []struct{ endpoint, path, want string }{
		{"http://glance", "/v2/images", "http://glance/v2/images"},
		{"http://glance/", "v2/images", "http://glance/v2/images"},
		{"http://glance/v2", "/v2/images", "http://glance/v2/images"},
		{"http://cloud/image/v2/", "/v2/images?limit=1", "http://cloud/image/v2/images?limit=1"},
		{"http://cloud/identity/v2.0", "/v3/users", "http://cloud/identity/v3/users"},
		{"http://cinder/v3/p1", "/volumes", "http://cinder/v3/p1/volumes"},
		{"http://v2", "/v2/images", "http://v2/v2/images"},
		{"http://nova/v2.1", "/servers", "http://nova/v2.1/servers"},
	} {
		if got := join(test.endpoint, test.path); got != test.want {
			t.Errorf("%s and %s: got %s, want %s", test.endpoint, test.path, got, test.want)
		}
	}
}

// TestEndpoint: which address a catalogue and a configuration lead to.
func TestEndpoint(t *testing.T) {
	t.Parallel()
	catalog := []Service{
		{Type: "image", Endpoints: []Endpoint{
			{Interface: "public", Region: "One", RegionID: "One", URL: "http://one/v2"},
			{Interface: "admin", Region: "One", URL: "http://one.admin"},
			{Interface: "public", Region: "Two", URL: "http://two"},
		}},
		{Type: "volumev3", Endpoints: []Endpoint{{Interface: "public", Region: "One", URL: "http://volumes/v3/p1"}}},
		{Type: "odd", Endpoints: []Endpoint{{Interface: "public", Region: "One", URL: "odd"}}},
	}
	tests := []struct {
		name, service, region, from string
		overrides                   map[string]string
		catalog                     []Service
		want                        string // or part of the error
	}{
		{"any region", "image", "", "public", nil, catalog, "http://one/v2"},
		{"a region", "image", "Two", "public", nil, catalog, "http://two"},
		{"an interface", "image", "One", "admin", nil, catalog, "http://one.admin"},
		{"a name of old", "block-storage", "One", "public", nil, catalog, "http://volumes/v3/p1"},
		{"override", "image", "Nowhere", "public", map[string]string{"image": "http://mine"}, nil, "http://mine"},
		{"override of old", "block-storage", "", "public", map[string]string{"volumev3": "http://mine"}, nil, "http://mine"},
		{"no such region", "image", "Three", "public", nil, catalog, `service image is not in region "Three" (region_name from OS_REGION_NAME); it is in One, Two`},
		{"no such interface", "image", "One", "internal", nil, catalog, `service image has no internal endpoint in region "One"; it has admin, public`},
		{"not there in the region", "image", "Two", "admin", nil, catalog, `has no admin endpoint in region "Two"; it has public`},
		{"no such service", "imag", "", "public", nil, catalog, `there is no service of type imag; it has image, odd, volumev3; did you mean "image"?`},
		{"no catalogue", "image", "", "public", nil, nil, "OS_PROJECT_NAME"},
		{"no URL", "odd", "", "public", nil, catalog, "is no http or https URL"},
		{"override with a password", "image", "", "public", map[string]string{"image": "http://u:" + canary + "@mine"}, nil, "holds a password"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := testConfig("http://keystone/v3")
			cfg.Region, cfg.Interface, cfg.Endpoints = test.region, test.from, test.overrides
			cfg.Origin = map[string]string{"region_name": "OS_REGION_NAME"}
			session := NewSession(testClient(t, cfg), cfg)
			session.record(attempt{1, &Token{ID: canary, Catalog: test.catalog, Expires: time.Now().Add(time.Hour)}, nil})
			got, err := session.Endpoint(t.Context(), test.service)
			if err == nil {
				if got != test.want {
					t.Errorf("got %s, want %s", got, test.want)
				}
				return
			}
			checkError(t, err, ErrNoEndpoint, test.want)
			if _, err := session.Request(t.Context(), http.MethodGet, test.service, "/", nil); !errors.Is(err, ErrNoEndpoint) {
				t.Errorf("got %v", err)
			}
		})
	}
}
