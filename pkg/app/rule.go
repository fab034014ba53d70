package app

import (
	"fmt"
	"reflect"
	"strings"
)

// rule concerns several fields of an object. The loader applies it, and its schema
// is added to the JSON schema of the object.
type rule interface {
	apply(b *binder, n *node, path string)
	schema() map[string]any
}

// rulesOf lists the rules of a type.
func rulesOf(t reflect.Type) []rule {
	switch t {
	case reflect.TypeFor[ApplicationSpec]():
		return []rule{someOf{"images", "deploy"}}
	case reflect.TypeFor[Images]():
		return []rule{someOf{"container", "vm", "baremetal"}}
	case reflect.TypeFor[VMImage]():
		return []rule{oneOf{"packer", "diskimageBuilder"}}
	case reflect.TypeFor[Deploy]():
		return []rule{someOf{"container", "vm", "baremetal"}}
	case reflect.TypeFor[ContainerDeploy]():
		return []rule{excludes{"manifests", []string{"replicas", "ports", "env", "resources"}}, distinctPorts{}}
	case reflect.TypeFor[BaremetalNode]():
		return []rule{atMostOne{"passwordEnv", "passwordFile"}, noSecrets{}}
	case reflect.TypeFor[Health]():
		return []rule{oneOf{"http", "tcp"}}
	case reflect.TypeFor[Archive]():
		return []rule{oneOf{"artifactory", "oci"}}
	case reflect.TypeFor[Artifactory]():
		return []rule{atMostOne{"tokenFile", "tokenEnv"}}
	case reflect.TypeFor[Code]():
		return []rule{atMostOne{"tokenEnv", "tokenFile"}, atMostOne{"secretEnv", "secretFile"}, distinctContexts{}}
	}
	return nil
}

// someOf asks for at least one of its fields.
type someOf []string

func (r someOf) apply(b *binder, n *node, path string) {
	if count(n, r) == 0 {
		b.fail(n.at, path, "needs %s", strings.Join(r, " or "))
	}
}

func (r someOf) schema() map[string]any { return map[string]any{"anyOf": requiredEach(r)} }

// oneOf asks for exactly one of its fields.
type oneOf []string

func (r oneOf) apply(b *binder, n *node, path string) {
	switch given := count(n, r); {
	case given == 0:
		b.fail(n.at, path, "needs %s", strings.Join(r, " or "))
	case given > 1:
		b.fail(n.at, path, "takes only one of %s", strings.Join(r, ", "))
	}
}

func (r oneOf) schema() map[string]any { return map[string]any{"oneOf": requiredEach(r)} }

// atMostOne allows one of its fields, or none.
type atMostOne []string

func (r atMostOne) apply(b *binder, n *node, path string) {
	if count(n, r) > 1 {
		b.fail(n.at, path, "takes only one of %s", strings.Join(r, ", "))
	}
}

func (r atMostOne) schema() map[string]any {
	return map[string]any{"not": map[string]any{"required": []string(r)}}
}

// excludes forbids other fields beside one.
type excludes struct {
	one    string
	others []string
}

func (r excludes) apply(b *binder, n *node, path string) {
	if n.child(r.one) == nil {
		return
	}
	for _, e := range n.entries {
		for _, other := range r.others {
			if e.key == other {
				b.fail(e.at, path, "%s cannot stand beside %s: say it in the manifests themselves", other, r.one)
			}
		}
	}
}

func (r excludes) schema() map[string]any {
	return map[string]any{"not": map[string]any{"required": []string{r.one}, "anyOf": requiredEach(r.others)}}
}

// distinctPorts asks for names where there are several ports, and for distinct ones.
// As in a Service, a number may repeat under another protocol (DNS does so).
type distinctPorts struct{}

func (r distinctPorts) apply(b *binder, n *node, path string) {
	ports := n.child("ports")
	if ports == nil {
		return
	}
	taken := map[string]int{}
	for i, port := range ports.items {
		where := fmt.Sprintf("%s.ports[%d]", path, i)
		if port.child("name") == nil && len(ports.items) > 1 && port.kind == objectNode {
			b.fail(port.at, where, "missing field \"name\"; several ports need names to tell them apart")
		}
		r.claim(b, taken, port.child("name"), where+".name", i, "")
		protocol := port.child("protocol").string()
		if protocol == "" {
			protocol = "TCP"
		}
		r.claim(b, taken, port.child("port"), where+".port", i, "/"+protocol)
	}
}

// claim reports what an earlier port has already.
func (distinctPorts) claim(b *binder, taken map[string]int, n *node, where string, i int, suffix string) {
	if n == nil || n.text == "" {
		return
	}
	key := n.text + suffix
	if first, again := taken[key]; again {
		b.fail(n.at, where, "%s is taken by ports[%d]", key, first)
		return
	}
	taken[key] = i
}

// schema: that values of list elements differ cannot be said in JSON schema.
func (distinctPorts) schema() map[string]any {
	several := map[string]any{"items": map[string]any{"required": []string{"name"}}}
	return map[string]any{"properties": map[string]any{"ports": map[string]any{"anyOf": []any{map[string]any{"maxItems": 1}, several}}}}
}

func count(n *node, fields []string) int {
	given := 0
	for _, name := range fields {
		if n.child(name) != nil {
			given++
		}
	}
	return given
}

func requiredEach(fields []string) []any {
	out := make([]any, len(fields))
	for i, name := range fields {
		out[i] = map[string]any{"required": []string{name}}
	}
	return out
}
