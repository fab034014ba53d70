package rbac

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/ystackdev/ystack/pkg/tenancy/abac"
)

func TestAllows(t *testing.T) {
	p := &Policy{}
	alice, devs := Subject{User: "alice"}, Subject{Group: "devs"}
	p.Add(alice, Grant{"web", []Rule{
		{Verbs: []string{"get"}, APIGroups: []string{""}, Resources: []string{"pods", "*/scale"}},
		{Verbs: []string{"update"}, APIGroups: []string{""}, Resources: []string{"configmaps"}, ResourceNames: []string{"mine"}},
		{Verbs: []string{"*"}, APIGroups: []string{"*"}, Resources: []string{"widgets"}},
		{Verbs: []string{"get"}, NonResourceURLs: []string{"/x/*", "/y"}},
	}})
	p.Add(devs, Grant{"", []Rule{
		{Verbs: []string{"list"}, APIGroups: []string{"apps"}, Resources: []string{"*"}},
		{Verbs: []string{"get"}, NonResourceURLs: []string{"/x/*", "/y"}},
	}})
	for text, want := range map[string]bool{
		"alice get web  pods":            true,
		"alice get web  pods/log":        false,
		"alice get web  pods/scale":      true,
		"alice get other  pods":          false,
		"alice get   pods":               false,
		"alice update web  configmaps":   false,
		"alice delete web z widgets":     true,
		"alice delete web z widgets/s":   false,
		"devs list web apps deployments": true,
		"devs list  apps anything/sub":   true,
		"devs list web extensions x":     false,
		"devs get /x/1":                  true,
		"devs get /y":                    true,
		"devs get /y/1":                  false,
		"devs post /y":                   false,
	} {
		f := strings.Split(text, " ")
		s, q := alice, Request{Verb: f[1]}
		if f[0] == "devs" {
			s = devs
		}
		if strings.HasPrefix(f[2], "/") {
			q.Path = f[2]
		} else {
			q.Namespace, q.APIGroup, q.Resource = f[2], f[3], f[4]
		}
		if got := p.Allows([]Subject{{User: "nobody"}, s}, q); got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
	if !p.Allows([]Subject{alice}, Request{"update", "web", "", "configmaps", "mine", ""}) {
		t.Error("a name that the rule has")
	}
	if p.Allows([]Subject{alice}, Request{Verb: "get", Namespace: "web", Path: "/nowhere"}) {
		t.Error("a RoleBinding gives no paths")
	}
}

func TestLines(t *testing.T) {
	rules := []Rule{
		{Verbs: []string{"get", "list"}, APIGroups: []string{""}, Resources: []string{"pods", "pods/log", "namespaces"}},
		{Verbs: []string{"create"}, APIGroups: []string{""}, Resources: []string{"pods/exec"}},
		{Verbs: []string{"get", "update"}, APIGroups: []string{""}, Resources: []string{"resourcequotas"}},
		{Verbs: []string{"create"}, APIGroups: []string{"rbac.authorization.k8s.io"}, Resources: []string{"roles"}},
		{Verbs: []string{"*"}, APIGroups: []string{"apps", "batch"}, Resources: []string{"*"}},
		{Verbs: []string{"get"}, NonResourceURLs: []string{"/metrics"}},
	}
	for where, want := range map[string]int{"web": 5, Everywhere: 7} {
		lines, err := Lines(rules, Subject{Group: "devs"}, where)
		if err != nil {
			t.Fatal(err)
		}
		if len(lines) != want {
			t.Errorf("%s: %v", where, lines)
		}
		p := abac.New(lines)
		ask := func(verb, apiGroup, resource string) bool {
			return p.Authorize(abac.Request{User: "u", Groups: []string{"devs"}, Verb: verb, IsResource: true, Namespace: "web", APIGroup: apiGroup, Resource: resource}).Allowed
		}
		for text, want := range map[string]bool{
			"get  pods": true, "create  pods": true, "get  namespaces": true, "update  namespaces": false,
			"get  resourcequotas": true, "update  resourcequotas": where == Everywhere, "create rbac.authorization.k8s.io roles": where == Everywhere,
			"patch batch jobs": true, "get  secrets": false,
		} {
			f := strings.Split(text, " ")
			if got := ask(f[0], f[1], f[2]); got != want {
				t.Errorf("%s, %s: %t", where, text, got)
			}
		}
		path := p.Authorize(abac.Request{User: "u", Groups: []string{"devs"}, Verb: "get", Path: "/metrics"}).Allowed
		if path != (where == Everywhere) {
			t.Errorf("%s: paths: %t", where, path)
		}
	}
	if _, err := Lines([]Rule{{Verbs: []string{"get"}, APIGroups: []string{"*"}, Resources: []string{"*/scale"}}}, Subject{User: "x"}, "web"); !errors.Is(err, ErrUnsayable) {
		t.Errorf("*/scale: %v", err)
	}
}

// TestDiff: what is made of a role grants all of it, and what is beyond is listed.
func TestDiff(t *testing.T) {
	devs := Subject{Group: "devs"}
	rules := []Rule{
		{Verbs: []string{"get"}, APIGroups: []string{""}, Resources: []string{"pods"}},
		{Verbs: []string{"create"}, APIGroups: []string{""}, Resources: []string{"pods/exec"}},
		{Verbs: []string{"get", "create"}, APIGroups: []string{"rbac.authorization.k8s.io"}, Resources: []string{"roles"}},
	}
	from := &Policy{}
	from.Add(devs, Grant{"web", rules})
	from.Add(devs, Grant{"", []Rule{{Verbs: []string{"get"}, NonResourceURLs: []string{"/metrics"}}}})
	lines, err := Lines(rules, devs, "web")
	if err != nil {
		t.Fatal(err)
	}
	lines = append(lines, abac.Rule{Group: "devs", Namespace: "*", Resource: "nodes", Readonly: true}, abac.Rule{Group: "devs", NonResourcePath: "/logs/*"})
	all := []Resource{
		{"", "pods", true, []string{"get", "create"}},
		{"", "pods/exec", true, []string{"get", "create"}},
		{"rbac.authorization.k8s.io", "roles", true, []string{"get", "create"}},
		{"", "nodes", false, []string{"get", "delete"}},
	}
	var got []string
	for _, c := range Diff(from, abac.New(lines), all, []Subject{devs, {User: "nobody"}}) {
		got = append(got, c.String())
	}
	want := []string{
		"- group devs may get /metrics",
		`+ group devs may get, post /logs/` + elsewhere,
		"+ group devs may get nodes",
		"+ group devs may create pods in web",
		"+ group devs may get pods/exec in web",
		"- group devs may create roles.rbac.authorization.k8s.io in web",
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
