//go:build linux

package machine

import (
	"io/fs"
	"os/exec"
	"strings"
	"testing"

	"github.com/ystackdev/ystack/lab/service"
)

// What is written for shells is understood by them.
func TestScripts(t *testing.T) {
	texts := map[string]string{}
	for name, text := range scripts(&service.Lab{Dir: "/lab"}) {
		texts[name] = text
	}
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := files.ReadFile(path)
		if strings.HasPrefix(string(data), "#!") {
			texts[path] = string(data)
		}
		return err
	})
	if err != nil || len(texts) < 8 {
		t.Fatal(len(texts), err)
	}
	for name, text := range texts {
		interpreter, _, _ := strings.Cut(strings.TrimPrefix(text, "#!"), "\n")
		cmd := exec.Command(interpreter, "-n")
		cmd.Stdin = strings.NewReader(text)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", name, err, out)
		}
	}
}

func TestKey(t *testing.T) {
	first, err := key()
	if err != nil || len(first) != 12 {
		t.Fatal(first, err)
	}
	if again, _ := key(); again != first {
		t.Errorf("%s, then %s", first, again)
	}
}

func TestShimTarget(t *testing.T) {
	for path, want := range map[string]string{
		"shims/sudo": "shims/bin/sudo", "shims/kpartx": "mapper/sbin/kpartx", "elements/lab-vm/element-deps": "elements/lab-vm/element-deps",
	} {
		if got := shimTarget(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}
