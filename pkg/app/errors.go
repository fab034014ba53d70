package app

import (
	"errors"
	"fmt"
	"strings"
)

// ErrNoSite means that no Site file was named and none lies in a usual place.
var ErrNoSite = errors.New(`no Site file: name one with --site FILE or YSTACK_SITE, or write $XDG_CONFIG_HOME/ystack/site.yaml (~/.config/ystack/site.yaml), for example:

apiVersion: ystack.dev/v1alpha1
kind: Site
metadata: {name: mine}
spec:
  registries: {push: registry.example/apps, bases: [docker.io]}`)

// FieldError is one problem of a file, with its place.
type FieldError struct {
	File         string
	Line, Column int    // from 1; 0 if the problem concerns the file as a whole
	Field        string // path such as spec.images.container; "" for the document itself
	Problem      string // what is wrong and what would be right
}

// Error reads as compilers write: file:line:column: field: problem.
func (e *FieldError) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Line, e.Column)
	}
	b.WriteString(": ")
	if e.Field != "" {
		b.WriteString(e.Field + ": ")
	}
	b.WriteString(e.Problem)
	return b.String()
}

// Errors are all the problems of a file, in its order.
type Errors []*FieldError

// Error has one line for each problem.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, problem := range e {
		lines[i] = problem.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.As find a [FieldError].
func (e Errors) Unwrap() []error {
	all := make([]error, len(e))
	for i, problem := range e {
		all[i] = problem
	}
	return all
}
