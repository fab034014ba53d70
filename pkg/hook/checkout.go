package hook

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Checkouts keeps a bare mirror of each repository, and makes a worktree of it for each run. All
// of it is a cache: what is broken is thrown away and cloned again.
type Checkouts struct {
	dir   string
	base  string // URL that repositories lie below
	token string

	mu    sync.Mutex
	locks map[string]*sync.Mutex // of mirrors
}

// ErrGone: the code registry does not have the commit any more.
var ErrGone = errors.New("the commit is not in the repository any more")

// OpenCheckouts takes dir for this process alone, and clears what a killed one has left in it.
func OpenCheckouts(dir, base, token string) (*Checkouts, error) {
	c := &Checkouts{dir: dir, base: strings.TrimSuffix(base, "/"), token: token, locks: map[string]*sync.Mutex{}}
	if err := os.RemoveAll(c.worktrees()); err != nil {
		return nil, err
	}
	return c, os.MkdirAll(c.worktrees(), 0o700)
}

func (c *Checkouts) worktrees() string { return filepath.Join(c.dir, "worktrees") }

func (c *Checkouts) mirror(repository string) string {
	return filepath.Join(c.dir, "mirrors", url.PathEscape(repository)+".git")
}

func (c *Checkouts) address(repository string) string { return c.base + "/" + repository + ".git" }

// lock takes a repository's mirror: git does not like two fetches at once.
func (c *Checkouts) lock(repository string) (unlock func()) {
	c.mu.Lock()
	m := c.locks[repository]
	if m == nil {
		m = &sync.Mutex{}
		c.locks[repository] = m
	}
	c.mu.Unlock()
	m.Lock()
	return m.Unlock
}

// Fetch brings the mirror up to date. The commits must then be there, whether or not a branch still
// has them.
func (c *Checkouts) Fetch(ctx context.Context, repository string, commits ...string) error {
	defer c.lock(repository)()
	err := c.fetch(ctx, repository)
	if err != nil && c.reachable(ctx, repository) {
		// What a killed git has left, such as a lock, is no reason to fail for ever.
		if err := os.RemoveAll(c.mirror(repository)); err != nil {
			return err
		}
		err = c.fetch(ctx, repository)
	}
	if err != nil {
		return fmt.Errorf("fetch %s: %w", c.address(repository), err)
	}
	for _, commit := range commits {
		if c.has(ctx, repository, commit) {
			continue
		}
		_, err := c.git(ctx, c.mirror(repository), "fetch", "--quiet", "origin", commit)
		if !c.has(ctx, repository, commit) {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return fmt.Errorf("%w: %s (%v)", ErrGone, commit, err)
		}
	}
	return nil
}

func (c *Checkouts) fetch(ctx context.Context, repository string) error {
	mirror := c.mirror(repository)
	if _, err := os.Stat(filepath.Join(mirror, "HEAD")); errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(mirror, 0o700); err != nil {
			return err
		}
		for _, args := range [][]string{
			{"init", "--quiet", "--bare", "."},
			{"config", "remote.origin.url", c.address(repository)},
			{"config", "remote.origin.fetch", "+refs/heads/*:refs/heads/*"},
			{"config", "gc.autoDetach", "false"}, // no process outlives us; what is new, or checked out, gc leaves alone
		} {
			if _, err := c.git(ctx, mirror, args...); err != nil {
				return err
			}
		}
	}
	_, err := c.git(ctx, mirror, "fetch", "--quiet", "--prune", "--no-tags", "origin")
	return err
}

// reachable reports whether the code registry lets us read the repository.
func (c *Checkouts) reachable(ctx context.Context, repository string) bool {
	_, err := c.git(ctx, c.dir, "ls-remote", "--quiet", c.address(repository), "HEAD")
	return err == nil
}

func (c *Checkouts) has(ctx context.Context, repository, commit string) bool {
	_, err := c.git(ctx, c.mirror(repository), "cat-file", "-e", commit+"^{commit}")
	return err == nil
}

// Head is the commit that a branch is at, "" if there is no such branch.
func (c *Checkouts) Head(ctx context.Context, repository, branch string) string {
	out, err := c.git(ctx, c.mirror(repository), "rev-parse", "--verify", "--quiet", "refs/heads/"+branch+"^{commit}")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(out)
}

// Contains reports whether the newer commit has the older one in its history.
func (c *Checkouts) Contains(ctx context.Context, repository, newer, older string) bool {
	_, err := c.git(ctx, c.mirror(repository), "merge-base", "--is-ancestor", older, newer)
	return err == nil
}

// Differ reports whether two commits differ at or below one of the paths. It does when that cannot
// be told.
func (c *Checkouts) Differ(ctx context.Context, repository, a, b string, paths []string) bool {
	_, err := c.git(ctx, c.mirror(repository), append([]string{"diff", "--quiet", a, b, "--"}, paths...)...)
	return err != nil
}

// Checkout makes a worktree at a commit. remove takes it away again.
func (c *Checkouts) Checkout(ctx context.Context, repository, commit string) (dir string, remove func(), err error) {
	defer c.lock(repository)()
	if dir, err = os.MkdirTemp(c.worktrees(), "run-*"); err != nil {
		return "", nil, err
	}
	mirror := c.mirror(repository)
	remove = func() {
		defer c.lock(repository)()
		_ = os.RemoveAll(dir)
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		_, _ = c.git(limited, mirror, "worktree", "prune")
	}
	for _, args := range [][]string{
		{"worktree", "prune"},
		{"worktree", "add", "--quiet", "--force", "--detach", dir, commit},
	} {
		if _, err = c.git(ctx, mirror, args...); err != nil {
			_ = os.RemoveAll(dir)
			return "", nil, fmt.Errorf("check out %s: %w", commit, err)
		}
	}
	return dir, remove, nil
}

// Below is a directory of a checkout, which no link may lead out of.
func Below(checkout, directory string) (string, error) {
	top, err := filepath.EvalSymlinks(checkout)
	if err != nil {
		return "", err
	}
	dir, err := filepath.EvalSymlinks(filepath.Join(top, filepath.FromSlash(directory)))
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("the repository has no directory %s", directory)
	} else if err != nil {
		return "", err
	}
	if rel, err := filepath.Rel(top, dir); err != nil || !filepath.IsLocal(rel) {
		return "", fmt.Errorf("%s leads out of the repository", directory)
	}
	return dir, nil
}

// git runs git in a directory. The token goes to the code registry's host only, and through the
// environment, which other users cannot read, unlike arguments.
func (c *Checkouts) git(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = dir
	cmd.WaitDelay = 5 * time.Second
	cmd.Env = append(gitEnviron(os.Environ()), "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=", "GIT_LITERAL_PATHSPECS=1", "LC_ALL=C", "GIT_CONFIG_COUNT=0")
	if c.token != "" {
		basic := base64.StdEncoding.EncodeToString([]byte("x-access-token:" + c.token))
		cmd.Env = append(cmd.Env, "GIT_CONFIG_COUNT=1",
			"GIT_CONFIG_KEY_0=http."+c.base+"/.extraHeader", "GIT_CONFIG_VALUE_0=Authorization: Basic "+basic)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case errors.Is(err, exec.ErrNotFound):
		return "", errors.New("git is not installed, or not in PATH")
	case err != nil:
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, strings.Join(strings.Fields(stderr.String()), " "))
	}
	return stdout.String(), nil
}

// gitEnviron leaves out what would point git at another repository.
func gitEnviron(environ []string) []string {
	var kept []string
	for _, variable := range environ {
		if name, _, _ := strings.Cut(variable, "="); !strings.HasPrefix(name, "GIT_") || strings.HasPrefix(name, "GIT_SSL_") {
			kept = append(kept, variable)
		}
	}
	return kept
}
