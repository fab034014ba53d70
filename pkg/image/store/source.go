package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// attempts is how often in a row a source is opened again without a byte coming.
const attempts = 5

// source reads an image and goes on where it was when the connection breaks. It ends
// after exactly as many bytes as the image has.
type source struct {
	ctx   context.Context //nolint:containedctx // io.Reader takes none
	store Store
	info  Info
	limit time.Duration // without a byte
	pause time.Duration // before the second attempt; then twice as long each time

	at     int64
	body   io.ReadCloser
	cancel context.CancelCauseFunc
	failed int
	last   error
}

func (s *source) Read(p []byte) (int, error) {
	for {
		if s.at == s.info.Size {
			return 0, s.overrun()
		}
		if s.body == nil {
			if err := s.open(); err != nil {
				return 0, err
			}
			continue
		}
		n, err := s.read(p[:min(int64(len(p)), s.info.Size-s.at)])
		s.at += int64(n)
		if err != nil {
			s.close()
			s.last = err
		}
		if n > 0 {
			s.failed = 0
			return n, nil
		}
		if err != nil {
			s.failed++
		}
	}
}

// read ends a connection that brings nothing.
func (s *source) read(p []byte) (int, error) {
	tick := time.AfterFunc(s.limit, func() { s.cancel(fmt.Errorf("%w for %s", ErrStalled, s.limit)) })
	defer tick.Stop()
	return s.body.Read(p)
}

// open leaves the body nil when it is worth another attempt.
func (s *source) open() error {
	if s.failed >= attempts {
		return Errorf(s.info.Ref, ErrFailed, "broke off %d times at byte %d of %d (%v); try again later", s.failed, s.at, s.info.Size, s.last)
	}
	if s.failed > 0 {
		select {
		case <-time.After(s.pause << (s.failed - 1)):
		case <-s.ctx.Done():
		}
	}
	if s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	ctx, cancel := context.WithCancelCause(s.ctx)
	tick := time.AfterFunc(s.limit, func() { cancel(fmt.Errorf("%w for %s", ErrStalled, s.limit)) })
	defer tick.Stop()
	body, err := s.store.Open(ctx, s.info, s.at)
	switch {
	case err == nil:
		s.body, s.cancel = body, cancel
	case s.ctx.Err() != nil:
		cancel(nil)
		return context.Cause(s.ctx)
	case permanent(err):
		cancel(nil)
		return err
	default:
		cancel(nil)
		s.failed, s.last = s.failed+1, err
	}
	return nil
}

// permanent failures are not worth another attempt.
func permanent(err error) bool {
	for _, kind := range []error{ErrNotFound, ErrDenied, ErrNotReady, ErrCorrupt} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// overrun makes sure that nothing comes after the end.
func (s *source) overrun() error {
	if s.body == nil {
		return io.EOF
	}
	defer s.close()
	var one [1]byte
	if n, _ := s.read(one[:]); n > 0 {
		return Errorf(s.info.Ref, ErrCorrupt, "is longer than the %d bytes that it should have", s.info.Size)
	}
	return io.EOF
}

func (s *source) close() {
	if s.body != nil {
		_ = s.body.Close()
		s.cancel(nil)
		s.body = nil
	}
}
