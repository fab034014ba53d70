package keystone

import (
	"slices"
	"strconv"
	"strings"
)

// ConfigError is a wrong value of a configuration. It is an [ErrInvalidConfig].
type ConfigError struct {
	// Origin is where it stands: file:line:column, a variable or a flag.
	Origin string
	// Field is openstackclient's name of it, empty for a file as a whole.
	Field string
	// Problem says what is wrong and what would be right.
	Problem string
}

// Error reads as compilers write: file:line:column: field: problem.
func (e *ConfigError) Error() string {
	var parts []string
	if e.Origin != "" {
		parts = append(parts, e.Origin)
	}
	if e.Field != "" {
		parts = append(parts, e.Field)
	}
	return strings.Join(append(parts, e.Problem), ": ")
}

// Unwrap makes it an [ErrInvalidConfig].
func (e *ConfigError) Unwrap() error { return ErrInvalidConfig }

// showKey shows a key of a file, unless it is so odd that it may be a secret in the
// wrong place.
func showKey(key string) string {
	const most = 40
	odd := func(r rune) bool {
		return r != '_' && r != '-' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}
	if len(key) > most || strings.ContainsFunc(key, odd) {
		return "a key"
	}
	return strconv.Quote(key)
}

func list(names []string) string {
	return strings.Join(slices.Sorted(slices.Values(names)), ", ")
}
