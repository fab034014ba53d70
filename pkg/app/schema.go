package app

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// Schema is the JSON schema (draft 2020-12) of a kind, for editors. It follows the
// types; only that ports differ from each other is left to the loader.
func Schema(kind string) ([]byte, error) {
	var t reflect.Type
	switch kind {
	case KindApplication:
		t = reflect.TypeFor[Application]()
	case KindSite:
		t = reflect.TypeFor[Site]()
	case KindTenantSync:
		t = reflect.TypeFor[TenantSync]()
	default:
		return nil, fmt.Errorf("no schema for the kind %q; there is one for %s", kind, strings.Join(kinds(), ", "))
	}
	schema := schemaOf(t, "", field{})
	schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	schema["title"] = "ystack " + kind
	out, err := json.MarshalIndent(schema, "", "  ")
	return append(out, '\n'), err
}

func schemaOf(t reflect.Type, check string, f field) map[string]any {
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(t.Elem(), check, f)
	case reflect.Struct:
		return objectSchema(t)
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(t.Elem(), f.each, f)}
	case reflect.Map:
		return map[string]any{
			"type":                 "object",
			"propertyNames":        stringSchema(formatOf(f.keys)),
			"additionalProperties": schemaOf(t.Elem(), f.each, f),
		}
	case reflect.Int32:
		limits := formatOf(check)
		return map[string]any{"type": "integer", "minimum": limits.low, "maximum": limits.high}
	default:
		return stringSchema(formatOf(check))
	}
}

func objectSchema(t reflect.Type) map[string]any {
	properties, required := map[string]any{}, []string{}
	for _, f := range fieldsOf(t) {
		property := schemaOf(f.typ, f.check, f)
		property["description"] = f.doc
		if f.fallback != "" {
			property["default"] = f.fallback
		}
		properties[f.name] = property
		if f.required {
			required = append(required, f.name)
		}
	}
	out := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		out["required"] = required
	}
	var all []any
	for _, r := range rulesOf(t) {
		all = append(all, r.schema())
	}
	if all != nil {
		out["allOf"] = all
	}
	return out
}

func stringSchema(f format) map[string]any {
	out := map[string]any{"type": "string"}
	if f.numbers {
		out["type"], out["minimum"] = []string{"string", "number"}, 0
	}
	if f.enum != nil {
		out["enum"] = f.enum
	}
	if f.length > 0 {
		out["maxLength"] = f.length
	}
	if len(f.patterns) == 1 {
		out["pattern"] = f.patterns[0]
	} else if len(f.patterns) > 1 {
		var all []any
		for _, pattern := range f.patterns {
			all = append(all, map[string]any{"pattern": pattern})
		}
		out["allOf"] = all
	}
	if f.not != "" {
		out["not"] = map[string]any{"pattern": f.not}
	}
	return out
}
