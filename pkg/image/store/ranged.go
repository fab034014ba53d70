package store

import (
	"fmt"
	"io"
	"net/http"
	"strings"
)

// From is the body of an answer to a ranged request, from the offset on: a server may
// answer with everything.
func From(answer *http.Response, offset int64) (io.ReadCloser, error) {
	body := answer.Body
	if answer.StatusCode == http.StatusPartialContent {
		if !strings.HasPrefix(answer.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", offset)) {
			_ = body.Close()
			return nil, fmt.Errorf("%w: it answers with another range than was asked for", ErrFailed)
		}
		return body, nil
	}
	if _, err := io.CopyN(io.Discard, body, offset); err != nil {
		_ = body.Close()
		return nil, fmt.Errorf("%w: its answer ends before byte %d", ErrFailed, offset)
	}
	return body, nil
}
