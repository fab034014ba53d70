package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ystackdev/ystack/pkg/tenancy/abac"
)

const policyHead = `{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":`

func policyFile(t *testing.T, specs ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "policy.jsonl")
	var lines strings.Builder
	for _, spec := range specs {
		lines.WriteString(policyHead + spec + "}\n")
	}
	if err := os.WriteFile(path, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPolicyHelp(t *testing.T) {
	for name, args := range map[string][]string{
		"policy":         {"policy"},
		"policy-lint":    {"policy", "lint", "--help"},
		"policy-explain": {"policy", "explain", "--help"},
		"policy-diff":    {"policy", "diff", "--help"},
	} {
		code, out, errs := run(t, NewKubectl, args...)
		if code != 0 || errs != "" {
			t.Fatalf("%s: status %d, %s", name, code, errs)
		}
		golden(t, "help/"+name, []byte(out))
	}
}

func TestPolicyUsage(t *testing.T) {
	file := policyFile(t, `{"user":"alice"}`)
	for name, tc := range map[string]struct {
		args []string
		code int
		want string
	}{
		"lint nothing":      {[]string{"lint"}, exitUsage, "say which policy files"},
		"lint no file":      {[]string{"lint", "none.jsonl"}, exitError, "none.jsonl"},
		"lint -o":           {[]string{"lint", file, "-o", "xml"}, exitUsage, `unknown output format "xml"`},
		"diff one":          {[]string{"diff", file}, exitUsage, "say which two policy files"},
		"diff no file":      {[]string{"diff", file, "none.jsonl"}, exitUsage, "none.jsonl"},
		"diff -o":           {[]string{"diff", file, file, "-o", "xml"}, exitUsage, `unknown output format "xml"`},
		"explain no file":   {[]string{"explain", "alice", "get", "pods"}, exitUsage, "-f FILE is required"},
		"explain two words": {[]string{"explain", "-f", file, "alice", "get"}, exitUsage, "say who wants to do what"},
		"explain -o":        {[]string{"explain", "-f", file, "-o", "yaml", "alice", "get", "pods"}, exitUsage, `unknown output format "yaml" for policy explain: json`},
		"explain path":      {[]string{"explain", "-f", file, "-n", "a", "alice", "get", "/api"}, exitUsage, "/api is a path"},
		"explain no target": {[]string{"explain", "-f", file, "alice", "get", ".apps"}, exitUsage, `".apps" is neither a resource`},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := run(t, NewKubectl, append([]string{"policy"}, tc.args...)...)
			if code != tc.code || !strings.Contains(errs, tc.want) || out != "" {
				t.Errorf("status %d, %q on stderr, %q on stdout; want %q", code, errs, out, tc.want)
			}
		})
	}
}

func TestPolicyLint(t *testing.T) {
	clean := policyFile(t, `{"user":"alice","namespace":"a","resource":"pods"}`)
	doubtful := policyFile(t, `{"user":"alice","namespace":"a"}`)
	broken := policyFile(t, `{"user":"alice","namespace":"a","resource":"pods","readOnly":true}`)
	for _, tc := range []struct {
		args      []string
		code      int
		out, errs string
	}{
		{[]string{clean}, 0, "", ""},
		{[]string{clean, doubtful}, 0, doubtful + ":1:1: warning: grants nothing: it names neither a resource nor a nonResourcePath\n", ""},
		{
			[]string{broken, doubtful, "-o", "name"},
			1, "policyfinding/" + broken + ":1:131\npolicyfinding/" + doubtful + ":1:1\n",
			"error: 1 of 2 findings are errors\n",
		},
		{[]string{broken, "-o", "jsonpath={.items[0].severity} {.items[0].line}"}, 1, "error 1", "error: 1 of 1 findings are errors\n"},
	} {
		code, out, errs := run(t, NewKubectl, append([]string{"policy", "lint"}, tc.args...)...)
		if code != tc.code || out != tc.out || errs != tc.errs {
			t.Errorf("%v: status %d, %q, %q", tc.args, code, out, errs)
		}
	}
}

func TestPolicyLintStandardInput(t *testing.T) {
	var out bytes.Buffer
	env := Env{In: strings.NewReader("---\n"), Out: &out, Err: &out}
	code := Main(env, NewKubectl, []string{"policy", "lint", "-"})
	if code != exitError || !strings.HasPrefix(out.String(), "(standard input):1:1: error: not a JSON object; the API server reads it as YAML: group system:authenticated may read and write every resource") {
		t.Errorf("status %d: %s", code, &out)
	}
}

func TestPolicyDiff(t *testing.T) {
	before := policyFile(t, `{"user":"alice","namespace":"a","resource":"pods","readonly":true}`)
	after := policyFile(t, `{"user":"alice","namespace":"a","resource":"pods"}`, `{"user":"alice","namespace":"a","resource":"pods","readonly":true}`)
	for _, tc := range []struct {
		args []string
		code int
		out  string
	}{
		{[]string{before, before}, 0, ""},
		{[]string{before, after}, 1, "+ user alice may write pods in a\n"},
		{[]string{after, before}, 1, "- user alice may write pods in a\n"},
		{[]string{before, after, "-o", "jsonpath={.items[*].grant.user} {.items[*].verbs} {.items[*].line}"}, 1, "alice write 1"},
		{[]string{before, after, "-o", "wide"}, 1, "CHANGE   USER    GROUP   VERBS   NAMESPACE   APIGROUP   RESOURCE   PATH\nadded    alice           write   a                      pods\n"},
	} {
		code, out, errs := run(t, NewKubectl, append([]string{"policy", "diff"}, tc.args...)...)
		if code != tc.code || out != tc.out || errs != "" {
			t.Errorf("%v: status %d, %q, %q", tc.args, code, out, errs)
		}
	}
}

func TestPolicyRequest(t *testing.T) {
	for name, tc := range map[string]struct {
		o                  policyExplain
		user, verb, target string
		want               abac.Request
	}{
		"resource": {
			policyExplain{namespace: "a", groups: []string{"devs"}},
			"alice", "GET", "deployments.apps",
			abac.Request{User: "alice", Groups: []string{"devs", "system:authenticated"}, Verb: "get", IsResource: true, Namespace: "a", Resource: "deployments", APIGroup: "apps"},
		},
		"object": {
			policyExplain{},
			"alice", "get", "roles.rbac.authorization.k8s.io/x.y",
			abac.Request{User: "alice", Groups: []string{"system:authenticated"}, Verb: "get", IsResource: true, Resource: "roles", APIGroup: "rbac.authorization.k8s.io"},
		},
		"path": {
			policyExplain{},
			"system:anonymous", "get", "/healthz/etcd",
			abac.Request{User: "system:anonymous", Groups: []string{"system:unauthenticated"}, Verb: "get", Path: "/healthz/etcd"},
		},
		"service account": {
			policyExplain{},
			"system:serviceaccount:shop:ci", "list", "pods",
			abac.Request{
				User: "system:serviceaccount:shop:ci", Groups: []string{"system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated"},
				Verb: "list", IsResource: true, Resource: "pods",
			},
		},
	} {
		got, err := tc.o.request(tc.user, tc.verb, tc.target)
		if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
}

func TestPolicyExplain(t *testing.T) {
	specs := []string{
		`{"user":"alice","namespace":"a","resource":"pods","readonly":true}`,
		`{"group":"devs","namespace":"a","resource":"deployments","apiGroup":"apps"}`,
		`{"user":"bob","namespace":"*","resource":"*","apiGroup":"*"}`,
		`{"group":"system:unauthenticated","nonResourcePath":"/healthz*","readonly":true}`,
	}
	for i := range 12 {
		specs = append(specs, `{"user":"user-`+string(rune('a'+i))+`","namespace":"b","resource":"nodes"}`)
	}
	file := policyFile(t, specs...)
	var all strings.Builder
	for _, words := range []string{
		"alice get pods -n a", "alice update pods/web-1 -n a", "alice get pods -n b", "alice get pods", "alice create deployments.apps -n a",
		"carol create deployments.apps -n a --group devs", "carol create deployments -n a --group devs", "alice get pods --subresource log -n a",
		"system:anonymous get /healthz/etcd", "system:anonymous head /healthz", "alice get /metrics", "alice get nodes -n b",
		"root delete secrets --group system:masters", "alice get pods -n a -o json", "alice create pods -n b -o json",
	} {
		code, out, errs := run(t, NewKubectl, append([]string{"policy", "explain", "-f", file}, strings.Fields(words)...)...)
		if yes := strings.HasPrefix(out, "yes: ") || strings.Contains(out, `"allowed": true`); yes != (code == 0) || code > 1 || errs != "" {
			t.Errorf("%s: status %d, %s%s", words, code, out, errs)
		}
		all.WriteString("$ policy explain " + words + "\n" + strings.ReplaceAll(out, file, "policy.jsonl") + "\n")
	}
	golden(t, "policy-explain.txt", []byte(all.String()))
}
