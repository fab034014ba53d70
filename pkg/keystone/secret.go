package keystone

import (
	"encoding/json"
	"fmt"
)

// Secret is a string that nothing prints: not fmt in any of its verbs, not JSON or
// YAML, not slog. What must have it calls [Secret.Reveal].
type Secret string

const hidden = "[secret]"

// Reveal is the secret itself.
func (s Secret) Reveal() string { return string(s) }

func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// GoString is for %#v.
func (s Secret) GoString() string { return `"` + s.String() + `"` }

// Format makes every verb, %x and %q included, print the same.
func (s Secret) Format(f fmt.State, verb rune) {
	if verb == 'v' && f.Flag('#') {
		fmt.Fprint(f, s.GoString())
		return
	}
	fmt.Fprint(f, s.String())
}

// MarshalText hides the secret from encoders.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON hides the secret. Requests reveal it explicitly.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }
