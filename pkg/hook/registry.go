package hook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ystackdev/ystack/pkg/app"
)

// The kinds of code registries, as the Site file names them.
const (
	KindGitHub = "github"
	KindGitea  = "gitea"
)

// maxAnswer is how much of an answer is read.
const maxAnswer = 16 << 20

// Registry is the API of a code registry: what GitHub and Gitea have in common, and deliveries,
// which only GitHub lists.
type Registry struct {
	Kind  string
	api   string
	token string
	agent string
	http  *http.Client
}

// NewRegistry speaks to the code registry of a site.
func NewRegistry(code *app.Code, token, agent string) *Registry {
	return &Registry{Kind: code.Kind, api: apiOf(code), token: token, agent: agent, http: &http.Client{
		Timeout: 30 * time.Second,
		// A redirect could lead a token to another host; API addresses do not move.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func apiOf(code *app.Code) string {
	base := strings.TrimSuffix(code.URL, "/")
	switch {
	case code.API != "":
		return strings.TrimSuffix(code.API, "/")
	case code.Kind == KindGitea:
		return base + "/api/v1"
	case base == "https://github.com":
		return "https://api.github.com"
	}
	return base + "/api/v3"
}

// RegistryError is an answer other than success.
type RegistryError struct {
	Request string
	Code    int
	Message string
}

// Error has the registry's words and what they may mean.
func (e *RegistryError) Error() string {
	hint := ""
	switch e.Code {
	case http.StatusUnauthorized:
		hint = "; the token is not accepted"
	case http.StatusForbidden, http.StatusNotFound:
		hint = "; it is not there, or the token may not do that"
	}
	return fmt.Sprintf("the code registry answered %s with %d %s%s", e.Request, e.Code, e.Message, hint)
}

// refused reports whether err is such an answer.
func refused(err error, codes ...int) bool {
	var answer *RegistryError
	if !errors.As(err, &answer) {
		return false
	}
	for _, code := range codes {
		if answer.Code == code {
			return true
		}
	}
	return false
}

// call sends in and fills out, either of which may be nil, and returns the answer's header.
func (r *Registry) call(ctx context.Context, method, path string, in, out any) (http.Header, error) {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, r.api+path, body)
	if err != nil {
		return nil, err
	}
	if r.token != "" {
		req.Header.Set("Authorization", "token "+r.token)
	}
	req.Header.Set("User-Agent", r.agent)
	req.Header.Set("Accept", "application/json")
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := r.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("the code registry does not answer: %w", err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("the code registry's answer to %s %s broke off: %w", method, path, err)
	}
	if resp.StatusCode/100 != 2 {
		return nil, &RegistryError{method + " " + path, resp.StatusCode, messageOf(data)}
	}
	if out == nil || len(data) == 0 {
		return resp.Header, nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return nil, fmt.Errorf("the code registry's answer to %s %s is not understood: %w", method, path, err)
	}
	return resp.Header, nil
}

// messageOf is the registry's own word in an error, on one line.
func messageOf(data []byte) string {
	var body struct {
		Message string `json:"message"`
	}
	text := strings.TrimSpace(string(data))
	if json.Unmarshal(data, &body) == nil && body.Message != "" {
		text = body.Message
	}
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > 200 {
		text = text[:200] + "…"
	}
	return text
}

// status is a commit status as both kinds take it.
type status struct {
	State       string `json:"state"`
	Context     string `json:"context"`
	Description string `json:"description"`
}

func (r *Registry) setStatus(ctx context.Context, repository, commit string, s status) error {
	_, err := r.call(ctx, http.MethodPost, "/repos/"+repository+"/statuses/"+commit, s, nil)
	return err
}

// head is the commit that a branch is at, "" if there is no such branch.
func (r *Registry) head(ctx context.Context, repository, branch string) (string, error) {
	var answer struct {
		Commit struct {
			SHA string `json:"sha"` // GitHub
			ID  string `json:"id"`  // Gitea
		} `json:"commit"`
	}
	_, err := r.call(ctx, http.MethodGet, "/repos/"+repository+"/branches/"+url.PathEscape(branch), nil, &answer)
	if refused(err, http.StatusNotFound) {
		return "", nil
	}
	return answer.Commit.SHA + answer.Commit.ID, err
}

// hookOf is a hook of a repository.
type hookOf struct {
	ID     int64             `json:"id"`
	Type   string            `json:"type,omitempty"`
	Name   string            `json:"name,omitempty"`
	Active bool              `json:"active"`
	Events []string          `json:"events"`
	Config map[string]string `json:"config"`
}

// findHook is the repository's hook that goes to an address, nil if there is none.
func (r *Registry) findHook(ctx context.Context, repository, address string) (*hookOf, error) {
	for page := 1; ; page++ {
		var hooks []hookOf
		path := "/repos/" + repository + "/hooks?per_page=100&limit=50&page=" + strconv.Itoa(page)
		if _, err := r.call(ctx, http.MethodGet, path, nil, &hooks); err != nil {
			return nil, err
		}
		for _, h := range hooks {
			if h.Config["url"] == address {
				return &h, nil
			}
		}
		if len(hooks) == 0 {
			return nil, nil
		}
	}
}
