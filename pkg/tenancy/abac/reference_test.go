package abac

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// reference is the format as its documentation has it, line by line: what
// Authorize is held against. It shares nothing with the code under test.
func reference(t *rapid.T, lines []string, q Request) (allowed bool, at int) {
	for i, line := range lines {
		var object struct {
			APIVersion string
			Spec       map[string]any
		}
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Fatal(err)
		}
		property := func(name string) string { s, _ := object.Spec[name].(string); return s }
		readonly, _ := object.Spec["readonly"].(bool)
		user, group := property("user"), property("group")
		switch everyone := user == "*" || group == "*"; {
		case everyone && !in(q.Groups, "system:authenticated"):
			continue
		case everyone:
		case user == "" && group == "", user != "" && user != q.User, group != "" && !in(q.Groups, group):
			continue
		}
		if readonly && q.Verb != "get" && q.Verb != "list" && q.Verb != "watch" {
			continue
		}
		one := func(name, asked string) bool { return property(name) == "*" || property(name) == asked }
		if q.IsResource {
			allowed = one("namespace", q.Namespace) && one("resource", q.Resource) && one("apiGroup", q.APIGroup)
		} else {
			path := property("nonResourcePath")
			allowed = path == q.Path || strings.HasSuffix(path, "*") && strings.HasPrefix(q.Path, strings.TrimRight(path, "*"))
		}
		if allowed {
			return true, i + 1
		}
	}
	return false, 0
}

func in(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// Few names, so that rules and requests meet.
var (
	drawUser      = rapid.SampledFrom([]string{"", "alice", "bob", "*", "system:anonymous"})
	drawGroup     = rapid.SampledFrom([]string{"", "", "devs", "ops", "*", Authenticated, Unauthenticated})
	drawNamespace = rapid.SampledFrom([]string{"", "a", "b", "*"})
	drawResource  = rapid.SampledFrom([]string{"", "pods", "secrets", "*"})
	drawAPIGroup  = rapid.SampledFrom([]string{"", "apps", "*"})
	drawPath      = rapid.SampledFrom([]string{"", "", "*", "/api", "/api*", "/api/*", "/api/v1", "/a**", "a*b"})
)

var drawRule = rapid.Custom(func(t *rapid.T) Rule {
	return Rule{
		User: drawUser.Draw(t, "user"), Group: drawGroup.Draw(t, "group"), Namespace: drawNamespace.Draw(t, "namespace"),
		APIGroup: drawAPIGroup.Draw(t, "apiGroup"), Resource: drawResource.Draw(t, "resource"),
		NonResourcePath: drawPath.Draw(t, "path"), Readonly: rapid.Bool().Draw(t, "readonly"),
	}
})

var drawRules = rapid.SliceOfN(drawRule, 0, 12)

var drawRequest = rapid.Custom(func(t *rapid.T) Request {
	return Request{
		User:       rapid.SampledFrom([]string{"", "alice", "bob", "carol", "*"}).Draw(t, "asks"),
		Groups:     rapid.SliceOfN(rapid.SampledFrom([]string{"", "devs", "ops", "others", "*", Authenticated, Unauthenticated}), 0, 4).Draw(t, "in"),
		Verb:       rapid.SampledFrom([]string{"get", "list", "watch", "create", "delete", "head", ""}).Draw(t, "verb"),
		IsResource: rapid.Bool().Draw(t, "isResource"),
		Namespace:  rapid.SampledFrom([]string{"", "a", "b", "c", "*"}).Draw(t, "where"),
		APIGroup:   rapid.SampledFrom([]string{"", "apps", "batch"}).Draw(t, "of"),
		Resource:   rapid.SampledFrom([]string{"", "pods", "secrets", "nodes"}).Draw(t, "what"),
		Path:       rapid.SampledFrom([]string{"", "/", "/api", "/api/", "/api/v1", "/api/v1/x", "/apis", "a*b", "*"}).Draw(t, "asked path"),
	}
})

// drawReal is a request as the API server makes them: everyone is in one of its two
// groups, and asks for something.
var drawReal = rapid.Custom(func(t *rapid.T) Request {
	q := Request{
		User:       rapid.SampledFrom([]string{"alice", "bob", "carol", anonymous}).Draw(t, "asks"),
		Verb:       rapid.SampledFrom([]string{"get", "update"}).Draw(t, "verb"),
		IsResource: rapid.Bool().Draw(t, "isResource"),
	}
	if q.User == anonymous {
		q.Groups = []string{Unauthenticated}
	} else {
		q.Groups = append(rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"devs", "ops", "others"}), 0, 3, rapid.ID).Draw(t, "in"), Authenticated)
	}
	if q.IsResource {
		q.Namespace = rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, "where")
		q.APIGroup = rapid.SampledFrom([]string{"", "apps", "batch"}).Draw(t, "of")
		q.Resource = rapid.SampledFrom([]string{"pods", "secrets", "nodes"}).Draw(t, "what")
	} else {
		q.Path = rapid.SampledFrom([]string{"/", "/api", "/api/", "/api/v1", "/api/v1/x", "/apis", "/b"}).Draw(t, "asked path")
	}
	return q
})

func lineOf(t *rapid.T, r Rule) string {
	data, err := json.Marshal(map[string]any{"apiVersion": apiVersion, "kind": kind, "spec": r})
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestAuthorizeAsDocumented(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var lines []string
		for _, r := range drawRules.Draw(t, "rules") {
			lines = append(lines, lineOf(t, r))
		}
		p, err := Parse("policy", []byte(strings.Join(lines, "\n")))
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range rapid.SliceOfN(drawRequest, 1, 50).Draw(t, "requests") {
			allowed, at := reference(t, lines, q)
			if d := p.Authorize(q); d.Allowed != allowed || d.Line != at {
				t.Fatalf("%+v: %+v, want %v by line %d", q, d, allowed, at)
			}
			if e := p.Explain(q); e.Allowed != allowed || e.Line != at || allowed && *e.Rule != p.Rules[at-1] {
				t.Fatalf("%+v is explained by %+v", q, e)
			}
		}
	})
}
