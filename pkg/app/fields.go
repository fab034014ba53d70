package app

import (
	"reflect"
	"strings"
)

// field is what the struct tags say of one field.
type field struct {
	name     string
	index    int
	typ      reflect.Type
	required bool
	check    string // formats, by name
	each     string
	keys     string
	fallback string
	doc      string
}

// fieldsOf lists the fields of a struct that a file may have.
func fieldsOf(t reflect.Type) []field {
	var all []field
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		out := field{
			name: name, index: i, typ: f.Type,
			each: f.Tag.Get("each"), keys: f.Tag.Get("keys"),
			fallback: f.Tag.Get("default"), doc: f.Tag.Get("doc"),
		}
		for _, word := range strings.Split(f.Tag.Get("check"), ",") {
			if word == "required" {
				out.required = true
			} else {
				out.check = word
			}
		}
		all = append(all, out)
	}
	return all
}

func names(fields []field) []string {
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = f.name
	}
	return out
}

// homeOf is the path of the object, below t, that has a field of this name, or "".
func homeOf(t reflect.Type, name, path string) string {
	switch t.Kind() {
	case reflect.Pointer:
		return homeOf(t.Elem(), name, path)
	case reflect.Slice:
		return homeOf(t.Elem(), name, path+"[]")
	case reflect.Struct:
	default:
		return ""
	}
	for _, f := range fieldsOf(t) {
		if f.name == name {
			return path
		}
	}
	for _, f := range fieldsOf(t) {
		if home := homeOf(f.typ, name, join(path, f.name)); home != "" {
			return home
		}
	}
	return ""
}
