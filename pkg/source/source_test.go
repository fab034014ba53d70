package source

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestClean(t *testing.T) {
	r := newRepo(t)
	r.git("remote", "add", "origin", "https://me:hunter2@git.example/team/app.git?token=hunter2")
	got := r.read()
	want := Revision{
		Commit: r.git("rev-parse", "HEAD"), Branch: "main", Remote: "https://git.example/team/app.git",
		Root: r.dir, Dir: "app", Time: got.Time,
	}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if age := time.Since(got.Time); age < -time.Minute || age > time.Hour || got.Time.Location() != time.UTC {
		t.Errorf("commit time %v", got.Time)
	}
	if got.String() != want.Commit {
		t.Errorf("String() = %s", got)
	}
}

// TestDirty: each change marks the revision, whether it is staged or not, with the
// same hash; different changes have different hashes.
func TestDirty(t *testing.T) {
	tag := regexp.MustCompile(`^[0-9a-f]{12}-dirty\.[0-9a-f]{8}$`)
	seen := map[string]string{}
	for name, change := range map[string]func(r *repo){
		"modified":            func(r *repo) { r.write("app/main.go", "package other\n") },
		"modified otherwise":  func(r *repo) { r.write("app/main.go", "package third\n") },
		"new":                 func(r *repo) { r.write("app/new", "x") },
		"new, other content":  func(r *repo) { r.write("app/new", "y") },
		"new, other name":     func(r *repo) { r.write("app/new2", "x") },
		"new, in a directory": func(r *repo) { r.write("app/a/b/new", "x") },
		"new, empty":          func(r *repo) { r.write("app/new", "") },
		"new, executable":     func(r *repo) { r.write("app/new", "x"); r.chmod("app/new", 0o755) },
		"deleted":             func(r *repo) { r.remove("app/main.go") },
		"renamed":             func(r *repo) { r.check(os.Rename(r.path("app/main.go"), r.path("app/renamed.go"))) },
		"mode":                func(r *repo) { r.chmod("app/run.sh", 0o644) },
		"symlink elsewhere":   func(r *repo) { r.remove("app/link"); r.symlink("run.sh", "app/link") },
		"symlink to file":     func(r *repo) { r.remove("app/link"); r.write("app/link", "package main\n") },
		"dangling symlink":    func(r *repo) { r.symlink("nowhere", "app/dangling") },
		"file to directory":   func(r *repo) { r.remove("app/main.go"); r.write("app/main.go/x", "x") },
		"spaces":              func(r *repo) { r.write("app/ a  b ", "x") },
		"line break":          func(r *repo) { r.write("app/a\nb", "x") },
		"not UTF-8":           func(r *repo) { r.write("app/caf\xe9", "x") },
		"Japanese":            func(r *repo) { r.write("app/日本語/ファイル", "x") },
		"quotes":              func(r *repo) { r.write("app/\"a\\b\t'", "x") },
		"pathspec magic":      func(r *repo) { r.write("app/:(exclude)*", "x") },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRepo(t)
			change(r)
			loose := r.read()
			if !tag.MatchString(loose.String()) {
				t.Fatalf("revision %s", loose)
			}
			r.git("add", "-A")
			if staged := r.read(); staged != loose {
				t.Errorf("staged %s, not staged %s", staged, loose)
			}
			if again := r.read(); again != loose {
				t.Errorf("not stable: %s, then %s", loose, again)
			}
			if other := seen[loose.Dirty]; other != "" {
				t.Errorf("the same hash as %q", other)
			}
			seen[loose.Dirty] = name
			r.commit()
			if got := r.read(); got.Dirty != "" {
				t.Errorf("dirty after the commit: %s", got)
			}
		})
	}
}

// TestIndexAlone: the files are as in HEAD, only the index differs.
func TestIndexAlone(t *testing.T) {
	for name, change := range map[string]func(r *repo){
		"staged, then reverted": func(r *repo) {
			r.write("app/main.go", "package other\n")
			r.git("add", "-A")
			r.write("app/main.go", "package main\n")
		},
		"removed from the index": func(r *repo) { r.git("rm", "-q", "--cached", "app/main.go", "app/run.sh", "app/link") },
		"added, then removed": func(r *repo) {
			r.write("app/new", "x")
			r.git("add", "-A")
			r.remove("app/new")
		},
		"mode in the index":  func(r *repo) { r.git("update-index", "--chmod=+x", "app/main.go") },
		"touched":            func(r *repo) { r.check(os.Chtimes(r.path("app/main.go"), time.Now(), time.Unix(1, 0))) },
		"ignored":            func(r *repo) { r.write("app/x.log", "x") },
		"elsewhere":          func(r *repo) { r.write("other/file", "x"); r.write("new", "x"); r.write("application/x", "x") },
		"an empty directory": func(r *repo) { r.check(os.Mkdir(r.path("app/empty"), 0o755)) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRepo(t)
			change(r)
			if got := r.read(); got.Dirty != "" {
				t.Errorf("dirty: %s\n%s", got, r.git("status", "--porcelain=v2"))
			}
		})
	}
}

func TestIndexAloneWithOddNames(t *testing.T) {
	r := newRepo(t)
	names := []string{"app/ a b ", "app/a\nb", "app/caf\xe9", "app/日本", "app/\"q\"\\\x7f"}
	for _, name := range names {
		r.write(name, "text\r\n")
	}
	r.write("app/.gitattributes", "* text eol=crlf\n")
	r.commit()
	for _, name := range names {
		r.git("rm", "-q", "--cached", "--", name)
	}
	if got := r.read(); got.Dirty != "" {
		t.Errorf("dirty: %s", got)
	}
}

func TestConflict(t *testing.T) {
	r := newRepo(t)
	r.git("checkout", "-q", "-b", "side")
	r.write("app/main.go", "package side\n")
	r.commit()
	r.git("checkout", "-q", "main")
	r.write("app/main.go", "package here\n")
	r.commit()
	cmdMerge(r)
	r.write("app/main.go", "package both\n")
	open := r.read()
	r.git("add", "-A")
	if staged := r.read(); open.Dirty == "" || staged != open {
		t.Errorf("unmerged %s, staged %s", open, staged)
	}
}

// cmdMerge leaves a conflict, which git reports as a failure.
func cmdMerge(r *repo) {
	g := git{dir: r.dir}
	_, err := g.run(context.Background(), nil, "-c", "user.name=Test", "-c", "user.email=test@example.org", "merge", "side")
	if err == nil {
		r.t.Fatal("no conflict")
	}
}

func TestPaths(t *testing.T) {
	r := newRepo(t)
	clean := r.read("../other", r.path("other"), "..", "not-there")
	if clean.Dirty != "" {
		t.Errorf("dirty: %s", clean)
	}
	r.write("other/file", "changed\n")
	if got := r.read(); got.Dirty != "" {
		t.Errorf("a change elsewhere counts: %s", got)
	}
	a, b, c := r.read("../other"), r.read(r.path("other/file")), r.read("..")
	if a.Dirty == "" || a != b || b != c {
		t.Errorf("%s, %s and %s should be the same and dirty", a, b, c)
	}
	if _, err := Read(t.Context(), r.path("app"), "../.."); !errors.Is(err, ErrOutside) {
		t.Errorf("a path outside: %v", err)
	}
}

func TestHeads(t *testing.T) {
	r := newRepo(t)
	r.git("checkout", "-q", "--detach")
	if got := r.read(); got.Branch != "" || got.Commit == "" {
		t.Errorf("detached: %+v", got)
	}
	r.git("checkout", "-q", "-b", "feature/日本")
	if got := r.read(); got.Branch != "feature/日本" {
		t.Errorf("branch %q", got.Branch)
	}
}

func TestShallow(t *testing.T) {
	r := newRepo(t)
	r.write("app/main.go", "package v2\n")
	r.commit()
	clone := &repo{t, filepath.Join(t.TempDir(), "clone")}
	r.git("clone", "-q", "--depth", "1", "file://"+r.dir, clone.dir)
	got := clone.read()
	if !got.Shallow || got.Commit != r.read().Commit || got.Dirty != "" {
		t.Errorf("%+v", got)
	}
	if r.read().Shallow {
		t.Error("a full repository is called shallow")
	}
}

func TestWorktree(t *testing.T) {
	r := newRepo(t)
	tree := &repo{t, filepath.Join(r.dir, "trees", "new\nline")}
	r.git("worktree", "add", "-q", "-b", "side", tree.dir)
	tree.write("app/new", "x")
	got := tree.read()
	if got.Root != tree.dir || got.Branch != "side" || got.Dirty == "" || got.Dir != "app" {
		t.Errorf("%+v", got)
	}
}

func TestSubmodule(t *testing.T) {
	library := newRepo(t)
	r := newRepo(t)
	r.git("submodule", "--quiet", "add", library.dir, "app/lib")
	r.commit()
	lib := &repo{t, r.path("app/lib")}
	if got := r.read(); got.Dirty != "" {
		t.Fatalf("dirty: %s", got)
	}
	inside := lib.read()
	if inside.Root != lib.dir || inside.Commit == r.read().Commit {
		t.Errorf("inside the submodule: %+v", inside)
	}
	lib.write("app/main.go", "package changed\n")
	edited := r.read()
	lib.commit()
	moved := r.read()
	r.git("add", "-A")
	if staged := r.read(); edited.Dirty == "" || moved.Dirty == "" || edited == moved || staged != moved {
		t.Errorf("edited %s, committed inside %s, staged %s", edited, moved, staged)
	}
	lib.git("checkout", "-q", "HEAD~1")
	if back := r.read(); back.Dirty != "" {
		t.Errorf("dirty with the commit that HEAD names: %s", back)
	}
	r.remove("app/lib")
	if gone := r.read(); gone.Dirty == "" || gone == moved {
		t.Errorf("without the submodule: %s", gone)
	}
}

func TestNestedRepository(t *testing.T) {
	r := newRepo(t)
	inner := &repo{t, r.path("app/inner")}
	r.check(os.Mkdir(inner.dir, 0o755))
	inner.git("init", "-q")
	inner.write("app/x", "x")
	empty := r.read()
	inner.commit()
	if got := r.read(); empty.Dirty == "" || got.Dirty == "" || got == empty {
		t.Errorf("without commit %s, with one %s", empty, got)
	}
}

func TestRefusals(t *testing.T) {
	r := newRepo(t)
	plain := t.TempDir()
	file := filepath.Join(plain, "file")
	r.check(os.WriteFile(file, nil, 0o644))
	unborn, bare := &repo{t, t.TempDir()}, &repo{t, t.TempDir()}
	unborn.git("init", "-q")
	bare.git("init", "-q", "--bare")
	for name, c := range map[string]struct {
		dir  string
		want error
		text string
	}{
		"no repository":   {plain, ErrNotRepository, "git init"},
		"no commit":       {unborn.dir, ErrNoCommit, "git commit"},
		"bare":            {bare.dir, ErrBare, "bare"},
		"git's own":       {filepath.Join(r.dir, ".git"), ErrNotRepository, "git itself"},
		"no directory":    {filepath.Join(plain, "none"), fs.ErrNotExist, "none"},
		"not a directory": {file, nil, "not a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read(t.Context(), c.dir)
			if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) || !strings.Contains(err.Error(), c.dir) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestUntrustedOwner(t *testing.T) {
	r := newRepo(t)
	t.Setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1") // git's own way to test this
	_, err := Read(t.Context(), r.dir)
	if !errors.Is(err, ErrUntrusted) || !strings.Contains(err.Error(), "safe.directory") {
		t.Errorf("error %v", err)
	}
}

func TestNoGit(t *testing.T) {
	r := newRepo(t)
	t.Setenv("PATH", t.TempDir())
	if _, err := Read(t.Context(), r.dir); !errors.Is(err, ErrNoGit) {
		t.Errorf("error %v", err)
	}
}

func TestCancelled(t *testing.T) {
	r := newRepo(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Read(ctx, r.dir); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// TestForeignEnvironment: run from a git hook, the environment points elsewhere.
func TestForeignEnvironment(t *testing.T) {
	other, r := newRepo(t), newRepo(t)
	r.write("app/only-here", "x")
	r.commit()
	want := r.read()
	for name, value := range map[string]string{
		"GIT_DIR": filepath.Join(other.dir, ".git"), "GIT_WORK_TREE": other.dir,
		"GIT_INDEX_FILE": filepath.Join(other.dir, ".git", "index"), "GIT_PREFIX": "x/", "GIT_ICASE_PATHSPECS": "1",
		"LC_ALL": "ja_JP.UTF-8", "GIT_OPTIONAL_LOCKS": "1",
	} {
		t.Setenv(name, value)
	}
	if got := r.read(); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestUserConfiguration: settings that change what git status prints change nothing.
func TestUserConfiguration(t *testing.T) {
	r := newRepo(t)
	r.write("app/a/new", "x")
	r.check(os.Rename(r.path("app/main.go"), r.path("app/moved.go")))
	r.git("add", "app/moved.go")
	want := r.read()
	for _, setting := range []string{
		"status.showUntrackedFiles=no", "status.relativePaths=true", "status.renames=copies", "status.short=true",
		"status.branch=false", "status.showStash=true", "log.showSignature=true", "core.quotePath=true", "color.ui=always",
		"column.ui=always", "diff.ignoreSubmodules=all", "core.pager=false",
	} {
		name, value, _ := strings.Cut(setting, "=")
		r.git("config", name, value)
	}
	if got := r.read(); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestThroughSymlink(t *testing.T) {
	r := newRepo(t)
	link := filepath.Join(t.TempDir(), "link")
	r.check(os.Symlink(r.path("app"), link))
	got, err := Read(t.Context(), link, "../other")
	if err != nil || got.Dir != "app" || got.Root != r.dir {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestCauseOfTheEnd: who ended it, and why, is in the error.
func TestCauseOfTheEnd(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped")
	cancel(stopped)
	if _, err := Read(ctx, t.TempDir()); !errors.Is(err, stopped) {
		t.Errorf("got %v", err)
	}
}
