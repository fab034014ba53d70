package authwebhook

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ystackdev/ystack/pkg/tenancy/abac"
)

const policyHead = `{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":`

func lines(specs ...string) string {
	var text strings.Builder
	for _, s := range specs {
		text.WriteString(policyHead + s + "}\n")
	}
	return text.String()
}

// aliceReads is a policy by which alice may read pods in a namespace.
func aliceReads(namespace string) string {
	return lines(`{"user":"alice","namespace":"` + namespace + `","resource":"pods","readonly":true}`)
}

// authorizing is a webhook with a policy file.
type authorizing struct {
	*Authenticator
	file string
	log  *lockedBuffer
}

func newAuthorizing(t testing.TB, policy string) authorizing {
	t.Helper()
	file, log := filepath.Join(t.TempDir(), "policy.jsonl"), &lockedBuffer{}
	put(t, file, policy)
	a, _ := start(t, newFake(t), func(o *Options) {
		o.PolicyFile, o.Log = file, slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	return authorizing{a, file, log}
}

func put(t testing.TB, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (z authorizing) post(body string) *httptest.ResponseRecorder {
	return postTo(z.Handler(), PathAccess, body)
}

func (z authorizing) get(path string) string {
	w := httptest.NewRecorder()
	z.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return fmt.Sprint(w.Code, " ", w.Body)
}

// accessOf is what kube-apiserver sends of a request.
func accessOf(version string, q abac.Request) string {
	groups, spec := "groups", object{"user": q.User, "uid": "1", "extra": object{"x": []string{"y"}}}
	if version == "v1beta1" {
		groups = "group"
	}
	spec[groups] = q.Groups
	if q.IsResource {
		spec["resourceAttributes"] = object{
			"namespace": q.Namespace, "verb": q.Verb, "group": q.APIGroup, "version": "v1", "resource": q.Resource, "subresource": "log", "name": "x",
		}
	} else {
		spec["nonResourceAttributes"] = object{"path": q.Path, "verb": q.Verb}
	}
	data, _ := json.Marshal(object{
		"kind": "SubjectAccessReview", "apiVersion": "authorization.k8s.io/" + version, "metadata": object{"creationTimestamp": nil},
		"spec": spec, "status": object{"allowed": false},
	})
	return string(data)
}

func (z authorizing) may(t testing.TB, namespace string) bool {
	t.Helper()
	w := z.post(accessOf("v1", abac.Request{User: "alice", Verb: "get", IsResource: true, Namespace: namespace, Resource: "pods"}))
	var r accessReviewAnswer
	if err := json.Unmarshal(w.Body.Bytes(), &r); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	return r.Status.Allowed
}

func TestAccessReview(t *testing.T) {
	z := newAuthorizing(t, "# first a comment\n"+lines(
		`{"user":"alice","namespace":"a","resource":"pods","readonly":true}`,
		`{"group":"devs","namespace":"*","resource":"deployments","apiGroup":"apps"}`,
		`{"group":"system:authenticated","nonResourcePath":"/version","readonly":true}`,
	))
	for _, version := range []string{"v1", "v1beta1"} {
		for want, q := range map[string]abac.Request{
			`{"allowed":true,"reason":"line 2 of the policy file: user alice may read pods in a"}`: {
				User: "alice", Verb: "watch", IsResource: true, Namespace: "a", Resource: "pods",
			},
			`{"allowed":true,"reason":"line 3 of the policy file: group devs may read and write deployments.apps in every namespace and outside"}`: {
				User: "bob", Groups: []string{"others", "devs"}, Verb: "delete", IsResource: true, Namespace: "b", APIGroup: "apps", Resource: "deployments",
			},
			`{"allowed":true,"reason":"line 4 of the policy file: group system:authenticated may read path /version"}`: {
				User: "bob", Groups: []string{"system:authenticated"}, Verb: "get", Path: "/version",
			},
			`{"allowed":false}`: {User: "alice", Groups: []string{"others"}, Verb: "create", IsResource: true, Namespace: "a", Resource: "pods"},
		} {
			w := z.post(accessOf(version, q))
			full := `{"apiVersion":"authorization.k8s.io/` + version + `","kind":"SubjectAccessReview","status":` + want + "}\n"
			if w.Code != http.StatusOK || w.Body.String() != full || w.Header().Get("Content-Type") != "application/json" {
				t.Errorf("%+v: %d %s", q, w.Code, w.Body)
			}
		}
	}
	for _, want := range []string{
		`ystack_auth_webhook_access_reviews_total{result="allowed"} 6`, `ystack_auth_webhook_access_reviews_total{result="no_opinion"} 2`,
		`ystack_auth_webhook_access_review_duration_seconds_count 8`, `ystack_auth_webhook_policy_rules 3`, `ystack_auth_webhook_policy_stale 0`,
		`ystack_auth_webhook_reviews_total{result="accepted"} 0`,
	} {
		if text := z.get(PathMetrics); !strings.Contains(text, want+"\n") {
			t.Errorf("metrics lack %s:\n%s", want, text)
		}
	}
	if want := `"of":"/authorize","result":"no_opinion"`; !strings.Contains(z.log.String(), want) || !strings.Contains(z.log.String(), `"user":"bob","verb":"delete","namespace":"b"`) {
		t.Errorf("the log lacks %s:\n%s", want, z.log)
	}
}

func TestNoAccessReview(t *testing.T) {
	z := newAuthorizing(t, aliceReads("a"))
	good := accessOf("v1", abac.Request{User: "alice", Verb: "get", IsResource: true, Namespace: "a", Resource: "pods"})
	const v1 = `{"apiVersion":"authorization.k8s.io/v1","kind":"SubjectAccessReview"`
	for name, tc := range map[string]struct {
		method, kind, body string
		code               int
		want               string
	}{
		"GET":      {http.MethodGet, "application/json", "", 405, "a SubjectAccessReview comes by POST"},
		"form":     {http.MethodPost, "text/plain", good, 415, "a SubjectAccessReview comes as application/json"},
		"empty":    {http.MethodPost, "application/json", "", 400, "it ends too early"},
		"array":    {http.MethodPost, "application/json", "[]", 400, "is a array"},
		"two":      {http.MethodPost, "application/json", good + good, 400, "goes on after the SubjectAccessReview"},
		"version":  {http.MethodPost, "application/json", strings.Replace(good, "io/v1", "io/v2", 1), 400, "this webhook answers authorization.k8s.io/v1 and authorization.k8s.io/v1beta1"},
		"kind":     {http.MethodPost, "application/json", strings.Replace(good, "SubjectAccess", "Token", 1), 400, `kind is \"TokenReview\"`},
		"no spec":  {http.MethodPost, "application/json", v1 + "}", 400, "spec is missing"},
		"neither":  {http.MethodPost, "application/json", v1 + `,"spec":{"user":"alice"}}`, 400, "resourceAttributes or else nonResourceAttributes"},
		"both":     {http.MethodPost, "application/json", v1 + `,"spec":{"user":"alice","resourceAttributes":{},"nonResourceAttributes":{}}}`, 400, "resourceAttributes or else nonResourceAttributes"},
		"nobody":   {http.MethodPost, "application/json", v1 + `,"spec":{"group":["devs"],"nonResourceAttributes":{}}}`, 400, "neither a user nor groups"},
		"too long": {http.MethodPost, "application/json", good + strings.Repeat(" ", maxAccessReview), 413, "longer than 256 KiB"},
	} {
		r := httptest.NewRequest(tc.method, PathAccess, strings.NewReader(tc.body))
		r.Header.Set("Content-Type", tc.kind)
		w := httptest.NewRecorder()
		z.Handler().ServeHTTP(w, r)
		if w.Code != tc.code || !strings.Contains(w.Body.String(), tc.want) || !strings.Contains(w.Body.String(), `"kind":"Status"`) {
			t.Errorf("%s: %d: %s", name, w.Code, w.Body)
		}
	}
	if w := post(z.Handler(), good); w.Code != 400 {
		t.Errorf("at %s: %d", PathReview, w.Code)
	}
}

// Whatever happens to the file, the next review obeys it, or the last that could be used.
func TestPolicyFollowsFile(t *testing.T) {
	z := newAuthorizing(t, aliceReads("a"))
	check := func(step string, a, b bool) {
		t.Helper()
		if gotA, gotB := z.may(t, "a"), z.may(t, "b"); gotA != a || gotB != b {
			t.Errorf("%s: a %v, b %v", step, gotA, gotB)
		}
	}
	check("at first", true, false)
	put(t, z.file, aliceReads("b")) // of the same size, and maybe within a step of the clock
	check("written over", false, true)
	put(t, z.file+".new", aliceReads("a"))
	if err := os.Rename(z.file+".new", z.file); err != nil {
		t.Fatal(err)
	}
	check("renamed", true, false)

	for step, text := range map[string]string{
		"broken":        aliceReads("b") + "{\n",
		"half a line":   aliceReads("b")[:60],
		"other version": strings.Replace(aliceReads("b"), "v1beta1", "v2", 1),
		"text":          "allow everybody everything\n",
		"bytes":         "\x00\xff",
		"an object":     "{}",
		"null":          "# made by a tool\nnull\n",
		"version 0":     `{"namespace":"b"}`,
		"by its group":  lines(`{"user":"bob","group":"*","namespace":"b","resource":"pods"}`),
		"long":          lines(`{"user":"alice","namespace":"b","resource":"pods"}`) + "#" + strings.Repeat("x", 1<<16),
	} {
		put(t, z.file, text)
		check(step, true, false)
	}
	stale := z.get(PathReadyz)
	if !strings.HasPrefix(stale, "200 ok\npolicy: the file is not used (") || !strings.Contains(stale, "; the 1 rules of 20") {
		t.Errorf("readyz: %s", stale)
	}
	if text := z.get(PathMetrics); !strings.Contains(text, "ystack_auth_webhook_policy_stale 1\n") {
		t.Error(text)
	}
	put(t, z.file, aliceReads("a"))
	check("repaired", true, false)
	if err := os.Remove(z.file); err != nil {
		t.Fatal(err)
	}
	check("removed", true, false)
	put(t, z.file, "")
	check("empty", false, false)
	put(t, z.file, aliceReads("a")+aliceReads("b"))
	check("back", true, true)
	if ready := z.get(PathReadyz); !strings.HasPrefix(ready, "200 ok\npolicy: 2 rules of 20") {
		t.Errorf("readyz: %s", ready)
	}
	for _, want := range []string{"the policy read before stays in force", "no such file", "is empty", `"msg":"policy read"`, "again what is in force"} {
		if !strings.Contains(z.log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, z.log)
		}
	}
}

// A ConfigMap volume is a directory of links through ..data, which is replaced.
func TestPolicyInConfigMap(t *testing.T) {
	dir := t.TempDir()
	mount := func(version, policy string) {
		t.Helper()
		if err := os.Mkdir(filepath.Join(dir, version), 0o700); err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(dir, version, "policy.jsonl"), policy)
		if err := os.Symlink(version, filepath.Join(dir, "..data_tmp")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	mount("..1", aliceReads("a"))
	file := filepath.Join(dir, "policy.jsonl")
	if err := os.Symlink(filepath.Join("..data", "policy.jsonl"), file); err != nil {
		t.Fatal(err)
	}
	a, _ := start(t, newFake(t), func(o *Options) { o.PolicyFile = file })
	z := authorizing{Authenticator: a}
	if !z.may(t, "a") || z.may(t, "b") {
		t.Error("not the first")
	}
	mount("..2", aliceReads("b"))
	if z.may(t, "a") || !z.may(t, "b") {
		t.Error("not the second")
	}
	if err := os.RemoveAll(filepath.Join(dir, "..1")); err != nil {
		t.Fatal(err)
	}
	if z.may(t, "a") || !z.may(t, "b") {
		t.Error("not the second any more")
	}
}

// A file that says the same again is not read as a new policy, and a bad one is said once.
func TestPolicyIsQuiet(t *testing.T) {
	z := newAuthorizing(t, aliceReads("a"))
	read := z.authorizer.file.current().read
	for range 3 {
		put(t, z.file, aliceReads("a"))
		z.may(t, "a")
	}
	if s := z.authorizer.file.current(); !s.read.Equal(read) {
		t.Errorf("read again at %v", s.read)
	}
	put(t, z.file, "{")
	for range 100 {
		z.may(t, "a")
	}
	if n := strings.Count(z.log.String(), "stays in force"); n != 1 {
		t.Errorf("said %d times", n)
	}
}

// What the API server's own authorizer takes counts, but is told of.
func TestPolicyWarns(t *testing.T) {
	z := newAuthorizing(t, lines(`{"user":"alice","namespace":"a","resource":"pods","readOnly":true}`))
	eventually(t, func() bool { return strings.Contains(z.log.String(), `passes over \"spec.readOnly\"`) })
}

func TestPolicyAtStart(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "bad"), "\n{\n")
	for file, want := range map[string]string{
		"":     "cannot use the policy file (--policy-file): " + dir + " is not a regular file",
		"none": "cannot use the policy file (--policy-file): open " + filepath.Join(dir, "none") + ": no such file",
		"bad":  "cannot use the policy file (--policy-file): " + filepath.Join(dir, "bad") + ":2:",
	} {
		o := DefaultOptions()
		o.PolicyFile = filepath.Join(dir, file)
		if _, err := New(nil, o); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	a, _ := start(t, newFake(t), nil)
	if w := (authorizing{Authenticator: a}).post(accessOf("v1", abac.Request{User: "alice"})); w.Code != http.StatusNotFound {
		t.Errorf("without a policy file: %d %s", w.Code, w.Body)
	}
}

// Every answer is a review's or a Status, and nobody is allowed what the policy does not say.
func FuzzAccessReview(f *testing.F) {
	file := filepath.Join(f.TempDir(), "policy.jsonl")
	put(f, file, lines(`{"user":"the one","namespace":"a","resource":"pods"}`, `{"group":"the group","nonResourcePath":"/x*"}`))
	a, _ := start(f, newFake(f), func(o *Options) { o.PolicyFile = file })
	z := authorizing{Authenticator: a}
	f.Add(accessOf("v1", abac.Request{User: "the one", Verb: "get", IsResource: true, Namespace: "a", Resource: "pods"}))
	f.Add(accessOf("v1beta1", abac.Request{User: "x", Groups: []string{"the group"}, Verb: "get", Path: "/x/y"}))
	f.Add(`{"apiVersion":"authorization.k8s.io/v1","kind":"SubjectAccessReview","spec":{"user":"a"},"spec":{"user":"b","nonResourceAttributes":{"path":"/"}}}`)
	f.Add(`{"spec":[]}`)
	f.Add("\xff")
	f.Fuzz(func(t *testing.T, body string) {
		w := z.post(body)
		switch w.Code {
		case http.StatusOK:
			var r accessReviewAnswer
			if err := json.Unmarshal(w.Body.Bytes(), &r); err != nil {
				t.Fatal(err)
			}
			if r.Status.Allowed && !strings.Contains(body, "the ") && !strings.Contains(body, `\`) {
				t.Errorf("allowed: %s", w.Body)
			}
		case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
		default:
			t.Errorf("%d: %s", w.Code, w.Body)
		}
	})
}

// Reviews go on while the file changes.
func TestPolicyUnderLoad(t *testing.T) {
	z := newAuthorizing(t, aliceReads("a"))
	body := accessOf("v1", abac.Request{User: "alice", Verb: "get", IsResource: true, Namespace: "a", Resource: "pods"})
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 300 {
				if w := z.post(body); !strings.Contains(w.Body.String(), `"allowed":true`) {
					t.Errorf("not allowed for a moment: %s", w.Body)
				}
			}
		})
	}
	for i := range 30 {
		put(t, z.file+".new", aliceReads("a")+strings.Repeat("# changed\n", i))
		if err := os.Rename(z.file+".new", z.file); err != nil {
			t.Fatal(err)
		}
	}
	group.Wait()
}
