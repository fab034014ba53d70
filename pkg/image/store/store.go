// Package store copies images of machines between the places that keep them: Glance,
// OCI registries, Artifactory and files. A place is a [Store]; its package knows how to
// speak to it. Here is what they have in common: references, digests, and a copy that
// reads once and writes to many.
package store

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Store is a place that keeps images.
type Store interface {
	// Stat says what is there, [ErrNotFound] if nothing is.
	Stat(ctx context.Context, r Ref) (Info, error)
	// Open reads an image that Stat or List described, from an offset on.
	Open(ctx context.Context, i Info, offset int64) (io.ReadCloser, error)
	// Write makes an image of what the upload brings. Until the upload has come to its end
	// and the server's digest is the upload's, nothing is there under the name.
	Write(ctx context.Context, r Ref, u *Upload) (Info, error)
	// List finds the images that carry [App], or only those of one application.
	List(ctx context.Context, place Ref, application string) ([]Info, error)
	// Delete removes an image that Stat or List described.
	Delete(ctx context.Context, i Info) error
}

// Linker is a store that can make an image of content that it has already, without
// getting it again. The digest is a SHA-256.
type Linker interface {
	Link(ctx context.Context, r Ref, u *Upload, sha256 string) (i Info, done bool, err error)
}

// Fetcher is a store that can get the content of a URL without our help. The upload has
// none then; its From is the URL.
type Fetcher interface {
	Fetch(ctx context.Context, r Ref, u *Upload) (Info, error)
}

// Annotator is a store that can add properties later on.
type Annotator interface {
	Annotate(ctx context.Context, i Info, properties map[string]string) error
}

// Summer is a store whose images cost nothing to read, so that digests are computed
// when they are needed.
type Summer interface {
	Sum(ctx context.Context, i Info, algorithm string) (string, error)
}

// Waiter is a store whose images take time to become readable.
type Waiter interface {
	Wait(ctx context.Context, i Info) (Info, error)
}

// Kinds of failures of stores and copies.
var (
	ErrNotFound  = errors.New("no such image")
	ErrAmbiguous = errors.New("several images have the name")
	ErrTaken     = errors.New("the name is taken by another image")
	ErrNotReady  = errors.New("the image is not usable")
	ErrCorrupt   = errors.New("the digest is wrong")
	ErrDenied    = errors.New("not allowed")
	ErrQuota     = errors.New("quota exceeded")
	ErrStalled   = errors.New("no progress")
	ErrFailed    = errors.New("the store failed")
)

// Error is a sentence about an image, of one of the kinds above.
type Error struct {
	Ref  Ref
	Kind error
	Text string // what is wrong and what to do; empty if the kind says all
}

func (e *Error) Error() string {
	if e.Text == "" {
		return fmt.Sprintf("%s: %s", e.Ref, e.Kind)
	}
	return fmt.Sprintf("%s: %s", e.Ref, e.Text)
}

// Unwrap gives the kind.
func (e *Error) Unwrap() error { return e.Kind }

// Errorf is an [Error].
func Errorf(r Ref, kind error, format string, args ...any) error {
	return &Error{r, kind, fmt.Sprintf(format, args...)}
}

// AmbiguousError is an [ErrAmbiguous] with what there is to choose from.
type AmbiguousError struct {
	Ref    Ref
	Images []Info
}

func (e *AmbiguousError) Error() string {
	text := fmt.Sprintf("%s: %d images have this name; name one by its id:", e.Ref, len(e.Images))
	for _, i := range e.Images {
		text += fmt.Sprintf(" %s (%s, %s)", i.ID, i.State, i.Digests.short())
	}
	return text
}

// Unwrap makes it an [ErrAmbiguous].
func (e *AmbiguousError) Unwrap() error { return ErrAmbiguous }
