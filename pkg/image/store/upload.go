package store

import (
	"context"
	"errors"
	"io"
	"net/http"
)

// Upload is what a store gets to write. Its content comes in blocks, as fast as the
// slowest of the stores takes them.
type Upload struct {
	From       Ref
	Size       int64
	Format     string
	Properties map[string]string
	Visibility string
	Tags       []string
	Protected  bool
	// Known are the digests that are known before the content is read.
	Known   Digests
	Version string // of the source, where no digest is known

	sink *sink
}

// Next is the next block, valid until the call after. [io.EOF] comes when the whole
// content was read and is what the source says it is; any other error means that
// what has come so far is worth nothing.
func (u *Upload) Next(ctx context.Context) ([]byte, error) { return u.sink.next(ctx) }

// Sums are the digests of what was read; they are known after [io.EOF].
func (u *Upload) Sums() Digests {
	u.sink.pump.mu.Lock()
	defer u.sink.pump.mu.Unlock()
	return u.sink.pump.sums
}

// Reader is the content as a stream.
func (u *Upload) Reader(ctx context.Context) io.Reader { return &uploadReader{ctx: ctx, upload: u} }

// Body is the content for a request that tells its length. Without any, it waits for the
// end, which nobody would read.
func (u *Upload) Body(ctx context.Context) (io.Reader, error) {
	if u.Size > 0 {
		return u.Reader(ctx), nil
	}
	if _, err := u.Next(ctx); !errors.Is(err, io.EOF) {
		return nil, err
	}
	return http.NoBody, nil
}

// Cause is why the content broke off, if it did: what a library makes of an error of
// its reader often hides that.
func (u *Upload) Cause(err error) error {
	if end := u.sink.failure(); end != nil && !errors.Is(end, io.EOF) {
		return end
	}
	return err
}

type uploadReader struct {
	ctx    context.Context //nolint:containedctx // io.Reader takes none
	upload *Upload
	rest   []byte
}

func (r *uploadReader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		block, err := r.upload.Next(r.ctx)
		if err != nil {
			return 0, err
		}
		r.rest = block
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// WriteTo spares a copy of every block.
func (r *uploadReader) WriteTo(w io.Writer) (written int64, err error) {
	for {
		if len(r.rest) == 0 {
			if r.rest, err = r.upload.Next(r.ctx); errors.Is(err, io.EOF) {
				return written, nil
			} else if err != nil {
				return written, err
			}
		}
		n, err := w.Write(r.rest)
		written += int64(n)
		r.rest = r.rest[n:]
		if err != nil {
			return written, err
		}
	}
}
