//go:build linux

package catalog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/ystackdev/ystack/lab/process"
	"github.com/ystackdev/ystack/lab/service"
)

// Gitea's administrator, and who owns the example and pushes to it.
const (
	giteaAdmin         = "lab-admin"
	giteaAdminPassword = "secret-of-lab-admin"
	giteaUser          = "dev"
	giteaUserPassword  = "secret-of-dev"
	giteaExample       = "hello"
)

// seedGitea makes the two users, a token of the second in etc/gitea/token, and
// its repository dev/hello with the example application.
func seedGitea(ctx context.Context, l *service.Lab) error {
	admin := giteaClient(giteaAdmin, giteaAdminPassword)
	if admin.call(ctx, http.MethodGet, "/user", nil, nil) != nil {
		if err := createAdmin(ctx, l); err != nil {
			return err
		}
	}
	err := admin.call(ctx, http.MethodPost, "/admin/users", map[string]any{
		"username": giteaUser, "password": giteaUserPassword, "email": giteaUser + "@lab.example", "must_change_password": false,
	}, nil)
	if err != nil && !isThere(err) {
		return err
	}
	if err := seedToken(ctx, l); err != nil {
		return err
	}
	return seedExample(ctx, l)
}

func createAdmin(ctx context.Context, l *service.Lab) error {
	argv := giteaCommand(l, "admin", "user", "create", "--admin", "--username", giteaAdmin, "--password", giteaAdminPassword,
		"--email", giteaAdmin+"@lab.example", "--must-change-password=false")
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = l.Environ()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("create gitea's administrator: %w: %s", err, out)
	}
	return nil
}

// seedToken writes a token of the user, unless the one that is there works.
func seedToken(ctx context.Context, l *service.Lab) error {
	file := l.Etc("gitea/token")
	if token, err := os.ReadFile(file); err == nil && giteaClient(giteaUser, strings.TrimSpace(string(token))).call(ctx, http.MethodGet, "/user", nil, nil) == nil {
		return nil
	}
	user := giteaClient(giteaUser, giteaUserPassword)
	// Gitea tells a token once, when it is made.
	_ = user.call(ctx, http.MethodDelete, "/users/"+giteaUser+"/tokens/lab", nil, nil)
	var token struct {
		Value string `json:"sha1"`
	}
	if err := user.call(ctx, http.MethodPost, "/users/"+giteaUser+"/tokens", map[string]any{
		"name": "lab", "scopes": []string{"write:repository", "write:user", "read:organization"},
	}, &token); err != nil {
		return err
	}
	return process.WriteFile(file, []byte(token.Value+"\n"), 0o600)
}

// seedExample pushes examples/hello of this checkout, once.
func seedExample(ctx context.Context, l *service.Lab) error {
	user := giteaClient(giteaUser, giteaUserPassword)
	var repository struct {
		Empty bool `json:"empty"`
	}
	path := "/repos/" + giteaUser + "/" + giteaExample
	err := user.call(ctx, http.MethodGet, path, nil, &repository)
	if err == nil && !repository.Empty || l.Repo == "" {
		return err
	}
	if err != nil {
		if err := user.call(ctx, http.MethodPost, "/user/repos", map[string]any{"name": giteaExample, "default_branch": "main"}, nil); err != nil {
			return err
		}
	}
	dir, err := os.MkdirTemp("", "ystack-lab-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(l.Repo, "examples", giteaExample))); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"init", "-q", "-b", "main"},
		{"add", "-A"},
		{"-c", "user.name=" + giteaUser, "-c", "user.email=" + giteaUser + "@lab.example", "commit", "-q", "-m", "The example application"},
		{"push", "-q", strings.Replace(giteaURL, "://", "://"+giteaUser+":"+giteaUserPassword+"@", 1) + "/" + giteaUser + "/" + giteaExample + ".git", "main"},
	} {
		cmd := exec.CommandContext(ctx, "/usr/bin/git", append([]string{"-C", dir}, args...)...)
		cmd.Env = l.Environ()
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("git %s: %w: %s", args[0], err, out)
		}
	}
	return untilPushed(ctx, user, path)
}

// untilPushed waits for Gitea to take note of a push, which it does a moment later.
func untilPushed(ctx context.Context, user giteaCaller, path string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		var repository struct {
			Empty bool `json:"empty"`
		}
		if err := user.call(ctx, http.MethodGet, path, nil, &repository); err != nil || !repository.Empty {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("gitea does not see what was pushed: %w", ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// giteaCaller calls Gitea's API, with a password or a token.
type giteaCaller struct{ user, password string }

func giteaClient(user, password string) giteaCaller { return giteaCaller{user, password} }

// giteaError is an answer other than success.
type giteaError struct {
	code          int
	request, body string
}

func (e *giteaError) Error() string { return fmt.Sprintf("%s: %d: %s", e.request, e.code, e.body) }

// isThere reports whether something was not made because there is one.
func isThere(err error) bool {
	var failed *giteaError
	return errors.As(err, &failed) && (failed.code == http.StatusConflict || failed.code == http.StatusUnprocessableEntity && strings.Contains(failed.body, "already exists"))
}

func (c giteaCaller) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(ctx, method, giteaURL+"/api/v1"+path, body)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if c.user != "" {
		request.SetBasicAuth(c.user, c.password)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode/100 != 2 {
		return &giteaError{response.StatusCode, method + " " + path, strings.TrimSpace(string(data))}
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(data, out)
}
