package hook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Install makes a repository's hook what it should be, and sees that a ping arrives.
type Install struct {
	Registry   *Registry
	Repository string
	// URL is where deliveries go: that of the server, as the code registry reaches it.
	URL    string
	Secret Secret
	// Wait is how long a ping may take.
	Wait time.Duration
}

// What [Install.Run] did, or would do.
const (
	HookCreated   = "created"
	HookUpdated   = "updated"
	HookUnchanged = "unchanged"
)

// ErrNoPing: the hook is there and nothing came of pinging it.
var ErrNoPing = errors.New("no ping arrived")

// Plan tells what Run would do, as far as can be seen: the code registry does not show secrets.
func (i *Install) Plan(ctx context.Context) (string, error) {
	old, err := i.find(ctx)
	switch {
	case err != nil:
		return "", err
	case old == nil:
		return HookCreated, nil
	case !good(old):
		return HookUpdated, nil
	}
	return HookUnchanged, nil
}

// Run creates the hook, or updates one that is not as it should be or does not work.
func (i *Install) Run(ctx context.Context) (did string, err error) {
	old, err := i.find(ctx)
	if err != nil {
		return "", err
	}
	before, err := i.lastPing(ctx)
	if err != nil {
		return "", err
	}
	did = HookCreated
	if old != nil {
		if good(old) {
			if err := i.ping(ctx, old.ID, before); err == nil || !errors.Is(err, ErrNoPing) {
				return HookUnchanged, err
			}
		}
		did = HookUpdated
	}
	id, err := i.put(ctx, old)
	if err != nil {
		return "", err
	}
	return did, i.ping(ctx, id, before)
}

func (i *Install) find(ctx context.Context) (*hookOf, error) {
	old, err := i.Registry.findHook(ctx, i.Repository, i.URL)
	if err != nil {
		return nil, fmt.Errorf("hooks of %s: %w", i.Repository, err)
	}
	return old, nil
}

func good(h *hookOf) bool {
	return h.Active && slices.Equal(h.Events, []string{"push"}) && h.Config["content_type"] == "json" && (h.Config["insecure_ssl"] == "" || h.Config["insecure_ssl"] == "0")
}

// put creates the hook or replaces the old one, and returns its id.
func (i *Install) put(ctx context.Context, old *hookOf) (int64, error) {
	want := hookOf{Active: true, Events: []string{"push"}, Config: map[string]string{
		"url": i.URL, "content_type": "json", "secret": string(i.Secret.value),
	}}
	path := "/repos/" + i.Repository + "/hooks"
	if i.Registry.Kind == KindGitHub {
		want.Name, want.Config["insecure_ssl"] = "web", "0"
		if old != nil {
			_, err := i.Registry.call(ctx, http.MethodPatch, fmt.Sprintf("%s/%d", path, old.ID), want, nil)
			return old.ID, err
		}
	} else {
		want.Type = "gitea"
	}
	var made hookOf
	if _, err := i.Registry.call(ctx, http.MethodPost, path, want, &made); err != nil {
		return 0, err
	}
	if old != nil { // Gitea keeps the secret of a hook that is edited, so it gets a new one first
		if _, err := i.Registry.call(ctx, http.MethodDelete, fmt.Sprintf("%s/%d", path, old.ID), nil, nil); err != nil {
			return 0, err
		}
	}
	return made.ID, nil
}

// ping has the code registry ping, and waits until the server knows of it.
func (i *Install) ping(ctx context.Context, hook int64, before string) error {
	what := "pings"
	if i.Registry.Kind == KindGitea {
		what = "tests" // a push that moves nothing
	}
	if _, err := i.Registry.call(ctx, http.MethodPost, fmt.Sprintf("/repos/%s/hooks/%d/%s", i.Repository, hook, what), nil, nil); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, i.Wait)
	defer cancel()
	for {
		last, err := i.lastPing(ctx)
		if err != nil {
			return err
		}
		if last != before {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-limited.Done():
			return fmt.Errorf("%w at %s within %v: the code registry's page of the hook tells why its deliveries fail", ErrNoPing, i.URL, i.Wait)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// lastPing asks the server which ping of the repository it got last.
func (i *Install) lastPing(ctx context.Context) (string, error) {
	query := url.Values{"repository": {i.Repository}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(i.URL, PathHook)+PathPing+"?"+query, nil)
	if err != nil {
		return "", err
	}
	req.Header.Set(headerSignature, i.Secret.signature(query))
	client := &http.Client{Timeout: 10 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		return "", fmt.Errorf("pipeline serve is not reached: %w", err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
	if err != nil {
		return "", err
	}
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusUnauthorized:
		return "", fmt.Errorf("pipeline serve at %s has another secret than the Site file here", i.URL)
	default:
		return "", fmt.Errorf("what answers at %s is not pipeline serve: %s", i.URL, resp.Status)
	}
	var state pingState
	if err := json.Unmarshal(data, &state); err != nil {
		return "", fmt.Errorf("what answers at %s is not pipeline serve: %w", i.URL, err)
	}
	return state.Delivery, nil
}
