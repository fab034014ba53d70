package kube

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// maxAnswer bounds an answer that is read into memory: aggregated discovery of
// a cluster with hundreds of resource types is a few megabytes.
const maxAnswer = 64 << 20

// Open asks for a path of the API server, such as a subresource or a proxied
// page, with the client's credentials. Any HTTP status is an answer; the caller
// closes its body. accept may be empty.
func (c *Client) Open(ctx context.Context, path string, query url.Values, accept string) (*http.Response, error) {
	return c.send(ctx, http.MethodGet, path, query, accept, nil)
}

// Get is Open for an answer that is wanted whole; an HTTP error is an error,
// already explained.
func (c *Client) Get(ctx context.Context, path string, query url.Values, accept string) ([]byte, error) {
	return c.read(c.patiently(ctx, func() (*http.Response, error) { return c.send(ctx, http.MethodGet, path, query, accept, nil) }))
}

// Stream is Get for an answer that has no end, such as a watch's. The caller closes it.
func (c *Client) Stream(ctx context.Context, path string, query url.Values) (io.ReadCloser, error) {
	response, err := c.patiently(ctx, func() (*http.Response, error) {
		return c.send(ctx, http.MethodGet, path, query, "application/json", nil)
	})
	if err == nil && response.StatusCode < http.StatusBadRequest {
		return response.Body, nil
	}
	_, err = c.read(response, err)
	return nil, err
}

// post sends an object that is a question, such as a SelfSubjectAccessReview.
func (c *Client) post(ctx context.Context, path string, question any) ([]byte, error) {
	body, err := json.Marshal(question)
	if err != nil {
		return nil, err
	}
	return c.read(c.patiently(ctx, func() (*http.Response, error) {
		return c.send(ctx, http.MethodPost, path, nil, "application/json", body)
	}))
}

const (
	busyTries = 10               // as many as client-go's
	busyWait  = 30 * time.Second // at most, whatever the server says
)

// patiently asks again when a busy server has said it should. client-go does the same for
// what goes through [Client.Dynamic].
func (c *Client) patiently(ctx context.Context, ask func() (*http.Response, error)) (*http.Response, error) {
	for tries := 1; ; tries++ {
		response, err := ask()
		if err != nil || tries == busyTries {
			return response, err
		}
		seconds, err := strconv.Atoi(response.Header.Get("Retry-After"))
		busy := response.StatusCode == http.StatusTooManyRequests || response.StatusCode >= http.StatusInternalServerError
		if !busy || err != nil || seconds < 0 {
			return response, nil
		}
		response.Body.Close()
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(min(time.Duration(seconds)*time.Second, busyWait)):
		}
	}
}

func (c *Client) send(ctx context.Context, method, path string, query url.Values, accept string, body []byte) (*http.Response, error) {
	target := c.base.JoinPath(path)
	target.RawQuery = query.Encode()
	request, err := http.NewRequestWithContext(ctx, method, target.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if accept != "" {
		request.Header.Set("Accept", accept)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, c.Explain(err)
	}
	return response, nil
}

// read takes the whole answer, or the error that it is.
func (c *Client) read(response *http.Response, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, c.Explain(err)
	}
	if response.StatusCode >= http.StatusBadRequest {
		return nil, c.Explain(StatusError(response, body))
	}
	return body, nil
}

// StatusError is the error that an HTTP answer of the API server stands for.
func StatusError(response *http.Response, body []byte) error {
	var status metav1.Status
	if json.Unmarshal(body, &status) == nil && status.Kind == "Status" && status.Message != "" {
		return &apierrors.StatusError{ErrStatus: status}
	}
	return apierrors.NewGenericServerResponse(response.StatusCode, response.Request.Method,
		schema.GroupResource{}, "", response.Status, 0, true)
}
