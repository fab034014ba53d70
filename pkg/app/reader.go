package app

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

const utf8BOM = "\xef\xbb\xbf"

// reader turns the text of one file into documents and collects its problems.
type reader struct {
	file string
	errs Errors
}

func (r *reader) fail(at position, field, format string, args ...any) {
	r.errs = append(r.errs, &FieldError{
		File: r.file, Line: at.line, Column: at.column,
		Field: field, Problem: fmt.Sprintf(format, args...),
	})
}

// documents are the roots of the documents in data; empty ones do not count.
func (r *reader) documents(data []byte) []*node {
	data = bytes.TrimPrefix(data, []byte(utf8BOM))
	if !r.isText(data) {
		return nil
	}
	var roots []*node
	for _, part := range split(string(data)) {
		if root := r.parseDocument(part); root != nil {
			roots = append(roots, root)
		}
	}
	return roots
}

func (r *reader) isText(data []byte) bool {
	switch {
	case len(data) > maxFileSize:
		r.fail(position{}, "", "is larger than 1 MiB; this cannot be a ystack file")
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		r.fail(position{}, "", "is UTF-16; save it as UTF-8")
	case !utf8.Valid(data):
		r.fail(firstInvalid(data), "", "is not valid UTF-8 from here on; save the file as UTF-8")
	default:
		return true
	}
	return false
}

// firstInvalid is the place of the first byte that is not UTF-8.
func firstInvalid(data []byte) position {
	at := position{1, 1}
	for len(data) > 0 {
		char, size := utf8.DecodeRune(data)
		if char == utf8.RuneError && size == 1 {
			return at
		}
		at.column++
		if char == '\n' {
			at = position{at.line + 1, 1}
		}
		data = data[size:]
	}
	return at
}

// part is the text of one document; before is the number of lines above it.
type part struct {
	text   string
	before int
}

// split cuts a file into its documents. A line that starts with --- or ... ends a
// document wherever it stands, inside scalars too, so this needs no parser. (The
// parser's own way loses what follows an empty document.)
func split(text string) []part {
	var parts []part
	var current strings.Builder
	start, number := 0, 0
	flush := func() {
		parts = append(parts, part{current.String(), start})
		current.Reset()
	}
	for line := range strings.Lines(text) {
		switch {
		case isMarker(line, "---"):
			if onlyPreamble(current.String()) {
				current.Reset()
			} else {
				flush()
			}
			start = number
			line = "   " + line[3:] // content may follow on the same line
		case isMarker(line, "..."):
			flush()
			start = number
			line = strings.TrimLeft(line, ".")
		}
		current.WriteString(line)
		number++
	}
	flush()
	return parts
}

func isMarker(line, marker string) bool {
	rest, found := strings.CutPrefix(line, marker)
	return found && (rest == "" || strings.ContainsRune(" \t\r\n", rune(rest[0])))
}

// onlyPreamble tells whether text has nothing but directives, comments and blanks.
func onlyPreamble(text string) bool {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line != "" && line[0] != '#' && line[0] != '%' {
			return false
		}
	}
	return true
}

// choose picks the document of a kind. A file may hold one of each.
func (r *reader) choose(documents []*node, kind string) *node {
	var chosen *node
	others := 0
	for _, document := range documents {
		switch found := document.child("kind").string(); {
		case found == kind && chosen != nil:
			r.fail(document.at, "", "a second %s; a file may hold only one (the first is at line %d)", kind, chosen.at.line)
		case found == kind:
			chosen = document
		case slices.Contains(kinds(), found):
			others++
		case len(documents) == 1:
			return document // its kind is reported with all its other problems
		default:
			r.unknownKind(document)
		}
	}
	if chosen == nil && len(r.errs) == 0 {
		r.noDocument(documents, kind)
	}
	return chosen
}

func (r *reader) unknownKind(document *node) {
	found := document.child("kind")
	if found == nil {
		r.fail(document.at, "", "a document without kind; add kind: %s", strings.Join(kinds(), " or kind: "))
		return
	}
	r.fail(found.at, "kind", "unknown kind %q; allowed: %s", found.text, strings.Join(kinds(), ", "))
}

func (r *reader) noDocument(documents []*node, kind string) {
	if len(documents) == 0 {
		r.fail(position{}, "", "is empty; it needs apiVersion, kind: %s, metadata and spec", kind)
		return
	}
	found := documents[0].child("kind")
	r.fail(found.at, "kind", "this is %s; %s is expected here", article(found.text), article(kind))
}

func article(kind string) string {
	if kind == KindApplication {
		return "an " + kind
	}
	return "a " + kind
}
