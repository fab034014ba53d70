package image

import (
	"errors"
	"fmt"
	"strings"
)

// What went wrong, in one word; match with errors.Is.
var (
	// ErrNotFound: the registry answered, and has no such image.
	ErrNotFound = errors.New("not found")
	// ErrUnauthorized: the registry wants other credentials.
	ErrUnauthorized = errors.New("not authorized")
	// ErrUnreachable: no usable answer from the registry.
	ErrUnreachable = errors.New("no usable answer from the registry")
)

// Error is a question that a registry did not answer with yes.
type Error struct {
	Host   string // HOST or HOST:PORT
	Ref    string // what was asked for
	Kind   error  // ErrNotFound, ErrUnauthorized or ErrUnreachable
	Detail string // what the registry or the network said, without secrets
	Remedy string // what the user can do
}

// Error is one sentence: what is wrong, where, what to do.
func (e *Error) Error() string {
	text := fmt.Sprintf("%s: %s", e.Ref, e.Kind)
	if !strings.Contains(e.Ref, e.Host) {
		text = fmt.Sprintf("%s at %s: %s", e.Ref, e.Host, e.Kind)
	}
	if e.Detail != "" {
		text += " (" + e.Detail + ")"
	}
	if e.Remedy != "" {
		text += "; " + e.Remedy
	}
	return text
}

// Unwrap gives the sentinel.
func (e *Error) Unwrap() error { return e.Kind }

// NotFoundError is a base image that none of the places searched has.
type NotFoundError struct {
	Name  string   // as the Dockerfile has it
	Tried []string // references looked for, in order
}

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("base image %s: in none of %s; check the name, or add the registry that has it to spec.registries.bases of the site",
		e.Name, strings.Join(e.Tried, ", "))
}

// Unwrap gives ErrNotFound.
func (e *NotFoundError) Unwrap() error { return ErrNotFound }
