package keystone

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
)

// ServiceCall is a request to a service whose answer is small.
type ServiceCall struct {
	Method, Service, Path string      // as for [Session.Request]
	Header                http.Header // beside the session's own and Content-Type, which is JSON's if it is not here
	In                    any         // sent as JSON; nil for none
	Limit                 int64       // of the answer's body, in bytes; what is beyond does not count
}

// Call sends a request with a token and reads what comes back, whatever its status is. If
// the body breaks off there is an answer beside the error.
func (s *Session) Call(ctx context.Context, c ServiceCall) (*http.Response, []byte, error) {
	var body io.Reader
	if c.In != nil {
		data, err := json.Marshal(c.In)
		if err != nil {
			return nil, nil, err
		}
		body = bytes.NewReader(data)
	}
	request, err := s.Request(ctx, c.Method, c.Service, c.Path, body)
	if err != nil {
		return nil, nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	for name := range c.Header {
		request.Header.Set(name, c.Header.Get(name))
	}
	answer, err := s.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(io.LimitReader(answer.Body, c.Limit))
	return answer, data, err
}
