//go:build e2e

package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
)

// account is a user of this machine that was made a moment ago.
type account struct{ name, home, path string }

// newAccount makes one, with the lab's kubeconfig.
func newAccount(t *testing.T) account {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can make an account")
	}
	a := account{name: "ystack-" + random()}
	a.home = filepath.Join("/home", a.name)
	a.path = filepath.Join(os.Getenv("YSTACK_LAB"), "bin") + ":/usr/bin:/bin"
	must(t, "useradd", "--create-home", "--shell", "/bin/bash", a.name)
	t.Cleanup(func() {
		if out, err := exec.Command("userdel", "--remove", a.name).CombinedOutput(); err != nil {
			t.Errorf("userdel: %v\n%s", err, out)
		}
	})
	a.give(t, os.Getenv("KUBECONFIG"), ".kube/config")
	return a
}

// give puts a copy of a file into the account's home.
func (a account) give(t *testing.T, file, as string) {
	t.Helper()
	to := filepath.Join(a.home, as)
	must(t, "install", "-D", "-m", "600", file, to)
	must(t, "chown", "-R", a.name+":", a.home)
}

// command runs a shell as the account, with nothing of this process's environment.
func (a account) command(shell ...string) *exec.Cmd {
	env := []string{"-u", a.name, "--", "env", "-i", "-C", a.home, "HOME=" + a.home, "USER=" + a.name, "PATH=" + a.path, "TERM=xterm", "LANG=C.UTF-8"}
	return exec.Command("runuser", append(env, shell...)...)
}

func (a account) must(t *testing.T, script string) string {
	t.Helper()
	out, err := a.command("bash", "-c", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

// typist sits at a shell of the account's.
type typist struct {
	t    *testing.T
	tty  *os.File
	mu   sync.Mutex
	seen bytes.Buffer
}

func (a account) sits(t *testing.T) *typist {
	t.Helper()
	cmd := a.command("PS1=$ ", "bash", "--noprofile", "--norc", "-i")
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 50, Cols: 200})
	if err != nil {
		t.Fatal(err)
	}
	p := &typist{t: t, tty: tty}
	go func() {
		for b := make([]byte, 4096); ; {
			n, err := tty.Read(b)
			p.mu.Lock()
			p.seen.Write(b[:n])
			p.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		slow := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		_, _ = tty.WriteString("\x15exit\n") // closing the terminal would wait for the reader
		_ = cmd.Wait()
		slow.Stop()
		_ = tty.Close()
	})
	return p
}

// types a line or a part of one, and waits for what it makes the terminal show.
func (p *typist) types(keys, want string) {
	p.t.Helper()
	p.mu.Lock()
	p.seen.Reset()
	p.mu.Unlock()
	if _, err := p.tty.WriteString(keys); err != nil {
		p.t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		p.mu.Lock()
		seen := p.seen.String()
		p.mu.Unlock()
		if strings.Contains(seen, want) {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("typed %q: no %q in %q", keys, want, seen)
		}
	}
}

// distributed are the archives of this system that `make dist` makes of the last commit, made
// twice: in two folders, they are the same.
func distributed(t *testing.T) (checkout string, archives []string) {
	t.Helper()
	var made []map[string]string
	for _, name := range []string{"here", "elsewhere/deeper"} {
		dir := filepath.Join(t.TempDir(), name)
		must(t, "git", "clone", "--quiet", "..", dir)
		must(t, "make", "-C", dir, "dist", "PLATFORMS="+runtime.GOOS+"/"+runtime.GOARCH)
		files := map[string]string{}
		for _, pattern := range []string{"dist/*ystack_*", "dist/SHA256SUMS", "krew/ystack.yaml"} {
			found, err := filepath.Glob(filepath.Join(dir, pattern))
			if err != nil || len(found) == 0 {
				t.Fatalf("%s: none made (%v)", pattern, err)
			}
			for _, file := range found {
				data, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				files[filepath.Base(file)] = string(data)
				if strings.HasSuffix(file, ".tar.gz") && len(made) == 0 {
					checkout = dir
					archives = append(archives, file)
				}
			}
		}
		made = append(made, files)
	}
	for name, data := range made[0] {
		if made[1][name] != data {
			t.Errorf("%s is not the same when it is made in another folder", name)
		}
	}
	return checkout, archives
}

// TestFreshAccount: somebody who has just got an account installs what is shipped, and
// kubectl, the TAB key and man know of it.
func TestFreshAccount(t *testing.T) {
	needLab(t)
	checkout, archives := distributed(t)
	a := newAccount(t)
	a.must(t, "mkdir ystack")
	for _, archive := range archives {
		a.give(t, archive, "archive")
		a.must(t, "tar -xzf archive -C ystack")
	}
	a.path = a.home + "/ystack:" + a.path

	list := a.must(t, "kubectl plugin list")
	if !strings.Contains(list, a.home+"/ystack/kubectl-ystack") || strings.Contains(list, "warning") {
		t.Errorf("kubectl plugin list:\n%s", list)
	}
	for _, want := range []string{"ystack/kubectl_complete-ystack made", "ystack/kubectl_complete-ystack is there"} {
		if out := a.must(t, "kubectl ystack completion install"); !strings.Contains(out, want) || strings.Contains(out, "warning") {
			t.Errorf("completion install: no %q in\n%s", want, out)
		}
	}
	if again := a.must(t, "kubectl plugin list"); again != list {
		t.Errorf("kubectl plugin list, after completion install:\n%s", again)
	}
	for page, want := range map[string]string{"kubectl-ystack": "kubectl-ystack-deploy-image(1)", "openstack-ystack-image": "glance://CLOUD/NAME-OR-ID", "kubectl-ystack-pipeline-run": "kubectl ystack pipeline run [DIR]"} {
		if out := a.must(t, "man "+page+" | cat"); !strings.Contains(out, want) {
			t.Errorf("man %s shows no %q:\n%s", page, want, out)
		}
	}
	typeAtTheShell(t, a)
	asKrewInstalls(t, a, checkout)
}

// asKrewInstalls: the same, from where krew puts it. The link leads to krew's, which
// stays when the version changes.
func asKrewInstalls(t *testing.T, a account, checkout string) {
	must(t, "go", "run", "-C", checkout, "-trimpath", "./release", "install", a.home+"/.krew")
	must(t, "chown", "-Rh", a.name+":", a.home+"/.krew")
	a.path = a.home + "/.krew/bin:" + filepath.Join(os.Getenv("YSTACK_LAB"), "bin") + ":/usr/bin:/bin"
	commit := strings.TrimSpace(must(t, "git", "-C", checkout, "rev-parse", "HEAD"))
	if out := a.must(t, "kubectl ystack version"); !strings.Contains(out, commit) {
		t.Errorf("version: %s", out)
	}
	if out := a.must(t, "kubectl ystack completion install; readlink .krew/bin/kubectl_complete-ystack"); !strings.HasSuffix(out, "\nkubectl-ystack\n") || strings.Contains(out, "warning") {
		t.Errorf("completion install:\n%s", out)
	}
	if list := a.must(t, "kubectl plugin list"); !strings.HasSuffix(list, ":\n\n"+a.home+"/.krew/bin/kubectl-ystack\n") {
		t.Errorf("kubectl plugin list: %s", list)
	}
	if out := a.must(t, "kubectl __complete ystack pol 2>/dev/null"); !strings.HasPrefix(out, "policy\t") {
		t.Errorf("TAB: %s", out)
	}
}

// typeAtTheShell presses TAB in bash, through kubectl's own completion.
func typeAtTheShell(t *testing.T, a account) {
	namespace := "e2e-tab-" + random()
	must(t, "kubectl", "create", "namespace", namespace)
	t.Cleanup(func() { _ = exec.Command("kubectl", "delete", "namespace", namespace, "--wait=false").Run() })
	must(t, "kubectl", "create", "service", "clusterip", "tea-house", "--tcp=80", "-n", namespace)
	must(t, "kubectl", "create", "deployment", "tea-pot", "--image=none", "--replicas=0", "-n", namespace)
	must(t, "kubectl", "label", "deployment", "tea-pot", "-n", namespace, "app.kubernetes.io/managed-by=ystack",
		"app.kubernetes.io/component=deploy-image", "app.kubernetes.io/instance=tea-app")

	const clear = "\x15" // Ctrl-U
	p := a.sits(t)
	p.types("source /usr/share/bash-completion/bash_completion; source <(kubectl completion bash); echo rea''dy\n", "ready")
	p.types("kubectl ystack adv\t", "ertise-clusterip ")
	p.types("-n "+namespace[:len(namespace)-3]+"\t", namespace[len(namespace)-3:]+" ")
	p.types("tea\t", "-house ")
	p.types(clear+"kubectl ystack deploy-image history -n "+namespace+" te\t", "a-app ")
	p.types(clear+"kubectl ystack my-namespaces --tim\t", "eout ")
	p.types(clear+"kubectl ystack my-namespaces --context l\t", "ab ")
	p.types(clear+"kubectl ystack \t\t", "tenant-sync")

	p.types(clear+"source <(openstack-ystack completion bash); echo rea''dy\n", "ready")
	p.types("openstack ys\t", "tack ")
	p.types("image li\t", "st ")
	p.types("--os-clo\t", "ud ")

	cache := a.must(t, "find .cache/ystack/completion -type f -printf '%m\\n' | sort -u; stat -c %a .cache/ystack/completion")
	if cache != "600\n700\n" {
		t.Errorf("modes of the cache: %s", cache)
	}
}

// TestInstallBesideAnothers: where the plugin is an administrator's, the link goes to the
// user's own directory, and he is told what else it takes.
func TestInstallBesideAnothers(t *testing.T) {
	needLab(t)
	a := newAccount(t)
	shared := filepath.Join(a.home, "shared")
	must(t, "mkdir", shared) // root's
	must(t, "go", "build", "-o", shared, "../cmd/kubectl-ystack")
	a.path = shared + ":" + a.path
	out := a.must(t, "kubectl ystack completion install")
	for _, want := range []string{a.home + "/.local/bin/kubectl_complete-ystack made (leads to " + shared + "/kubectl-ystack)", "add " + a.home + "/.local/bin to the PATH"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	a.path += ":" + a.home + "/.local/bin"
	if out := a.must(t, "kubectl ystack completion install; kubectl __complete ystack tenant-s 2>/dev/null"); strings.Contains(out, "warning") || !strings.Contains(out, "tenant-sync") {
		t.Errorf("with the PATH:\n%s", out)
	}
}
