package abac

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode"

	"k8s.io/apimachinery/pkg/runtime/schema"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

const (
	apiGroup   = "abac.authorization.kubernetes.io"
	apiVersion = apiGroup + "/v1beta1"
	kind       = "Policy"
)

// spec is a rule as a line of v1beta1 spells it.
type spec struct {
	User            string `json:"user,omitempty"`
	Group           string `json:"group,omitempty"`
	Namespace       string `json:"namespace,omitempty"`
	APIGroup        string `json:"apiGroup,omitempty"`
	Resource        string `json:"resource,omitempty"`
	NonResourcePath string `json:"nonResourcePath,omitempty"`
	Readonly        bool   `json:"readonly,omitempty"`
}

func (s spec) rule() Rule {
	return Rule{
		User: s.User, Group: s.Group, Namespace: s.Namespace, APIGroup: s.APIGroup,
		Resource: s.Resource, NonResourcePath: s.NonResourcePath, Readonly: s.Readonly,
	}.everybody()
}

// spec0 is a rule of version 0, which nobody needs to name: a line without a version is one.
type spec0 struct {
	User      string `json:"user"`
	Group     string `json:"group"`
	Namespace string `json:"namespace"`
	Resource  string `json:"resource"`
	Readonly  bool   `json:"readonly"`
}

// rule grants everything where the line says nothing.
func (s spec0) rule() Rule {
	r := Rule{User: s.User, Group: s.Group, Namespace: s.Namespace, Resource: s.Resource, APIGroup: "*", Readonly: s.Readonly}
	if s.User == "" && s.Group == "" {
		r.Group = Authenticated
	}
	if s.Namespace == "" && s.Resource == "" {
		r.NonResourcePath = "*"
	}
	if s.Namespace == "" {
		r.Namespace = "*"
	}
	if s.Resource == "" {
		r.Resource = "*"
	}
	return r.everybody()
}

// decoded is a line, read.
type decoded struct {
	spec spec // as written
	rule Rule // as understood
	v0   bool
	yaml bool
}

var errVersion = errors.New(`needs "apiVersion":"` + apiVersion + `","kind":"` + kind + `"`)

// decode reads a line with the libraries, and in the steps, in which the API server does: the
// version with any spelling of its fields' case, the rest with the exact one; what is
// not an object of JSON as YAML.
func decode(line []byte) (d decoded, err error) {
	if !bytes.HasPrefix(bytes.TrimLeftFunc(line, unicode.IsSpace), []byte("{")) {
		d.yaml = true
		if line, err = yaml.YAMLToJSON(line); err != nil {
			return d, err
		}
	}
	var meta struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
	}
	if err := json.Unmarshal(line, &meta); err != nil {
		return d, err
	}
	gv, err := schema.ParseGroupVersion(meta.APIVersion)
	if err != nil {
		return d, err
	}
	switch {
	case meta.APIVersion == apiVersion && meta.Kind == kind:
		var v1beta1 struct {
			Spec spec `json:"spec"`
		}
		err = kjson.UnmarshalCaseSensitivePreserveInts(line, &v1beta1)
		d.spec, d.rule = v1beta1.Spec, v1beta1.Spec.rule()
		return d, err
	case isV0(gv) && (meta.Kind == kind || meta.Kind == ""):
		var v0 spec0
		err = kjson.UnmarshalCaseSensitivePreserveInts(line, &v0)
		d.v0, d.spec, d.rule = true, spec{User: v0.User, Group: v0.Group, Namespace: v0.Namespace, Resource: v0.Resource, Readonly: v0.Readonly}, v0.rule()
		return d, err
	}
	return d, fmt.Errorf("%w, has %q and %q", errVersion, meta.APIVersion, meta.Kind)
}

// isV0 also when nothing is said: that is what version 0 looks like.
func isV0(gv schema.GroupVersion) bool {
	return gv.Version == "" && (gv.Group == "" || gv.Group == apiGroup) || gv.Version == "v0" && gv.Group == apiGroup
}
