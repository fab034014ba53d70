package app

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// BaremetalNode is a machine of metal, as a file for enrolling it in Ironic describes it.
type BaremetalNode struct {
	Name          string            `json:"name" check:"required,node-name" doc:"The name that it gets in Ironic."`
	Driver        string            `json:"driver" check:"required,word" doc:"The hardware type, such as redfish or ipmi."`
	DriverInfo    map[string]string `json:"driverInfo,omitempty" keys:"arg-name" each:"scalar" doc:"How its controller is reached, without secrets."`
	PasswordEnv   string            `json:"passwordEnv,omitempty" check:"arg-name" doc:"An environment variable that holds the controller's password."`
	PasswordFile  string            `json:"passwordFile,omitempty" check:"word" doc:"A file that holds it; relative to the directory of this file."`
	Interfaces    map[string]string `json:"interfaces,omitempty" keys:"interface" each:"word" doc:"Interfaces that are not the driver's own, such as deploy: direct."`
	ResourceClass string            `json:"resourceClass" check:"required,resource-class" doc:"The resource class by which it is found."`
	Traits        []string          `json:"traits,omitempty" each:"trait" doc:"Its traits."`
	Properties    map[string]string `json:"properties,omitempty" keys:"arg-name" each:"scalar" doc:"Its properties, such as cpus, memory_mb and local_gb."`
	Ports         []string          `json:"ports,omitempty" each:"mac" doc:"MAC addresses of its network cards."`
	Extra         map[string]string `json:"extra,omitempty" keys:"arg-name" each:"scalar" doc:"What else is to be kept with it, such as its address."`
}

// LoadBaremetalNodes reads a list of nodes. Problems of the content are [Errors].
func LoadBaremetalNodes(path string) ([]BaremetalNode, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return parseBaremetalNodes(path, data)
}

func parseBaremetalNodes(path string, data []byte) ([]BaremetalNode, error) {
	r := &reader{file: path}
	documents := r.documents(data)
	var nodes []BaremetalNode
	switch {
	case len(r.errs) > 0:
	case len(documents) == 0:
		r.fail(position{}, "", "is empty; it needs a list of nodes, each with name, driver and resourceClass")
	case len(documents) > 1:
		r.fail(documents[1].at, "", "a second document; write all nodes into one list")
	default:
		b := &binder{reader: r, root: reflect.TypeFor[[]BaremetalNode]()}
		b.list(reflect.ValueOf(&nodes).Elem(), documents[0], "", field{})
		r.distinct(documents[0])
	}
	if len(r.errs) > 0 {
		slices.SortStableFunc(r.errs, func(a, b *FieldError) int {
			return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
		})
		return nil, r.errs
	}
	return nodes, nil
}

// distinct reports names and MAC addresses that two nodes have.
func (r *reader) distinct(list *node) {
	taken := map[string]int{}
	claim := func(n *node, where string) {
		key := strings.ToLower(n.string())
		if first, again := taken[key]; again && key != "" {
			r.fail(n.at, where, "%s is taken by line %d", quote(n.text), first)
			return
		}
		taken[key] = n.line()
	}
	for i, item := range list.items {
		claim(item.child("name"), fmt.Sprintf("[%d].name", i))
		if ports := item.child("ports"); ports != nil {
			for j, port := range ports.items {
				claim(port, fmt.Sprintf("[%d].ports[%d]", i, j))
			}
		}
	}
}

func (n *node) line() int {
	if n == nil {
		return 0
	}
	return n.at.line
}

// noSecrets refuses a driver's password beside its address.
type noSecrets struct{}

var secretWords = []string{"password", "secret", "auth_key", "priv_key"}

func (noSecrets) apply(b *binder, n *node, path string) {
	info := n.child("driverInfo")
	if info == nil {
		return
	}
	for _, e := range info.entries {
		for _, word := range secretWords {
			if strings.Contains(strings.ToLower(e.key), word) {
				b.fail(e.at, join(path, "driverInfo"), "%s is a secret, which this file is not to hold; say where it is with passwordEnv or passwordFile", quote(e.key))
				break
			}
		}
	}
}

func (noSecrets) schema() map[string]any {
	names := map[string]any{"not": map[string]any{"pattern": strings.Join(secretWords, "|")}}
	return map[string]any{"properties": map[string]any{"driverInfo": map[string]any{"propertyNames": names}}}
}
