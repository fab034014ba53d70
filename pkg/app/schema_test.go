package app

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestSchemaAgrees holds the schema against the loader on every example file that is
// one document of sound YAML.
func TestSchemaAgrees(t *testing.T) {
	// What JSON schema cannot say.
	loaderOnly := []string{"duplicate.yaml", "ports-clash.yaml", "code-clash.yaml"}
	for _, kind := range kinds() {
		for _, path := range examples(t, kind) {
			r := &reader{}
			documents := r.documents(readTest(t, path))
			if len(r.errs) > 0 || len(documents) != 1 || slices.Contains(loaderOnly, filepath.Base(path)) {
				continue
			}
			t.Run(strings.ToLower(kind)+"/"+filepath.Base(path), func(t *testing.T) {
				agree(t, kind, readTest(t, path))
			})
		}
	}
}

// TestSchemaAgreesOnFields puts one value at a time into a document that is right.
func TestSchemaAgreesOnFields(t *testing.T) {
	cases := []struct {
		kind, where string // %s in where takes each of the values
		good, bad   []string
	}{
		{
			KindApplication, "{images: {container: %s}}",
			[]string{"{}", "{dockerfile: a/../b}", "{context: ..}", "{context: ~x}", "{target: '0'}", "{args: {A_1: ''}}"},
			[]string{"[]", "{dockerfile: /a}", "{dockerfile: ''}", "{context: 'c:/x'}", "{context: '\\x'}", "{target: ''}", "{target: 1}", "{args: {1A: x}}", "{args: {A: 1}}", "{args: {A: [x]}}", "{file: x}"},
		},
		{
			KindApplication, "{deploy: {container: {ports: %s}}}",
			[]string{"[]", "[{port: 1}]", "[{port: 65535, targetPort: 1, protocol: SCTP, name: a-1}]", "[{port: 1, name: a}, {port: 2, name: b}]"},
			[]string{"{}", "[1]", "[{}]", "[{port: 0}]", "[{port: 65536}]", "[{port: -1}]", "[{port: '1'}]", "[{port: 1.5}]", "[{port: true}]", "[{port: 1, protocol: udp}]", "[{port: 1, name: '1'}]", "[{port: 1, name: a-}]", "[{port: 1, name: abcdefghijklmnop}]", "[{port: 1}, {port: 2, name: b}]", "[{port: 1, targetPort: http}]"},
		},
		{
			KindApplication, "{deploy: {container: {resources: {limits: %s}}}}",
			[]string{"{}", "{cpu: 1}", "{cpu: 0.5}", "{memory: 1e9}", "{memory: 1Gi}", "{hugepages-2Mi: 4Mi}", "{a.b/c: '1'}"},
			[]string{"{cpu: true}", "{cpu: 1 Gi}", "{cpu: -1}", "{cpu: ''}", "{GPU: 1}", "{/a: 1}", "{a/: 1}"},
		},
		{
			KindApplication, "{deploy: {container: %s}}",
			[]string{"{}", "{replicas: 0}", "{replicas: 2147483647}", "{manifests: k8s}", "{manifests: k8s, namespace: a}", "{env: {a.b-c_D: ''}}", "{imagePullSecrets: [a.b]}"},
			[]string{"{replicas: -1}", "{replicas: 2147483648}", "{manifests: k8s, env: {}}", "{manifests: k8s, replicas: 1}", "{manifests: ''}", "{namespace: a.b}", "{namespace: A}", "{env: {A: ~}}", "{env: {'': x}}", "{env: {A: \"\\0\"}}", "{imagePullSecrets: ['']}"},
		},
		{
			KindApplication, "{images: {container: {}}, health: %s}",
			[]string{"{tcp: {port: 1}}", "{http: {port: 1, path: /a%%20b}}"},
			[]string{"{}", "{tcp: {}}", "{tcp: {port: 1}, http: {port: 1}}", "{http: {port: 1, path: a}}", "{http: {port: 1, path: /a b}}", "{exec: {}}"},
		},
		{
			KindSite, "{registries: {push: %s}}",
			[]string{"a.b/c", "localhost/x", "localhost:5000/x/y__z", "r:80/a-b.c", "'[::1]/x'"},
			[]string{"a.b", "localhost:5000", "x/y", "http://a.b/c", "a.b/c:d", "a.b/c/", "a.b//c", "a.b/C", "a.b/c@sha256:0", "'a.b/c d'", "''", "5"},
		},
		{
			KindSite, "{registries: {push: a.b/c, bases: [%s]}}",
			[]string{"docker.io", "docker.io/library", "localhost:5000", "127.0.0.1:1"},
			[]string{"docker", "https://docker.io", "'docker.io:'", "docker.io/a:b"},
		},
		{
			KindSite, "{registries: {push: a.b/c}, archive: %s}",
			[]string{"{oci: a.b/c}", "{artifactory: {url: 'https://a.b/artifactory', repository: images}}", "{artifactory: {url: 'http://a:1', repository: i, tokenEnv: A}}", "{artifactory: {url: 'http://a:1/', repository: i, tokenFile: ../t}}"},
			[]string{"{}", "{oci: a.b/c, artifactory: {url: 'https://a.b', repository: i}}", "{oci: a.b}", "{artifactory: {}}", "{artifactory: {url: 'https://u:p@a.b', repository: i}}", "{artifactory: {url: 'ftp://a.b', repository: i}}", "{artifactory: {url: 'https://a.b', repository: i/j}}", "{artifactory: {url: 'https://a.b', repository: i, tokenEnv: A, tokenFile: b}}", "{artifactory: {url: 'https://a.b', repository: i, tokenEnv: 'A=b'}}"},
		},
		{
			KindSite, "{registries: {push: a.b/c, insecure: [%s]}}",
			[]string{"a", "a:1", "a.b:65535", "'[fe80::1]:1'"},
			[]string{"a/b", "a:b", "http://a", "''"},
		},
		{
			KindSite, "{registries: {push: a.b/c}, builder: {name: %s}}",
			[]string{"''", "podman", "docker", "buildkit"},
			[]string{"Docker", "kaniko", "1"},
		},
		{
			KindTenantSync, "{namespaces: {name: %s}}",
			[]string{"'{{.Project}}'", "'a-{{.ProjectID}}'", "'{{.Domain}}-{{.Project}}-9'"},
			[]string{"''", "a", "'{{.Domain}}'", "'{{ .Project }}'", "'A{{.Project}}'", "'{{.Project}}.{{.Domain}}'", "'{{.Project}'"},
		},
		{
			KindTenantSync, "{namespaces: {labels: {%s: x}}}",
			[]string{"a", "A.b_c", "example.com/a", "myystack.dev/a"},
			[]string{"''", "ystack.dev/a", "x.ystack.dev/a", "kubernetes.io/a", "pod-security.kubernetes.io/enforce", "a/b/c", "/a", "k8s.io/x"},
		},
		{
			KindTenantSync, "{caps: %s}",
			[]string{"{}", "{removals: 0}", "{share: 0%}", "{share: 100%}"},
			[]string{"{removals: -1}", "{removals: '1'}", "{share: 10}", "{share: 101%}", "{share: 05%}", "{share: '10'}"},
		},
		{
			KindTenantSync, "{identity: {prefix: %s}}",
			[]string{"''", "'keystone:'", "a"},
			[]string{"'system:'", "'system:x'", "'a b'", "1"},
		},
		{
			KindSite, "{registries: {push: a.b/c}, code: {kind: github, url: %s}}",
			[]string{"https://github.example", "http://127.0.0.1:3000/", "https://a.b/code/x"},
			[]string{"github.example", "https://u:p@a.b", "https://a.b/?x", "ssh://a.b", "''"},
		},
		{
			KindSite, "{registries: {push: a.b/c}, code: {kind: gitea, url: 'http://a', %s}}",
			[]string{"tokenEnv: A", "tokenFile: t, secretFile: s", "api: 'http://a/api'", "routes: []"},
			[]string{"tokenEnv: A, tokenFile: t", "secretEnv: A, secretFile: t", "token: x", "routes: {}"},
		},
		{
			KindSite, "{registries: {push: a.b/c}, code: {kind: gitea, url: 'http://a', routes: [{repository: a/b, %s}]}}",
			[]string{"branch: main", "branch: release/*", "branch: r", "branch: refsx", "directory: x/y", "paths: [a, b/c]", "site: prod.yaml", "context: ystack/prod"},
			[]string{"branch: refs/heads/main", "branch: ''", "branch: -x", "branch: 'a b'", "branch: '[a]'", "branch: 'a\\b'", "directory: /x", "paths: [/x]", "context: a b", "context: /", "branches: main"},
		},
		{
			KindSite, "{registries: {push: a.b/c}, code: {kind: gitea, url: 'http://a', routes: [{repository: %s}]}}",
			[]string{"a/b", "A_1/b.c-d"},
			[]string{"a", "a/b/c", "/a", "a/", ".a/b", "a b/c", "../x"},
		},
	}
	for _, c := range cases {
		for i, value := range append(slices.Clone(c.good), c.bad...) {
			document := fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata: {name: a}\nspec: "+c.where+"\n", APIVersion, c.kind, value)
			if accepted := agree(t, c.kind, []byte(document)); accepted != (i < len(c.good)) {
				t.Errorf("accepted: %t\n%s", accepted, document)
			}
		}
	}
}

// agree tells whether the loader accepts a document, and complains if the schema
// does not see it so.
func agree(t *testing.T, kind string, document []byte) bool {
	t.Helper()
	_, err := parseKind(kind, "ystack.yaml", document)
	documents := (&reader{}).documents(document)
	if len(documents) != 1 {
		t.Fatalf("%d documents in %s", len(documents), document)
	}
	raw, schemaErr := Schema(kind)
	if schemaErr != nil {
		t.Fatal(schemaErr)
	}
	var schema map[string]any
	if err := json.Unmarshal(raw, &schema); err != nil {
		t.Fatal(err)
	}
	if valid := accepts(t, schema, documents[0]); valid != (err == nil) {
		t.Errorf("schema accepts: %t; loader: %v\n%s", valid, err, document)
	}
	return err == nil
}

// accepts evaluates the part of JSON schema that Schema uses.
func accepts(t *testing.T, schema map[string]any, n *node) bool {
	t.Helper()
	for keyword, value := range schema {
		if !keywordAccepts(t, keyword, value, schema, n) {
			return false
		}
	}
	return true
}

func keywordAccepts(t *testing.T, keyword string, value any, schema map[string]any, n *node) bool {
	t.Helper()
	switch keyword {
	case "$schema", "title", "description", "default", "properties":
		return keyword != "properties" || propertiesAccept(t, schema, n)
	case "type":
		return typeAccepts(value, n)
	case "enum":
		return slices.Contains(value.([]any), any(n.text))
	case "pattern":
		return n.kind != stringNode || regexp.MustCompile(value.(string)).MatchString(n.text)
	case "maxLength":
		return n.kind != stringNode || utf8.RuneCountInString(n.text) <= int(value.(float64))
	case "minimum", "maximum":
		return limitAccepts(keyword, value.(float64), n)
	case "required":
		return n.kind != objectNode || !slices.ContainsFunc(value.([]any), func(name any) bool { return n.child(name.(string)) == nil })
	case "additionalProperties", "propertyNames":
		return entriesAccept(t, keyword, value, schema, n)
	case "items":
		return !slices.ContainsFunc(n.items, func(item *node) bool { return !accepts(t, value.(map[string]any), item) })
	case "maxItems":
		return len(n.items) <= int(value.(float64))
	case "not":
		return !accepts(t, value.(map[string]any), n)
	case "allOf", "anyOf", "oneOf":
		return groupAccepts(t, keyword, value.([]any), n)
	}
	t.Fatalf("the schema uses a keyword that this test does not know: %s", keyword)
	return false
}

func typeAccepts(value any, n *node) bool {
	if one, ok := value.(string); ok {
		value = []any{one}
	}
	name := [...]string{"null", "boolean", "integer", "number", "string", "array", "object"}[n.kind]
	for _, allowed := range value.([]any) {
		if allowed == name || allowed == "number" && name == "integer" {
			return true
		}
	}
	return false
}

func limitAccepts(keyword string, limit float64, n *node) bool {
	number, err := strconv.ParseFloat(n.text, 64)
	if err != nil || n.kind == stringNode {
		return true
	}
	return keyword == "minimum" && number >= limit || keyword == "maximum" && number <= limit
}

func propertiesAccept(t *testing.T, schema map[string]any, n *node) bool {
	t.Helper()
	for name, property := range schema["properties"].(map[string]any) {
		if child := n.child(name); child != nil && !accepts(t, property.(map[string]any), child) {
			return false
		}
	}
	return true
}

func entriesAccept(t *testing.T, keyword string, value any, schema map[string]any, n *node) bool {
	t.Helper()
	known, _ := schema["properties"].(map[string]any)
	for _, e := range n.entries {
		subject := e.value
		if keyword == "propertyNames" {
			subject = &node{kind: stringNode, text: e.key}
		} else if known[e.key] != nil {
			continue
		}
		if rule, ok := value.(map[string]any); !ok || !accepts(t, rule, subject) {
			return false
		}
	}
	return true
}

func groupAccepts(t *testing.T, keyword string, group []any, n *node) bool {
	t.Helper()
	fine := 0
	for _, schema := range group {
		if accepts(t, schema.(map[string]any), n) {
			fine++
		}
	}
	return keyword == "allOf" && fine == len(group) || keyword == "anyOf" && fine > 0 || keyword == "oneOf" && fine == 1
}
