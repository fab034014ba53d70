package app

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/ystackdev/ystack/pkg/suggest"
)

// binder fills Go values from nodes, as the struct tags say.
type binder struct {
	*reader
	root reflect.Type
}

func (b *binder) object(v reflect.Value, n *node, path string) {
	if !b.expect(n, objectNode, path) {
		return
	}
	fields := fieldsOf(v.Type())
	seen := map[string]position{}
	for _, e := range n.entries {
		f, known := lookup(fields, e.key)
		if !known {
			b.unknown(e, path, fields)
			continue
		}
		if b.repeated(e, path, seen) {
			continue
		}
		b.value(v.Field(f.index), e.value, join(path, f.name), f.check, f)
	}
	for _, f := range fields {
		if _, given := seen[f.name]; f.required && !given {
			b.fail(n.at, path, "missing field %q%s", f.name, b.hint(f))
		}
	}
	for _, r := range rulesOf(v.Type()) {
		r.apply(b, n, path)
	}
}

// hint says what a missing field must be, where there is only one possibility.
func (b *binder) hint(f field) string {
	if enum := formatOf(f.check).enum; len(enum) == 1 {
		return fmt.Sprintf("; write %s: %s", f.name, enum[0])
	}
	return ""
}

func lookup(fields []field, name string) (field, bool) {
	for _, f := range fields {
		if f.name == name {
			return f, true
		}
	}
	return field{}, false
}

func (b *binder) unknown(e entry, path string, fields []field) {
	known := names(fields)
	hint := suggest.DidYouMean(e.key, known)
	if home := homeOf(b.root, e.key, ""); hint == "" && home != "" {
		hint = "; it belongs in " + home
	}
	if hint == "" {
		hint = "; known: " + strings.Join(known, ", ")
	}
	b.fail(e.at, path, "unknown field %s%s", quote(e.key), hint)
}

// repeated reports and remembers keys; what a merge brings is not in seen twice.
func (b *binder) repeated(e entry, path string, seen map[string]position) bool {
	if first, again := seen[e.key]; again {
		b.fail(e.at, path, "%s is given twice; first at line %d", quote(e.key), first.line)
		return true
	}
	seen[e.key] = e.at
	return false
}

func (b *binder) expect(n *node, kind nodeKind, path string) bool {
	switch n.kind {
	case kind:
		return true
	case nullNode:
		b.fail(n.at, path, "has no value; give one or remove the field%s", map[nodeKind]string{objectNode: " ({} is an object with nothing in it)"}[kind])
	default:
		b.fail(n.at, path, "must be %s, not %s", kind, n.kind)
	}
	return false
}

// value fills v. The format is the field's own, or that of its elements.
func (b *binder) value(v reflect.Value, n *node, path, check string, f field) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		b.value(v.Elem(), n, path, check, f)
	case reflect.Struct:
		b.object(v, n, path)
	case reflect.Slice:
		b.list(v, n, path, f)
	case reflect.Map:
		b.dictionary(v, n, path, f)
	case reflect.String:
		b.text(v, n, path, formatOf(check))
	case reflect.Int32:
		b.number(v, n, path, formatOf(check))
	default:
		panic("app: no rule to load a " + v.Type().String())
	}
}

func (b *binder) list(v reflect.Value, n *node, path string, f field) {
	if !b.expect(n, listNode, path) {
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.items), len(n.items)))
	for i, item := range n.items {
		b.value(v.Index(i), item, fmt.Sprintf("%s[%d]", path, i), f.each, f)
	}
}

func (b *binder) dictionary(v reflect.Value, n *node, path string, f field) {
	if !b.expect(n, objectNode, path) {
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	seen := map[string]position{}
	for _, e := range n.entries {
		if b.repeated(e, path, seen) {
			continue
		}
		if problem := formatOf(f.keys).problem(e.key); problem != "" {
			b.fail(e.at, path, "name %s", problem)
			continue
		}
		element := reflect.New(v.Type().Elem()).Elem()
		b.value(element, e.value, join(path, e.key), f.each, f)
		v.SetMapIndex(reflect.ValueOf(e.key), element)
	}
}

func (b *binder) text(v reflect.Value, n *node, path string, f format) {
	switch n.kind {
	case stringNode:
	case integerNode, floatNode, boolNode:
		if f.scalars || f.numbers && n.kind != boolNode {
			break
		}
		b.fail(n.at, path, "must be a string; %s", howToQuote(n.text, f))
		return
	default:
		b.expect(n, stringNode, path)
		return
	}
	if problem := f.problem(n.text); problem != "" {
		b.fail(n.at, path, "%s", problem)
		return
	}
	v.SetString(n.text)
}

func howToQuote(text string, f format) string {
	if f.private {
		return "put quotes around it"
	}
	return "quote it: " + quote(text)
}

// number takes plain decimals only: 0777 and 1_000 mean different things in
// different versions of YAML.
func (b *binder) number(v reflect.Value, n *node, path string, f format) {
	i, err := strconv.ParseInt(n.text, 10, 64)
	switch {
	case n.kind == stringNode && err == nil:
		b.fail(n.at, path, "must be a number, not a string; remove the quotes around %s", n.text)
	case n.kind != integerNode && n.kind != floatNode:
		b.expect(n, integerNode, path)
	case err != nil || len(n.text) > 1 && n.text[0] == '0':
		b.fail(n.at, path, "%s %s, in plain decimal digits", n.text, f.must)
	case f.numberProblem(i) != "":
		b.fail(n.at, path, "%s", f.numberProblem(i))
	default:
		v.SetInt(i)
	}
}
