package abac

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// field is one of a line's JSON object: "kind", or "spec.user".
type field struct {
	path    string
	at      int // of its name
	valueAt int
	value   string // its JSON
}

var v1beta1Fields = []string{
	"apiVersion", "kind", "spec", "spec.user", "spec.group", "spec.namespace", "spec.apiGroup",
	"spec.resource", "spec.nonResourcePath", "spec.readonly",
}

var v0Fields = []string{"apiVersion", "kind", "user", "group", "namespace", "resource", "readonly"}

func (f field) name() string { return f.path[strings.LastIndexByte(f.path, '.')+1:] }

func (f field) want() string {
	switch f.name() {
	case "spec":
		return "an object"
	case "readonly":
		return "true or false"
	}
	return "a string"
}

func (f field) fits() bool {
	switch first := f.value[0]; f.want() {
	case "an object":
		return first == '{' || first == 'n'
	case "true or false":
		return first == 't' || first == 'f' || first == 'n'
	default:
		return first == '"' || first == 'n'
	}
}

// wrongType is the first field that the format knows whose value is of another type.
func wrongType(line []byte) *field {
	for _, f := range fields(line) {
		if (slices.Contains(v1beta1Fields, f.path) || slices.Contains(v0Fields, f.path)) && !f.fits() {
			return &f
		}
	}
	return nil
}

// fields lists the fields of a line that is an object, and those of its spec, in their order.
func fields(line []byte) []field {
	var all []field
	walk(line, 0, "", &all)
	return all
}

func walk(object []byte, offset int, prefix string, to *[]field) {
	dec := json.NewDecoder(bytes.NewReader(object))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return
	}
	for dec.More() {
		at := skip(object, int(dec.InputOffset()))
		name, err := dec.Token()
		if err != nil {
			return
		}
		valueAt := skip(object, int(dec.InputOffset()))
		var value json.RawMessage
		if dec.Decode(&value) != nil {
			return
		}
		f := field{path: prefix + name.(string), at: offset + at, valueAt: offset + valueAt, value: string(value)}
		*to = append(*to, f)
		if f.path == "spec" {
			walk(value, f.valueAt, "spec.", to)
		}
	}
}

// skip passes what is between a token and the next.
func skip(object []byte, i int) int {
	for i < len(object) && strings.IndexByte(" \t\r\n,:", object[i]) >= 0 {
		i++
	}
	return i
}
