package build

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ystackdev/ystack/pkg/image"
)

// tree makes a build context out of name → content.
func tree(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func inputs(t testing.TB, dir string, change ...func(*Request)) string {
	t.Helper()
	req := Request{ContextDir: dir, Dockerfile: filepath.Join(dir, "Dockerfile")}
	for _, c := range change {
		c(&req)
	}
	sum, err := Inputs(req)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

var sample = map[string]string{
	"Dockerfile": "FROM a\n", ".dockerignore": "# comment\nignored\n*.log\n!keep.log\nnode_modules\n!node_modules/mine\n",
	"main.go": "package main", "ignored/x": "1", "a.log": "1", "keep.log": "1", "sub/b.go": "b", "node_modules/other/x": "1", "node_modules/mine/y": "1",
	".git/HEAD": "x", "sub/.git": "gitdir: elsewhere",
}

func TestInputsCounts(t *testing.T) {
	write := func(name string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, name), []byte("changed"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	do := func(err error) func(*testing.T, string) {
		return func(t *testing.T, _ string) {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	tests := []struct {
		name    string
		change  func(t *testing.T, dir string)
		differs bool
	}{
		{"nothing", do(nil), false},
		{"content", write("main.go"), true},
		{"new file", write("sub/new"), true},
		{"Dockerfile", write("Dockerfile"), true},
		{"ignored directory", write("ignored/x"), false},
		{"ignored pattern", write("a.log"), false},
		{"exception", write("keep.log"), true},
		{"exception below ignored", write("node_modules/mine/y"), true},
		{"beside the exception", write("node_modules/other/x"), false},
		{".git", write(".git/HEAD"), false},
		{".git of a submodule", write("sub/.git"), false},
		{"mtime", func(t *testing.T, dir string) {
			do(os.Chtimes(filepath.Join(dir, "main.go"), time.Time{}, time.Unix(1, 0)))(t, dir)
		}, false},
		{"exec bit", func(t *testing.T, dir string) { do(os.Chmod(filepath.Join(dir, "main.go"), 0o755))(t, dir) }, true},
		{"group write", func(t *testing.T, dir string) { do(os.Chmod(filepath.Join(dir, "main.go"), 0o664))(t, dir) }, false},
		{"symlink", func(t *testing.T, dir string) { do(os.Symlink("main.go", filepath.Join(dir, "link")))(t, dir) }, true},
		{"empty directory", func(t *testing.T, dir string) { do(os.Mkdir(filepath.Join(dir, "new"), 0o755))(t, dir) }, true},
		{"rename", func(t *testing.T, dir string) {
			do(os.Rename(filepath.Join(dir, "main.go"), filepath.Join(dir, "main2.go")))(t, dir)
		}, true},
		{"own ignore file wins", func(t *testing.T, dir string) {
			do(os.WriteFile(filepath.Join(dir, "Dockerfile.dockerignore"), []byte("main.go\n"), 0o644))(t, dir)
		}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := tree(t, sample)
			before := inputs(t, dir)
			test.change(t, dir)
			if differs := inputs(t, dir) != before; differs != test.differs {
				t.Errorf("differs: %v, want %v", differs, test.differs)
			}
		})
	}
}

func TestInputsSameInAnotherPlace(t *testing.T) {
	one, other := inputs(t, tree(t, sample)), inputs(t, tree(t, sample))
	if one != other {
		t.Error("two copies differ")
	}
}

func TestInputsOfRequest(t *testing.T) {
	dir := tree(t, sample)
	plain := inputs(t, dir)
	seen := map[string]string{plain: "plain"}
	for name, change := range map[string]func(*Request){
		"target": func(r *Request) { r.Target = "x" },
		"arg":    func(r *Request) { r.Args = map[string]string{"a": "b"} },
		"arg 2":  func(r *Request) { r.Args = map[string]string{"ab": ""} },
		"base":   func(r *Request) { r.Bases = []image.Base{{Name: "a", Digest: "sha256:1"}} },
		"base 2": func(r *Request) { r.Bases = []image.Base{{Name: "a", Digest: "sha256:2"}} },
	} {
		sum := inputs(t, dir, change)
		if other, ok := seen[sum]; ok {
			t.Errorf("%s is the same as %s", name, other)
		}
		seen[sum] = name
	}
	labelled := inputs(t, dir, func(r *Request) { r.Labels = map[string]string{"revision": "1"}; r.Created = time.Now() })
	if labelled != plain {
		t.Error("labels and date count, so that every commit would build again")
	}
}

func TestInputsSpecialFiles(t *testing.T) {
	dir := tree(t, sample)
	before := inputs(t, dir)
	listener, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Skip("no unix sockets here: ", err)
	}
	defer listener.Close()
	var log bytes.Buffer
	if inputs(t, dir, func(r *Request) { r.Log = &log }) != before || !strings.Contains(log.String(), "s is neither file") {
		t.Errorf("socket counted, or no word about it: %q", log.String())
	}
}

func TestInputsErrors(t *testing.T) {
	dir := tree(t, sample)
	_, err := Inputs(Request{ContextDir: dir, Dockerfile: filepath.Join(dir, "nosuch")})
	if !errors.Is(err, ErrDockerfile) {
		t.Errorf("missing Dockerfile: %v", err)
	}
	if _, err = Inputs(Request{ContextDir: filepath.Join(dir, "nosuch"), Dockerfile: filepath.Join(dir, "Dockerfile")}); err == nil {
		t.Error("missing context: no error")
	}
	ignore := filepath.Join(dir, ".dockerignore")
	if err := os.WriteFile(ignore, []byte("ok\n[a-\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = Inputs(Request{ContextDir: dir, Dockerfile: filepath.Join(dir, "Dockerfile")})
	if want := ignore + ":2: not a valid pattern: [a-"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestInputsUnreadable(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root reads everything")
	}
	dir := tree(t, sample)
	if err := os.Chmod(filepath.Join(dir, "main.go"), 0); err != nil {
		t.Fatal(err)
	}
	_, err := Inputs(Request{ContextDir: dir, Dockerfile: filepath.Join(dir, "Dockerfile")})
	if !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), "main.go") {
		t.Errorf("got %v", err)
	}
}

func FuzzIgnore(f *testing.F) {
	for _, seed := range []string{"*.go\n!main.go", "**/x", "#c\n\n/a/../b", "[a-", "!", "\\", "a\x00b", "\xef\xbb\xbfx", "sub/**\n!sub/b.go"} {
		f.Add(seed)
	}
	dir := tree(f, sample)
	req := Request{ContextDir: dir, Dockerfile: filepath.Join(dir, "Dockerfile")}
	f.Fuzz(func(t *testing.T, ignore string) {
		if err := os.WriteFile(req.Dockerfile+".dockerignore", []byte(ignore), 0o644); err != nil {
			t.Fatal(err)
		}
		first, err := Inputs(req)
		if err != nil {
			if !strings.Contains(err.Error(), ".dockerignore") {
				t.Fatalf("the error does not name the file: %v", err)
			}
			return
		}
		if second, err := Inputs(req); err != nil || second != first {
			t.Fatalf("twice: %s %s %v", first, second, err)
		}
	})
}

func BenchmarkInputs10000(b *testing.B) {
	files := map[string]string{"Dockerfile": "FROM a\n", ".dockerignore": "*.log\n**/tmp\n!x/tmp\n"}
	for i := range 10_000 {
		files[fmt.Sprintf("d%d/e%d/f%d.go", i%20, i%400, i)] = strings.Repeat("x", 4000)
	}
	dir := tree(b, files)
	for b.Loop() {
		inputs(b, dir)
	}
}
