package hook

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// origin is a code registry's repository acme/hello, and a clone to push from.
type origin struct {
	t          *testing.T
	base, work string
}

func newOrigin(t *testing.T) *origin {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	o := &origin{t: t, base: t.TempDir(), work: t.TempDir()}
	o.git("init", "--quiet", "--bare", o.bare())
	o.git("init", "--quiet", "-b", "main", o.work)
	o.git("remote", "add", "origin", o.bare())
	return o
}

func (o *origin) bare() string { return filepath.Join(o.base, "acme/hello.git") }

func (o *origin) git(args ...string) string {
	o.t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"}, args...)...)
	cmd.Dir = o.work
	cmd.Env = append(gitEnviron(os.Environ()), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		o.t.Fatalf("git %s: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// push changes a file, and returns the commit.
func (o *origin) push(file string) string {
	o.t.Helper()
	path := filepath.Join(o.work, file)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		o.t.Fatal(err)
	}
	old, _ := os.ReadFile(path)
	if err := os.WriteFile(path, append(old, "line\n"...), 0o600); err != nil {
		o.t.Fatal(err)
	}
	o.git("add", "-A")
	o.git("commit", "--quiet", "-m", file)
	o.git("push", "--quiet", "--force", "origin", "HEAD")
	return o.git("rev-parse", "HEAD")
}

func (o *origin) checkouts(dir string) *Checkouts {
	o.t.Helper()
	c, err := OpenCheckouts(dir, "file://"+o.base, "hunter2")
	if err != nil {
		o.t.Fatal(err)
	}
	return c
}

func workOf(commit string) Work {
	return Work{Delivery: "d", Push: Push{Repository: "acme/hello", Branch: "main", After: commit}}
}

func TestCheckout(t *testing.T) {
	o := newOrigin(t)
	first, second := o.push("a"), o.push("b/c")
	dir := t.TempDir()
	c := o.checkouts(dir)
	if err := c.Fetch(t.Context(), "acme/hello", first, second); err != nil {
		t.Fatal(err)
	}
	one, removeOne, err := c.Checkout(t.Context(), "acme/hello", first)
	if err != nil {
		t.Fatal(err)
	}
	two, removeTwo, err := c.Checkout(t.Context(), "acme/hello", second)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{filepath.Join(one, "a"): true, filepath.Join(one, "b/c"): false, filepath.Join(two, "b/c"): true} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s: %v", path, err)
		}
	}
	removeOne()
	if _, err := os.Stat(one); err == nil {
		t.Error("a checkout stays")
	}
	// A process that was killed leaves a checkout, and perhaps a lock of git's.
	if err := os.WriteFile(filepath.Join(c.mirror("acme/hello"), "packed-refs.lock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	third := o.push("d")
	o.git("branch", "gone")
	o.git("push", "--quiet", "origin", "gone")
	c = o.checkouts(dir)
	if _, err := os.Stat(two); err == nil {
		t.Error("the checkout of a killed process stays")
	}
	if err := c.Fetch(t.Context(), "acme/hello", third); err != nil {
		t.Fatal(err)
	}
	o.git("push", "--quiet", "origin", ":gone")
	if err := c.Fetch(t.Context(), "acme/hello"); err != nil || c.Head(t.Context(), "acme/hello", "gone") != "" {
		t.Errorf("a deleted branch: %v", err)
	}
	last, removeLast, err := c.Checkout(t.Context(), "acme/hello", third)
	if err != nil {
		t.Fatal(err)
	}
	removeLast()
	removeTwo()
	if _, err := os.Stat(last); err == nil {
		t.Error("a checkout stays")
	}
	left, _ := os.ReadDir(filepath.Join(c.mirror("acme/hello"), "worktrees"))
	if len(left) > 0 {
		t.Errorf("git remembers %v", left)
	}
}

func TestBelow(t *testing.T) {
	top := t.TempDir()
	for link, to := range map[string]string{"inside": "web", "outside": "..", "away": "/"} {
		if err := os.Symlink(to, filepath.Join(top, link)); err != nil {
			t.Skip(err)
		}
	}
	if err := os.Mkdir(filepath.Join(top, "web"), 0o755); err != nil {
		t.Fatal(err)
	}
	for directory, want := range map[string]string{".": "", "web": "", "inside": "", "outside": "leads out", "away": "leads out", "nosuch": "no directory"} {
		if _, err := Below(top, directory); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", directory, err)
		}
	}
}

func TestSettle(t *testing.T) {
	o := newOrigin(t)
	first, second := o.push("web/a"), o.push("api/b")
	c := o.checkouts(t.TempDir())
	settle := func(w Work) string {
		t.Helper()
		r, settled := c.Settle(t.Context(), w)
		if !settled {
			return "run"
		}
		return string(r.State) + " " + r.By + ": " + r.Message
	}
	expect := func(name string, w Work, want string) {
		t.Helper()
		if got := settle(w); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	w := workOf(first)
	expect("nothing ran before", w, "run")
	w.Last, w.LastBy = second, "newer"
	expect("overtaken", w, "superseded newer: older than")
	w.Replays = 1
	expect("asked for again", w, "run")

	w = workOf(second)
	w.Last, w.Base, w.Paths = first, first, []string{"web"}
	expect("nothing changed there", w, "skipped")
	w.Paths = []string{"web", "api"}
	expect("something changed there", w, "run")
	w.Base = commit(7)
	expect("what is there is unknown", w, "run")

	o.git("reset", "--quiet", "--hard", first)
	o.git("push", "--quiet", "--force", "origin", "HEAD")
	w = workOf(first)
	w.Last = second
	expect("forced back", w, "run")
	expect("a commit that never was", workOf(commit(7)), "superseded : the commit is not in the repository")
	o.git("push", "--quiet", "origin", "HEAD:refs/heads/other", ":main")
	expect("deleted meanwhile", workOf(first), "superseded : the branch was deleted")
	if err := os.Rename(o.bare(), o.bare()+".away"); err != nil {
		t.Fatal(err)
	}
	expect("the registry is away", workOf(first), "queued : fetch")
	if _, err := os.Stat(c.mirror("acme/hello")); err != nil {
		t.Errorf("the mirror was thrown away: %v", err)
	}
	if err := c.Fetch(t.Context(), "acme/none"); err == nil || strings.Contains(err.Error(), "hunter2") || errors.Is(err, ErrGone) {
		t.Errorf("an unknown repository: %v", err)
	}
}

func TestChoose(t *testing.T) {
	o := newOrigin(t)
	first, second, third := o.push("a"), o.push("b"), o.push("c")
	c := o.checkouts(t.TempDir())
	choose := func(commits ...string) string {
		t.Helper()
		var waiting []Work
		for _, commit := range commits {
			waiting = append(waiting, workOf(commit))
		}
		i, err := c.Choose(t.Context(), waiting)
		if err != nil {
			t.Fatal(err)
		}
		return commits[i]
	}
	if choose(third, first, second) != third || choose(second, first) != second {
		t.Error("the newest is not chosen")
	}
	o.git("reset", "--quiet", "--hard", first)
	o.git("push", "--quiet", "--force", "origin", "HEAD")
	if choose(second, first, third) != first {
		t.Error("where the branch was forced to is not chosen")
	}
}
