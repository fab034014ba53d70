package abac

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	upstream "k8s.io/kubernetes/pkg/auth/authorizer/abac"

	"github.com/ystackdev/ystack/pkg/tenancy/abac"
)

// both reads the same file with both readers. It is an error that only one refuses it, or
// that they understand a line differently.
func both(t testing.TB, data []byte) (*abac.Policy, upstream.PolicyList, bool) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "policy.jsonl")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	theirs, refused := upstream.NewFromFile(path)
	ours, err := abac.Parse("policy", data)
	if (err == nil) != (refused == nil) {
		t.Fatalf("%q: we say %v, the API server says %v", data, err, refused)
	}
	if err != nil {
		return nil, nil, false
	}
	if len(ours.Rules) != len(theirs) {
		t.Fatalf("%q: %d rules, the API server has %d", data, len(ours.Rules), len(theirs))
	}
	for i, r := range ours.Rules {
		s := theirs[i].Spec
		r.Line = 0
		if want := (abac.Rule{User: s.User, Group: s.Group, Namespace: s.Namespace, APIGroup: s.APIGroup, Resource: s.Resource, NonResourcePath: s.NonResourcePath, Readonly: s.Readonly}); r != want {
			t.Fatalf("%q: rule %d is %+v, the API server's %+v", data, i, r, want)
		}
	}
	return ours, theirs, true
}

func attributes(q abac.Request) authorizer.Attributes {
	return authorizer.AttributesRecord{
		User: &user.DefaultInfo{Name: q.User, Groups: q.Groups}, Verb: q.Verb, ResourceRequest: q.IsResource,
		Namespace: q.Namespace, APIGroup: q.APIGroup, Resource: q.Resource, Path: q.Path,
	}
}

// some of few names, so that rules and requests meet.
func some(r *rand.Rand, names ...string) string { return names[r.IntN(len(names))] }

func randomLine(r *rand.Rand) string {
	var fields []string
	set := func(name string, values ...string) {
		if value := some(r, values...); value != "" || r.IntN(4) == 0 {
			fields = append(fields, fmt.Sprintf("%q:%q", name, value))
		}
	}
	set("user", "", "", "alice", "bob", "*")
	set("group", "", "", "devs", "ops", "*", "system:authenticated")
	set("namespace", "", "a", "b", "*")
	set("resource", "", "pods", "secrets", "*")
	old := r.IntN(8) == 0
	if !old {
		set("apiGroup", "", "apps", "*")
		set("nonResourcePath", "", "", "*", "/api", "/api*", "/api/*", "/api/v1", "/a**", "a*b")
	}
	if r.IntN(2) == 0 {
		fields = append(fields, fmt.Sprintf(`"readonly":%v`, r.IntN(2) == 0))
	}
	r.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
	spec := "{" + strings.Join(fields, ",") + "}"
	if old {
		return spec
	}
	return `{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":` + spec + `}`
}

func randomRequest(r *rand.Rand) abac.Request {
	q := abac.Request{
		User: some(r, "alice", "bob", "carol", "", "*"), Verb: some(r, "get", "list", "watch", "create", "head", "*", ""),
		IsResource: r.IntN(2) == 0, Namespace: some(r, "", "a", "b", "c", "*"), APIGroup: some(r, "", "apps", "batch", "*"),
		Resource: some(r, "", "pods", "secrets", "nodes", "*"), Path: some(r, "", "/", "/api", "/api/", "/api/v1", "/api/v1/x", "/apis", "a*b", "*"),
	}
	for _, g := range []string{"devs", "ops", "system:authenticated", "*", "", "others"} {
		if r.IntN(3) == 0 {
			q.Groups = append(q.Groups, g)
		}
	}
	return q
}

func TestAuthorizeAsTheAPIServer(t *testing.T) {
	const policies, requests = 2000, 100
	r := rand.New(rand.NewPCG(1, 2))
	allowed := 0
	for range policies {
		var lines []string
		for range r.IntN(30) {
			lines = append(lines, randomLine(r))
		}
		ours, theirs, ok := both(t, []byte(strings.Join(lines, "\n")))
		if !ok {
			t.Fatalf("refused:\n%s", strings.Join(lines, "\n"))
		}
		for range requests {
			q := randomRequest(r)
			decision, _, err := theirs.Authorize(t.Context(), attributes(q))
			if err != nil {
				t.Fatal(err)
			}
			if want := decision == authorizer.DecisionAllow; ours.Authorize(q).Allowed != want {
				t.Fatalf("%+v: %v, the API server says %v, with\n%s", q, !want, want, strings.Join(lines, "\n"))
			} else if want {
				allowed++
			}
		}
	}
	t.Logf("%d policies, %d requests, of which %d allowed", policies, policies*requests, allowed)
}

// What a person or an editor may put into a line.
var oddLines = []string{
	"", "\n\n", "#", " # x", "---", "null", "~", "{}", "[]", "x", "user: alice", "- user: alice", `{user: alice}`, `"user"`, "{", "}",
	"\ufeff{}", "\u00a0{}", "{}\r\n{}\r", "{} {}", `{"user":1}`, `{"readonly":"true"}`, `{"readonly":null}`, `{"User":"x","user":"y"}`,
	`{"apiVersion":"v1"}`, `{"apiVersion":"/"}`, `{"apiVersion":"a/b/c"}`, `{"apiVersion":"v0"}`, `{"apiVersion":"abac.authorization.kubernetes.io/"}`,
	`{"apiVersion":"abac.authorization.kubernetes.io/v0"}`, `{"apiVersion":"abac.authorization.kubernetes.io/v0","kind":"Policy","user":"x"}`,
	`{"apiVersion":"abac.authorization.kubernetes.io/v1beta1"}`, `{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"policy"}`,
	`{"apiVersion":"abac.authorization.kubernetes.io/v1beta2","kind":"Policy"}`, `{"kind":"Policy","spec":{"user":"x"}}`, `{"kind":"Other"}`,
	`{"APIVERSION":"abac.authorization.kubernetes.io/v1beta1","Kind":"Policy","spec":{"user":"x"}}`,
	`{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy"}`, `{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":null}`,
	`{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":{"user":"x","readOnly":true}}`,
	`{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":{"user":"x"},"spec":{"group":"y"}}`,
	`{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":{"user":"x","group":"*"},"user":1}`,
	`{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","Spec":{"user":"x"}}`,
	"apiVersion: abac.authorization.kubernetes.io/v1beta1", "{\"user\":\"\xff\"}", `{"user":"\ud800"}`,
	"{" + strings.Repeat(" ", 65533) + "}", "{" + strings.Repeat(" ", 65534) + "}", "{" + strings.Repeat(" ", 65533) + "}\n{}",
	"{" + strings.Repeat(" ", 65533) + "}\r\n{}", "#" + strings.Repeat("x", 65535), "#" + strings.Repeat("x", 65534),
}

func TestReadAsTheAPIServer(t *testing.T) {
	for _, line := range oddLines {
		t.Run("", func(t *testing.T) { both(t, []byte(line)) })
	}
}

func FuzzReadAsTheAPIServer(f *testing.F) {
	for _, line := range oddLines {
		f.Add([]byte(line))
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		f.Add([]byte(randomLine(r)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if strings.Contains(string(data), "__internal") || bytes.Contains(data, []byte("k8s\x00")) {
			t.Skip("the API server takes its internal version, and protocol buffers, too; we refuse them")
		}
		both(t, data)
	})
}
