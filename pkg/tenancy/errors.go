package tenancy

import "errors"

// ErrPartial: an answer of Keystone's lacks something that it must have. Nothing may be
// concluded from what is missing in it.
var ErrPartial = errors.New("keystone's answer is not whole")

// kindError is a sentence, of a kind: ErrPartial, or one of package keystone's.
type kindError struct {
	kind    error
	message string
}

func (e *kindError) Error() string { return e.message }

func (e *kindError) Unwrap() error { return e.kind }
