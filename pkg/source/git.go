package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// git runs the git binary in a directory.
type git struct{ dir string }

// commandError is a git command that failed for a reason not known here.
type commandError struct {
	command string
	code    int
	stderr  string
}

func (e *commandError) Error() string {
	return fmt.Sprintf("git %s: exit status %d: %s", e.command, e.code, e.stderr)
}

// run returns what git prints, also when it fails.
func (g git) run(ctx context.Context, stdin io.Reader, args ...string) (string, error) {
	path, err := exec.LookPath("git")
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNoGit, err)
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir, cmd.Env = g.dir, environment(os.Environ())
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &stdout, &stderr
	err = cmd.Run()
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = explain(args[0], exit.ExitCode(), strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), err
}

// explain knows the ways in which git refuses a directory. Git's words are stable
// under LC_ALL=C; its exit status is 128 for all of them.
func explain(command string, code int, stderr string) error {
	switch {
	case strings.Contains(stderr, "dubious ownership"):
		return fmt.Errorf("%w:\n%s", ErrUntrusted, stderr)
	case strings.Contains(stderr, "not a git repository"):
		return ErrNotRepository
	case strings.Contains(stderr, "must be run in a work tree"):
		return fmt.Errorf("the directory belongs to git itself: %w", ErrNotRepository)
	}
	return &commandError{command, code, stderr}
}

// environment keeps the user's configuration of git, but nothing that would point it
// at another repository than the directory's (as hooks have in their environment;
// `git rev-parse --local-env-vars` lists these), and nothing that asks or translates.
func environment(current []string) []string {
	dropped := []string{
		"GIT_DIR", "GIT_WORK_TREE", "GIT_IMPLICIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE", "GIT_PREFIX",
		"GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH", "GIT_NAMESPACE",
		"GIT_GRAFT_FILE", "GIT_SHALLOW_FILE", "GIT_REPLACE_REF_BASE", "GIT_NO_REPLACE_OBJECTS", "GIT_CONFIG",
		"GIT_INTERNAL_SUPER_PREFIX", "GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS",
		"GIT_OPTIONAL_LOCKS", "GIT_TERMINAL_PROMPT", "LC_ALL",
	}
	kept := slices.DeleteFunc(slices.Clone(current), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return slices.Contains(dropped, strings.ToUpper(name))
	})
	return append(kept, "GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0", "GIT_LITERAL_PATHSPECS=1", "LC_ALL=C")
}
