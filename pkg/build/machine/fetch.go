package machine

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/ystackdev/ystack/pkg/build"
)

// fetch gets the source of the template or the elements, if it is another repository.
func (b *Builder) fetch(ctx context.Context, p *Plan) error {
	if p.Source == "" {
		return nil
	}
	at := strings.LastIndex(p.Source, "@")
	repository, ref := p.Source[:at], p.Source[at+1:]
	git, err := b.LookPath("git")
	if err != nil {
		return fmt.Errorf("source %s: git is not in PATH", p.Source)
	}
	dir, err := os.MkdirTemp(b.TempDir, "ystack-source-")
	if err != nil {
		return err
	}
	p.cleanup = func() { _ = os.RemoveAll(dir) }
	b.Report("source", p.Source)
	if !strings.Contains(repository, ":") && !filepath.IsAbs(repository) {
		repository = filepath.Join(p.Dir, repository) // beside the application
	}
	run := func(in string, args ...string) ([]string, error) {
		out, err := build.Tool{Path: git, Dir: in, Args: args, Env: []string{"GIT_TERMINAL_PROMPT=0"}}.Run(ctx)
		if err != nil && ctx.Err() == nil {
			err = fmt.Errorf("source %s: git %s: %s", p.Source, args[0], last(out, err))
		}
		return out, err
	}
	if _, err := run("", "clone", "--quiet", "--no-checkout", "--", repository, dir); err != nil {
		return err
	}
	if _, err := run(dir, "checkout", "--quiet", "--detach", ref, "--"); err != nil {
		return err
	}
	commit, err := run(dir, "rev-parse", "HEAD")
	if err != nil || len(commit) == 0 {
		return err
	}
	p.root, p.template = dir, commit[len(commit)-1]
	return nil
}

// last is the last thing that a tool said before it failed.
func last(out []string, err error) string {
	if len(out) == 0 {
		return err.Error()
	}
	return strings.TrimSpace(out[len(out)-1])
}
