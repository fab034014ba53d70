package login

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// cluster is an API server that knows one user.
type cluster struct {
	who     string              // the answer to a SelfSubjectReview, or "" for 404
	list    []string            // namespaces that he may list; nil forbids it
	may     map[string][]string // verb and resource by namespace; "*" is all of them
	refused bool                // SelfSubjectAccessReviews are forbidden
}

func (c *cluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	fail := func(code int, reason string) {
		w.WriteHeader(code)
		fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"it is %s","reason":%q,"code":%d}`, reason, reason, code)
	}
	switch {
	case r.Header.Get("Authorization") != "Bearer good":
		fail(http.StatusUnauthorized, "Unauthorized")
	case strings.HasSuffix(r.URL.Path, "/selfsubjectreviews") && c.who != "":
		fmt.Fprintf(w, `{"kind":"SelfSubjectReview","apiVersion":"authentication.k8s.io/v1","status":{"userInfo":%s}}`, c.who)
	case strings.HasSuffix(r.URL.Path, "/selfsubjectaccessreviews") && !c.refused:
		var review struct {
			Spec struct {
				ResourceAttributes struct{ Namespace, Verb, Resource string }
			}
		}
		_ = json.NewDecoder(r.Body).Decode(&review)
		of, allowed := review.Spec.ResourceAttributes, false
		for _, ns := range []string{of.Namespace, "*"} {
			allowed = allowed || strings.Contains(strings.Join(c.may[ns], " "), of.Verb+" "+of.Resource)
		}
		fmt.Fprintf(w, `{"kind":"SelfSubjectAccessReview","apiVersion":"authorization.k8s.io/v1","status":{"allowed":%v}}`, allowed)
	case r.URL.Path == "/api/v1/namespaces" && c.list != nil:
		var items []string
		for _, name := range c.list {
			items = append(items, fmt.Sprintf(`{"metadata":{"name":%q}}`, name))
		}
		fmt.Fprintf(w, `{"kind":"PartialObjectMetadataList","items":[%s]}`, strings.Join(items, ","))
	case r.URL.Path == "/api/v1/namespaces" || c.refused:
		fail(http.StatusForbidden, "Forbidden")
	default:
		fail(http.StatusNotFound, "NotFound")
	}
}

const somebody = `{"username":"bob","groups":["devs","system:authenticated"]`

func keystoneUser(extra string) string {
	return `{"username":"keystone:alice","groups":["keystone:project:p1","keystone:project:p1:role:member","system:authenticated"],
		"extra":{"alpha.kubernetes.io/identity/project/id":["p1"],"alpha.kubernetes.io/identity/project/name":["web"],"alpha.kubernetes.io/identity/roles":["member","reader"]` + extra + `}}`
}

// TestMine: what is told, or else what may be listed, or else the context's own; by a context
// that is not of keystone-login.
func TestMine(t *testing.T) {
	edits := map[string][]string{"web": {"create pods", "list pods"}, "mine": {"list pods"}}
	for name, tc := range map[string]struct {
		cluster cluster
		want    []Mine
		warning string
		err     string
	}{
		"told": {
			cluster: cluster{who: keystoneUser(`,"ystack.dev/namespaces":["web","web-2"]`), may: edits},
			want: []Mine{
				{Namespace: "web", Project: "web", ProjectID: "p1", Roles: []string{"member", "reader"}, Access: EditAccess, User: "keystone:alice"},
				{Namespace: "web-2", Project: "web", ProjectID: "p1", Roles: []string{"member", "reader"}, Access: NoAccess, User: "keystone:alice"},
			},
		},
		"told that there is none": {
			cluster: cluster{who: keystoneUser(`,"ystack.dev/namespaces":[]`), list: []string{"mine"}, may: edits},
			warning: "project web has no namespace in cluster c",
		},
		"by groups alone": {
			cluster: cluster{who: `{"username":"x","groups":["cloud1:project:p2:role:a:b","cloud1:project:p2"],"extra":{"ystack.dev/namespaces":["web"]}}`, may: edits},
			want:    []Mine{{Namespace: "web", ProjectID: "p2", Roles: []string{"a:b"}, Access: EditAccess, User: "x"}},
		},
		"lists": {
			cluster: cluster{who: somebody + "}", list: []string{"others", "mine", "web"}, may: edits},
			want: []Mine{
				{Namespace: "mine", Access: ViewAccess, User: "bob", Current: true},
				{Namespace: "web", Access: EditAccess, User: "bob"},
			},
		},
		"administrator": {
			cluster: cluster{who: somebody + "}", list: []string{"a", "b"}, may: map[string][]string{"*": {"create rolebindings"}}},
			want:    []Mine{{Namespace: "a", Access: AdminAccess, User: "bob"}, {Namespace: "b", Access: AdminAccess, User: "bob"}},
		},
		"neither": {
			cluster: cluster{who: somebody + "}", may: edits},
			want:    []Mine{{Namespace: "mine", Access: ViewAccess, User: "bob", Current: true}},
			warning: "cluster c does not tell which namespaces are yours, and you may not list them: only the contexts' own were looked at; its auth-webhook tells them",
		},
		"nothing":        {cluster: cluster{who: somebody + "}"}, warning: "does not tell"},
		"old cluster":    {cluster: cluster{list: []string{"mine"}, may: edits}, want: []Mine{{Namespace: "mine", Access: ViewAccess, Current: true}}},
		"may ask naught": {cluster: cluster{who: somebody + "}", list: []string{"mine"}, refused: true}, err: "context c: the API server refuses"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewTLSServer(&tc.cluster)
			t.Cleanup(server.Close)
			s, warnings := testService(t, map[string]string{}), ""
			s.Warn = func(format string, args ...any) { warnings += fmt.Sprintf(format, args...) + "\n" }
			writeFile(t, s.Dir, "kubeconfig", fmt.Sprintf("apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: c, user: u, namespace: mine}}]\nclusters: [{name: c, cluster: {server: %q, insecure-skip-tls-verify: true}}]\nusers: [{name: u, user: {token: good}}]\n", server.URL))
			for i := range tc.want {
				tc.want[i].Context, tc.want[i].Cluster = "c", "c"
			}
			got, err := s.Mine(t.Context(), MineInput{Kubeconfig: s.kubeconfig()})
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Errorf("%v, want %s", err, tc.err)
			}
			if (warnings == "") != (tc.warning == "") || !strings.Contains(warnings, tc.warning) {
				t.Errorf("warnings %q, want %q", warnings, tc.warning)
			}
		})
	}
}

// TestMineErrors: a kubeconfig that cannot be asked, and contexts that fail by themselves.
func TestMineErrors(t *testing.T) {
	server := httptest.NewTLSServer(&cluster{who: keystoneUser(`,"ystack.dev/namespaces":["web"]`), may: map[string][]string{"web": {"list pods"}}})
	t.Cleanup(server.Close)
	s, warnings := testService(t, map[string]string{}), ""
	s.Warn = func(format string, args ...any) { warnings += fmt.Sprintf(format, args...) + "\n" }
	write := func(current string) {
		writeFile(t, s.Dir, "kubeconfig", fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: %q
contexts:
- {name: c, context: {cluster: c, user: u}}
- {name: dead, context: {cluster: dead, user: u}}
- {name: refused, context: {cluster: c, user: other}}
- {name: ours, context: {cluster: c, user: ours}}
- {name: nowhere, context: {cluster: nowhere, user: ours}}
clusters: [{name: c, cluster: {server: %q, insecure-skip-tls-verify: true}}, {name: dead, cluster: {server: "http://127.0.0.1:1"}}]
users:
- {name: u, user: {token: good}}
- {name: other, user: {token: bad}}
- {name: ours, user: {exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: kubectl-ystack, args: [keystone-token, --os-auth-url=http://127.0.0.1:1/v3, --os-auth-type=password, --os-username=x]}}}
`, current, server.URL))
	}
	write("c")
	got, err := s.Mine(t.Context(), MineInput{Kubeconfig: s.kubeconfig()})
	mustFail(t, err, ErrIncomplete, "2 of 3 could not be asked")
	if len(got) != 1 || got[0].Namespace != "web" || got[0].Current {
		t.Errorf("%+v", got)
	}
	for _, want := range []string{"context nowhere: ", "context ours: no user_domain_name and no password for x"} {
		if !strings.Contains(warnings, want) {
			t.Errorf("warnings lack %q: %s", want, warnings)
		}
	}
	for name, want := range map[string]string{
		"dead": "context dead: cannot reach the API server", "refused": "does not accept your credentials", "none": `has no context "none"`,
	} {
		if got, err := s.Mine(t.Context(), MineInput{Kubeconfig: s.kubeconfig(), Context: name}); err == nil || !strings.Contains(err.Error(), want) || len(got) > 0 {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if got, err := s.Mine(t.Context(), MineInput{Kubeconfig: s.kubeconfig(), Context: "c"}); err != nil || len(got) != 1 {
		t.Errorf("%v, %v", got, err)
	}
	writeFile(t, s.Dir, "kubeconfig", "apiVersion: v1\nkind: Config\n")
	_, err = s.Mine(t.Context(), MineInput{Kubeconfig: s.kubeconfig()})
	mustFail(t, err, ErrNotOurs, filepath.Join(s.Dir, "kubeconfig")+" has no current context and none of keystone-login")
}
