// Package source tells the state of a git checkout: which commit it is at and what
// lies uncommitted in it. It asks the git binary, so that it sees what the user sees:
// worktrees, submodules, ignore rules, filters.
package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Why a directory has no revision.
var (
	ErrNoGit         = errors.New("git is not installed, or not in PATH")
	ErrNotRepository = errors.New("not in a git repository; run git init there and commit")
	ErrNoCommit      = errors.New("the git repository has no commit yet; run git commit")
	ErrBare          = errors.New("a bare git repository, without files; clone it and use the clone")
	ErrUntrusted     = errors.New("git does not trust the owner of the repository")
	ErrOutside       = errors.New("outside the git repository, so that no revision covers it")
)

// Revision is the state of a checkout.
type Revision struct {
	Commit  string    `json:"commit"`
	Dirty   string    `json:"dirty,omitempty"`   // 8 hex digits of what is uncommitted; "" if nothing is
	Branch  string    `json:"branch,omitempty"`  // "" if HEAD is detached
	Shallow bool      `json:"shallow,omitempty"` // the history is not all here
	Remote  string    `json:"remote,omitempty"`  // URL of origin, without credentials
	Root    string    `json:"root"`              // top directory of the checkout
	Dir     string    `json:"dir"`               // the directory asked for, relative to Root, with slashes
	Time    time.Time `json:"time"`              // when the commit was made
}

// String is the full commit, or <12 hex>-dirty.<8 hex>; both can be an image tag.
func (r Revision) String() string {
	if r.Dirty == "" {
		return r.Commit
	}
	return r.Commit[:min(12, len(r.Commit))] + "-dirty." + r.Dirty
}

// Read tells the revision of a directory. It is dirty if something is uncommitted
// under dir or under one of the paths (relative to dir, or absolute), which may lie
// above it; changes elsewhere in the repository do not count.
func Read(ctx context.Context, dir string, paths ...string) (Revision, error) {
	r, err := read(ctx, dir, paths)
	if err != nil {
		return Revision{}, fmt.Errorf("revision of %s: %w", dir, err)
	}
	return r, nil
}

func read(ctx context.Context, dir string, paths []string) (Revision, error) {
	real, err := realDir(dir)
	if err != nil {
		return Revision{}, err
	}
	g := git{dir: real}
	r, err := g.place(ctx)
	if err != nil {
		return Revision{}, err
	}
	scope, err := scopeOf(r.Root, real, paths)
	if err != nil {
		return Revision{}, err
	}
	g.dir = r.Root
	status, err := g.status(ctx, scope)
	if err != nil {
		return Revision{}, err
	}
	r.Commit, r.Branch = status.commit, status.branch
	if r.Dirty, err = dirty(ctx, r.Root, status.changes); err != nil {
		return Revision{}, err
	}
	if r.Time, err = g.commitTime(ctx, r.Commit); err != nil {
		return Revision{}, err
	}
	r.Remote, err = g.remote(ctx)
	return r, err
}

func realDir(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(abs)
	if err != nil {
		return "", err
	}
	if !info.IsDir() {
		return "", errors.New("not a directory")
	}
	return filepath.EvalSymlinks(abs)
}

// place fills what git knows of the checkout without looking at its content.
func (g git) place(ctx context.Context) (Revision, error) {
	// The top directory comes last: its name may hold line breaks.
	out, err := g.run(ctx, nil, "rev-parse", "--is-bare-repository", "--is-shallow-repository", "--show-toplevel")
	bare, rest, _ := strings.Cut(out, "\n")
	if bare == "true" {
		return Revision{}, ErrBare
	}
	if err != nil {
		return Revision{}, err
	}
	shallow, root, _ := strings.Cut(rest, "\n")
	root = filepath.FromSlash(strings.TrimSuffix(root, "\n"))
	rel, err := filepath.Rel(root, g.dir)
	return Revision{Shallow: shallow == "true", Root: root, Dir: filepath.ToSlash(rel)}, err
}

// scopeOf lists what counts, relative to the top directory.
func scopeOf(root, dir string, paths []string) ([]string, error) {
	var scope []string
	for _, path := range append([]string{dir}, paths...) {
		rel, err := filepath.Rel(root, resolve(dir, path))
		if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
			return nil, fmt.Errorf("%s lies %w (%s)", path, ErrOutside, root)
		}
		scope = append(scope, filepath.ToSlash(rel))
	}
	return scope, nil
}

// resolve makes a path absolute and real; what does not exist is taken as written.
func resolve(dir, path string) string {
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return filepath.Clean(path)
}

func (g git) commitTime(ctx context.Context, commit string) (time.Time, error) {
	out, err := g.run(ctx, nil, "log", "-1", "--no-show-signature", "--format=%ct", commit, "--")
	if err != nil {
		return time.Time{}, err
	}
	seconds, err := strconv.ParseInt(strings.TrimSpace(out), 10, 64)
	return time.Unix(seconds, 0).UTC(), err
}

func (g git) remote(ctx context.Context) (string, error) {
	out, err := g.run(ctx, nil, "config", "-z", "--get-all", "remote.origin.url")
	var failed *commandError
	if errors.As(err, &failed) && failed.code == 1 {
		return "", nil // there is no origin
	}
	first, _, _ := strings.Cut(out, "\x00")
	return cleanRemote(first), err
}
