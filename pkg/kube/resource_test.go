package kube

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/clientcmd"
)

const discovery = `{"kind":"APIGroupDiscoveryList","apiVersion":"apidiscovery.k8s.io/v2","items":[
{"metadata":{"name":"cert-manager.io"},"versions":[{"version":"v1","resources":[
 {"resource":"certificates","responseKind":{"group":"cert-manager.io","version":"v1","kind":"Certificate"},"scope":"Namespaced"},
 {"resource":"clusterissuers","responseKind":{"group":"cert-manager.io","version":"v1","kind":"ClusterIssuer"},"scope":"Cluster"}]}]}]}`

func TestResource(t *testing.T) {
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests++
		if !strings.Contains(r.Header.Get("Accept"), "as=APIGroupDiscoveryList") || r.URL.Path != "/apis" {
			t.Errorf("%s, Accept %s", r.URL, r.Header.Get("Accept"))
		}
		_, _ = w.Write([]byte(discovery))
	}))
	t.Cleanup(server.Close)
	client, err := load(kubeconfig(t, server.URL, "", token()), clientcmd.ConfigOverrides{})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		kind       schema.GroupVersionKind
		resource   string
		namespaced bool
	}{
		{schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}, "deployments", true},
		{schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}, "namespaces", false},
		{schema.GroupVersionKind{Group: "cert-manager.io", Version: "v1", Kind: "Certificate"}, "certificates", true},
		{schema.GroupVersionKind{Group: "cert-manager.io", Version: "v1", Kind: "ClusterIssuer"}, "clusterissuers", false},
	}
	for _, test := range tests {
		r, err := client.Resource(t.Context(), test.kind)
		if err != nil || r.Resource != test.resource || r.Namespaced != test.namespaced || r.Group != test.kind.Group {
			t.Errorf("%s: %v, %v", test.kind, r, err)
		}
	}
	if requests != 1 {
		t.Errorf("%d requests, want one", requests)
	}
	_, err = client.Resource(t.Context(), schema.GroupVersionKind{Group: "apps", Version: "v1beta1", Kind: "Deployment"})
	if !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "apps/v1beta1") {
		t.Errorf("got %v", err)
	}
}

func FuzzParseDiscovery(f *testing.F) {
	f.Add([]byte(discovery))
	f.Fuzz(func(t *testing.T, body []byte) { _, _ = parseDiscovery(body) })
}
