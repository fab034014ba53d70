package tenancy

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ystackdev/ystack/pkg/kube"
)

// TestLabHiddenSecrets: an account that may not see old copies any more, or a namespace
// that says it has some of any name, holds up nothing.
func TestLabHiddenSecrets(t *testing.T) {
	s := newStage(t)
	s.a.assign(Assignment{UserID: s.alice, RoleID: s.role["reader"], Scope: Scope{ProjectID: s.project("web")}})
	s.sync()
	patch := fmt.Sprintf(`{"metadata":{"annotations":{%q:"regcred"}}}`, annotationSecrets)
	home := (&applier{client: s.Client}).at(Object{Kind: "Namespace"})
	if _, err := home.Patch(t.Context(), s.a.prefix+"web", types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	cluster, err := Observe(t.Context(), withoutSecrets(t, s.Server), s.config)
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewPlan(s.config, s.read(), cluster, time.Now(), PlanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Conflicts) != 1 || !strings.HasPrefix(p.Conflicts[0], "Secret regcred was copied") {
		t.Errorf("conflicts %q", p.Conflicts)
	}
}

// withoutSecrets is a client of an account that may not list Secrets.
func withoutSecrets(t *testing.T, server string) *kube.Client {
	t.Helper()
	target, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v1/secrets" {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"secrets is forbidden","reason":"Forbidden","code":403}`)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	file := filepath.Join(t.TempDir(), "kc")
	text := "apiVersion: v1\nkind: Config\nclusters: [{name: x, cluster: {server: '" + front.URL + "'}}]\ncontexts: [{name: x, context: {cluster: x, user: x}}]\nusers: [{name: x, user: {}}]\ncurrent-context: x\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	client, err := kube.Load(&clientcmd.ClientConfigLoadingRules{ExplicitPath: file}, &clientcmd.ConfigOverrides{}, "ystack-test")
	if err != nil {
		t.Fatal(err)
	}
	return client
}
