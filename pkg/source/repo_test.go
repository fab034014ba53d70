package source

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// repo is a real repository in a temporary directory.
type repo struct {
	t   *testing.T
	dir string
}

func isolate(t *testing.T) {
	t.Helper()
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	t.Setenv("GIT_CONFIG_SYSTEM", os.DevNull)
	t.Setenv("HOME", t.TempDir())
	if _, err := exec.LookPath("git"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("git is not installed")
		}
		t.Skip("git is not installed")
	}
}

// newRepo has one commit with a few files.
func newRepo(t *testing.T) *repo {
	t.Helper()
	isolate(t)
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	r := &repo{t, dir}
	r.git("init", "-q", "-b", "main")
	r.write("app/main.go", "package main\n")
	r.write("app/run.sh", "#!/bin/sh\n")
	r.chmod("app/run.sh", 0o755)
	r.symlink("main.go", "app/link")
	r.write("other/file", "other\n")
	r.write(".gitignore", "*.log\n")
	r.commit()
	return r
}

func (r *repo) path(name string) string { return filepath.Join(r.dir, filepath.FromSlash(name)) }

func (r *repo) git(args ...string) string {
	r.t.Helper()
	common := []string{
		"-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgSign=false",
		"-c", "protocol.file.allow=always", "-c", "advice.detachedHead=false",
	}
	cmd := exec.Command("git", append(common, args...)...)
	cmd.Dir = r.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func (r *repo) commit() {
	r.t.Helper()
	r.git("add", "-A")
	r.git("commit", "-q", "-m", "change")
}

func (r *repo) write(name, text string) {
	r.t.Helper()
	r.check(os.MkdirAll(filepath.Dir(r.path(name)), 0o755))
	r.check(os.WriteFile(r.path(name), []byte(text), 0o644))
}

func (r *repo) remove(name string) {
	r.t.Helper()
	r.check(os.RemoveAll(r.path(name)))
}

func (r *repo) chmod(name string, mode os.FileMode) {
	r.t.Helper()
	r.check(os.Chmod(r.path(name), mode))
}

func (r *repo) symlink(target, name string) {
	r.t.Helper()
	r.check(os.Symlink(target, r.path(name)))
}

func (r *repo) check(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// read is the revision of the folder app.
func (r *repo) read(paths ...string) Revision {
	r.t.Helper()
	got, err := Read(r.t.Context(), r.path("app"), paths...)
	if err != nil {
		r.t.Fatal(err)
	}
	return got
}
