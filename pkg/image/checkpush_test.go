package image

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
)

func TestCheckPush(t *testing.T) {
	accepts := httptest.NewServer(registry.New())
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`{"errors":[{"code":"DENIED","message":"read only"}]}`))
		}
	}))
	gone := httptest.NewServer(nil)
	gone.Close()
	t.Cleanup(func() { accepts.Close(); refuses.Close() })
	for name, tc := range map[string]struct {
		url  string
		want error
	}{
		"accepted":    {accepts.URL, nil},
		"refused":     {refuses.URL, ErrUnauthorized},
		"unreachable": {gone.URL, ErrUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			c := &Client{}
			ref := strings.TrimPrefix(tc.url, "http://") + "/apps/hello:v1"
			if err := c.CheckPush(t.Context(), ref); !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
}
