package oci

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/ystackdev/ystack/pkg/image"
	"github.com/ystackdev/ystack/pkg/image/store"
)

// upload is one under way at the registry.
type upload struct {
	repo     *image.Repository
	ref      store.Ref
	location *url.URL
	at       int64  // bytes that the registry has
	memory   string // file that remembers the upload; empty for none
	lock     *flock.Flock
}

func start(ctx context.Context, repo *image.Repository, r store.Ref) (*upload, error) {
	up := &upload{repo: repo, ref: r, location: repo.URL("blobs/uploads/")}
	return up, up.do(ctx, http.MethodPost, nil, "", http.StatusAccepted)
}

// do sends a request to where the upload is, and learns where it goes on.
func (up *upload) do(ctx context.Context, method string, data []byte, digest string, status int) error {
	at := *up.location
	if digest != "" {
		query := at.Query()
		query.Set("digest", digest)
		at.RawQuery = query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, at.String(), bytes.NewReader(data))
	if err != nil {
		return err
	}
	if len(data) > 0 {
		req.Header.Set("Content-Type", "application/octet-stream")
		req.Header.Set("Content-Range", fmt.Sprintf("%d-%d", up.at, up.at+int64(len(data))-1))
	}
	answer, err := up.repo.Do(req, reference(up.ref), status)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if next, err := at.Parse(answer.Header.Get("Location")); err == nil && answer.Header.Get("Location") != "" {
		up.location = next
	}
	if method == http.MethodGet {
		up.at = received(answer.Header.Get("Range"))
	}
	return nil
}

// received reads how much a registry has: 0-N, where N is the last byte; 0-0 is what
// registries say of an upload that has just begun.
func received(header string) int64 {
	_, last, _ := strings.Cut(strings.TrimPrefix(header, "bytes="), "-")
	n, err := strconv.ParseInt(last, 10, 64)
	if err != nil || n <= 0 {
		return 0
	}
	return n + 1
}

// tries is how often a chunk is sent, from where the registry has got to.
const tries = 4

// send brings the registry up to the end of a chunk that begins at an offset.
func (up *upload) send(ctx context.Context, offset int64, data []byte) error {
	end := offset + int64(len(data))
	var err error
	for try := range tries {
		if try > 0 {
			if !pause(ctx, time.Second<<try/4) {
				return context.Cause(ctx)
			}
			if up.do(ctx, http.MethodGet, nil, "", http.StatusNoContent) != nil {
				continue // the first error says more
			}
		}
		if up.at >= end {
			return nil
		}
		if up.at < offset {
			up.forget()
			return store.Errorf(up.ref, store.ErrFailed, "the registry has lost a part of the upload; copy again")
		}
		rest := data[up.at-offset:]
		if sending := up.do(ctx, http.MethodPatch, rest, "", http.StatusAccepted); sending == nil {
			up.at += int64(len(rest))
			up.remember()
			return nil
		} else if err == nil {
			err = sending
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return err
}

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

func (up *upload) commit(ctx context.Context, digest string) error {
	err := up.do(ctx, http.MethodPut, nil, digest, http.StatusCreated)
	if err == nil || ctx.Err() == nil {
		up.forget() // what was refused once is refused again
	}
	return err
}

// abandon takes an upload back that nothing can go on with.
func (up *upload) abandon(ctx context.Context, cause error) {
	if up.memory != "" && !errors.Is(cause, store.ErrCorrupt) {
		return
	}
	up.forget()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	_ = up.do(ctx, http.MethodDelete, nil, "", http.StatusNoContent)
}
