//go:build linux

package install

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/ystackdev/ystack/lab/process"
)

// Compile brings the programs of a target into bin, unless they are there and
// came from the same sources, flags and compiler; then Go is not even asked.
func Compile(ctx context.Context, t Target, bin string, say func(string, ...any)) error {
	key, err := t.key()
	if err != nil {
		return err
	}
	stamp := filepath.Join(bin, "."+t.Name)
	if old, err := os.ReadFile(stamp); err == nil && string(old) == key && t.Present(bin) {
		return nil
	}
	part, err := os.MkdirTemp(bin, ".part-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(part)
	begin := time.Now()
	if err := build(ctx, t, t.arguments(part), say, begin); err != nil {
		return err
	}
	if err := t.copy(ctx, bin); err != nil {
		return err
	}
	for _, name := range t.names() {
		if err := os.Rename(filepath.Join(part, name), filepath.Join(bin, name)); err != nil {
			return err
		}
	}
	say("%-24s compiled in %v", t.Name, time.Since(begin).Round(time.Second))
	return process.WriteFile(stamp, []byte(key), 0o644)
}

// copy brings the files that the programs work with from the module's sources: the module
// cache may be cleaned while they go on being used.
func (t Target) copy(ctx context.Context, bin string) error {
	if len(t.Copies) == 0 {
		return nil
	}
	out, err := t.goCommand(ctx, "list", "-m", "-f", "{{.Dir}}", t.Module).Output()
	if err != nil {
		return fmt.Errorf("find the sources of %s: %w", t.Module, err)
	}
	for name, dir := range t.Copies {
		to := filepath.Join(bin, name)
		if err := os.RemoveAll(to); err != nil {
			return err
		}
		if err := os.CopyFS(to, os.DirFS(filepath.Join(strings.TrimSpace(string(out)), dir))); err != nil {
			return err
		}
	}
	return nil
}

// Present reports whether bin has all programs, of whatever version.
func (t Target) Present(bin string) bool {
	for name := range t.Copies {
		if _, err := os.Stat(filepath.Join(bin, name)); err != nil {
			return false
		}
	}
	for name := range t.Programs {
		if _, err := os.Stat(filepath.Join(bin, name)); err != nil {
			return false
		}
	}
	return true
}

// arguments of go build. With several programs each gets the name of its
// package; a single one is named here.
func (t Target) arguments(out string) []string {
	args := []string{"build", "-v", "-trimpath", "-tags", t.Tags, "-ldflags", t.ldflags(), "-o"}
	names := t.names()
	if len(names) == 1 {
		return append(args, filepath.Join(out, names[0]), t.Programs[names[0]])
	}
	args = append(args, out+"/")
	for _, name := range names {
		args = append(args, t.Programs[name])
	}
	return args
}

// goCommand runs go where the target lies and with what it is compiled with.
func (t Target) goCommand(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = t.Dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if t.CGO {
		cmd.Env = append(cmd.Env, "CGO_ENABLED=1")
	}
	return cmd
}

func build(ctx context.Context, t Target, args []string, say func(string, ...any), begin time.Time) error {
	cmd := t.goCommand(ctx, args...)
	errs, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("compile %s: %w (is Go in PATH?)", t.Name, err)
	}
	watch := &watcher{}
	stop := watch.every(15*time.Second, func(count int, last string) {
		say("%-24s compiling, %v, %d packages so far, %s", t.Name, time.Since(begin).Round(time.Second), count, last)
	})
	watch.read(errs)
	stop()
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("compile %s: %w\n%s", t.Name, err, watch.rest.String())
	}
	return nil
}

// watcher counts the packages that go build -v names, a line each, and keeps
// the other lines, which say what went wrong.
type watcher struct {
	mu    sync.Mutex
	count int
	last  string
	rest  bytes.Buffer
}

func (w *watcher) read(r io.Reader) {
	for lines := bufio.NewScanner(r); lines.Scan(); {
		line := lines.Text()
		w.mu.Lock()
		switch {
		case strings.HasPrefix(line, "go: downloading "):
			w.last = line[len("go: "):]
		case strings.ContainsAny(line, " \t#"):
			fmt.Fprintln(&w.rest, line)
		default:
			w.count, w.last = w.count+1, line
		}
		w.mu.Unlock()
	}
}

// every calls report regularly until stop is called.
func (w *watcher) every(d time.Duration, report func(count int, last string)) (stop func()) {
	ticker, done := time.NewTicker(d), make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				w.mu.Lock()
				count, last := w.count, w.last
				w.mu.Unlock()
				report(count, last)
			}
		}
	}()
	return func() { ticker.Stop(); close(done) }
}
