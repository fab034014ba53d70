package kubernetes

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/json"

	"github.com/ystackdev/ystack/pkg/deploy"
	"github.com/ystackdev/ystack/pkg/kube"
)

const (
	checkFor   = 10 * time.Second
	checkEvery = 250 * time.Millisecond
	maxBody    = 4 << 10
)

// Check fetches the release's health path through the API server's proxy of the
// Service. Right after a rollout the first request can miss, so a Service
// without endpoints is asked again for a few seconds.
func (d *Deployer) Check(ctx context.Context, r Release) (Check, error) {
	if r.Health == nil || r.Health.HTTP == nil {
		return Check{Outcome: NotHTTP, Detail: "the application has no health.http"}, nil
	}
	path := healthPath(r.Health.HTTP)
	s, err := d.service(ctx, r)
	if errors.Is(err, kube.ErrForbidden) {
		return Check{Outcome: Forbidden, Path: path, Detail: err.Error()}, nil
	}
	if err != nil {
		return Check{}, err
	}
	if s == nil {
		return Check{Outcome: NoService, Path: path, Detail: "the application has no ports"}, nil
	}
	port, ok := s.healthPort(r)
	if !ok {
		return Check{Outcome: NoService, Path: path, Detail: "no port of the Service leads to the one of health.http"}, nil
	}
	for deadline := time.Now().Add(checkFor); ; {
		check, err := d.fetch(ctx, s.proxyPath(port, path))
		check.Path = path
		again := check.Outcome == NoEndpoints || check.Outcome == NoAnswer
		if err != nil || !again || time.Now().After(deadline) {
			return check, err
		}
		if err := deploy.Pause(ctx, checkEvery); err != nil {
			return check, err
		}
	}
}

// fetch is one request through the proxy.
func (d *Deployer) fetch(ctx context.Context, path string) (Check, error) {
	path, rawQuery, _ := strings.Cut(path, "?")
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return Check{}, err
	}
	response, err := d.Client.Open(ctx, path, query, "*/*")
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.Is(err, kube.ErrUnreachable) {
		return Check{Outcome: NoAnswer, Detail: err.Error()}, err
	}
	if err != nil {
		return Check{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	if err != nil {
		return Check{Outcome: NoAnswer, Detail: err.Error()}, nil
	}
	return outcome(response, body), nil
}

// outcome tells an answer of the application from one of the API server's.
func outcome(response *http.Response, body []byte) Check {
	var status metav1.Status
	if json.Unmarshal(body, &status) != nil || status.Kind != "Status" || status.APIVersion != "v1" || status.Status != metav1.StatusFailure {
		return Check{Outcome: Answered, Status: response.StatusCode, Body: body}
	}
	switch {
	case response.StatusCode == http.StatusForbidden, response.StatusCode == http.StatusUnauthorized:
		return Check{Outcome: Forbidden, Detail: status.Message}
	case strings.Contains(status.Message, "no endpoints available"):
		return Check{Outcome: NoEndpoints, Detail: status.Message}
	}
	return Check{Outcome: NoAnswer, Detail: status.Message}
}
