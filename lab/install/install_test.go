//go:build linux

package install

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMissing(t *testing.T) {
	got := Missing(map[string]string{"b": "/nowhere/b", "here": "/proc/self/exe", "a": "/nowhere/a"})
	if strings.Join(got, " ") != "a b" {
		t.Errorf("missing %v", got)
	}
}

func TestKeyChangesWithWhatMatters(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module x")
	base := Target{Name: "x", Dir: dir, Programs: map[string]string{"a": "./a", "b": "./b"}}
	key := func(target Target) string {
		k, err := target.key()
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	first := key(base)
	if key(base) != first {
		t.Error("the same sources have two keys")
	}
	flags := base
	flags.LDFlags = " -X a=b"
	if key(flags) == first {
		t.Error("other flags have the same key")
	}
	write("go.sum", "")
	second := key(base)
	if second == first {
		t.Error("another file has the same key")
	}
	write("go.mod", "module y")
	third := key(base)
	if third == second {
		t.Error("other content has the same key")
	}
	write("x_test.go", "package x")
	if key(base) != third {
		t.Error("a test is compiled into nothing, but changes the key")
	}
	some := base
	some.Sources = []string{"go.mod"}
	first = key(some)
	write("go.sum", "other")
	if key(some) != first {
		t.Error("a file that is none of the sources changes the key")
	}
}

// What is there already is not compiled, whatever the machine's Go is like.
func TestCompileLeavesWhatIsThere(t *testing.T) {
	dir, bin := t.TempDir(), t.TempDir()
	target := Target{Name: "x", Dir: dir, Programs: map[string]string{"x": "."}}
	key, err := target.key()
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{".x": key, "x": "program"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", "")
	silent := func(format string, _ ...any) { t.Errorf("said %q", format) }
	if err := Compile(t.Context(), target, bin, silent); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(bin, "x")); err != nil {
		t.Fatal(err)
	}
	if err := Compile(t.Context(), target, bin, silent); err == nil {
		t.Error("a program that is missing was not compiled")
	}
}

func TestCompile(t *testing.T) {
	dir, bin := t.TempDir(), t.TempDir()
	main := filepath.Join(dir, "main.go")
	write := func(file, content string) {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(dir, "go.mod"), "module x\n\ngo 1.26\n")
	target := Target{Name: "x", Dir: dir, Programs: map[string]string{"named": "."}}
	quiet := func(string, ...any) {}
	write(main, "package main\n\nfunc main() { undefined() }\n")
	if err := Compile(t.Context(), target, bin, quiet); err == nil || !strings.Contains(err.Error(), "undefined: undefined") {
		t.Fatalf("error %v, want what the compiler said", err)
	}
	write(main, "package main\n\nfunc main() {}\n")
	if err := Compile(t.Context(), target, bin, quiet); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(bin, ".part-*")); len(left) > 0 || !target.Present(bin) {
		t.Errorf("present %v, left behind %v", target.Present(bin), left)
	}
}

func TestWatcher(t *testing.T) {
	w := &watcher{}
	w.read(strings.NewReader("go: downloading k8s.io/api v0.36.3\nk8s.io/api/core/v1\nk8s.io/kubernetes/pkg/kubelet\n# k8s.io/kubernetes\nx.go:1:2: broken thing\n"))
	if w.count != 2 || w.last != "k8s.io/kubernetes/pkg/kubelet" || !bytes.Contains(w.rest.Bytes(), []byte("broken thing")) {
		t.Errorf("%d, %q, %q", w.count, w.last, w.rest.String())
	}
}

func TestTargetsAreThere(t *testing.T) {
	for _, target := range Targets("../..") {
		if _, err := os.Stat(target.Dir); err != nil {
			t.Error(err)
		}
		if len(target.arguments("/out")) < 7 {
			t.Errorf("%s: %v", target.Name, target.arguments("/out"))
		}
	}
}
