package abac

import (
	"cmp"
	"slices"
	"strings"
)

// Lint tells everything about a policy file that its author should know, in the order
// of the lines.
func Lint(name string, data []byte) []Finding {
	l := &linter{file: name}
	var rules []Rule
	for n, line := range lineByLine(data) {
		d, err := readLine(line)
		if err != nil {
			l.found = append(l.found, refusal(name, n, line, d, err))
			continue
		}
		d.rule.Line = n
		// A rule that is not what it seems to be makes no other superfluous.
		if l.line(n, line, d) {
			rules = append(rules, d.rule)
		}
	}
	l.redundant(rules)
	slices.SortStableFunc(l.found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return l.found
}

type linter struct {
	file  string
	found []Finding

	n      int
	text   []byte
	fields []field
}

// line checks one line by itself, and tells whether there is no error in it.
func (l *linter) line(n int, text []byte, d decoded) bool {
	l.n, l.text, l.fields = n, text, fields(text)
	before := len(l.found)
	switch {
	case d.yaml:
		l.add(Error, "", "not a JSON object; the API server reads it as YAML: "+d.rule.String())
	case d.v0:
		l.spelling(d, v0Fields)
		l.version0(d)
	default:
		l.spelling(d, v1beta1Fields)
		l.subject(d.spec)
		l.wide(d.rule)
	}
	l.names(d.spec)
	l.target(d)
	return !slices.ContainsFunc(l.found[before:], func(f Finding) bool { return f.Severity == Error })
}

// add says something about the field's value, or about the line if it has no such field.
func (l *linter) add(severity Severity, name, text string) {
	at := 0
	for _, f := range l.fields {
		if name != "" && f.name() == name {
			at = f.valueAt
		}
	}
	l.addAt(severity, at, text)
}

func (l *linter) addAt(severity Severity, offset int, text string) {
	l.found = append(l.found, Finding{File: l.file, Line: l.n, Column: column(l.text, offset), Severity: severity, Text: text})
}

// spelling finds fields that the API server passes over, and those that it overwrites.
func (l *linter) spelling(d decoded, known []string) {
	seen := map[string]bool{}
	for _, f := range l.fields {
		path := f.path
		// Only of these two the case does not matter.
		for _, name := range []string{"apiVersion", "kind"} {
			if strings.EqualFold(path, name) {
				path = name
			}
		}
		switch {
		case d.v0 && path == "spec":
			l.addAt(Error, f.at, `the API server passes over "spec" in a line without "apiVersion" and "kind"`)
		case d.v0 && strings.HasPrefix(path, "spec."): // said with spec
		case !slices.Contains(known, path):
			l.addAt(Error, f.at, unknown(f, known, d))
		case seen[path]:
			l.addAt(Error, f.at, quoted(f.name())+" is given twice; the last one counts")
		}
		seen[path] = true
	}
}

func unknown(f field, known []string, d decoded) string {
	text := "the API server passes over " + quoted(f.path)
	near := ""
	for _, k := range known {
		name := k[strings.LastIndexByte(k, '.')+1:]
		if nearlyEqual(f.name(), name) {
			near = k
		}
	}
	switch {
	case near == "" && d.v0:
		return text + ": version 0 of the format has no such field"
	case near == "":
		return text + ": the format has no such field"
	case strings.HasSuffix(near, "readonly") && !d.rule.Readonly:
		return text + ", so this line allows writing; the field is " + quoted(near)
	}
	return text + "; the field is " + quoted(near)
}

// nearlyEqual: but for case, separators and one letter too many, missing or wrong.
func nearlyEqual(a, b string) bool {
	plain := strings.NewReplacer("_", "", "-", "", " ", "")
	a, b = strings.ToLower(plain.Replace(a)), strings.ToLower(plain.Replace(b))
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return len(a) <= 1 && len(b) <= 1 || len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0]
}

func quoted(s string) string { return `"` + s + `"` }

func (l *linter) version0(d decoded) {
	severity := Warning
	if d.spec.User == "" && d.spec.Group == "" {
		severity = Error
	}
	l.add(severity, "", `read as version 0, in which what is not said is granted: `+d.rule.String()+
		`; write "apiVersion":"`+apiVersion+`","kind":"`+kind+`"`)
}
