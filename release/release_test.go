package main

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var someDay = time.Date(2026, 11, 25, 23, 30, 15, 0, time.UTC)

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// TestGenerated: what is under version control is what the commands say.
func TestGenerated(t *testing.T) {
	if *update {
		if err := generate(".."); err != nil {
			t.Fatal(err)
		}
	}
	files, err := generated()
	if err != nil {
		t.Fatal(err)
	}
	made := map[string]bool{}
	for _, f := range files {
		path := filepath.Join("..", filepath.FromSlash(f.Name))
		made[path] = true
		if there, err := os.ReadFile(path); err != nil || !bytes.Equal(there, f.Data) {
			t.Errorf("%s is not what the commands say: run `make generate` (%v)", f.Name, err)
		}
	}
	for _, pattern := range []string{"../completions/*", "../" + referenceDir + "/*"} {
		there, err := filepath.Glob(pattern)
		if err != nil || len(there) == 0 {
			t.Errorf("%s: %v", pattern, err)
		}
		for _, path := range there {
			if !made[path] {
				t.Errorf("%s is of no command: run `make generate`", path)
			}
		}
	}
}

// TestScriptsParse: each shell that is there takes its scripts.
func TestScriptsParse(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if _, err := exec.LookPath(shell); err != nil {
			if shell == "bash" {
				t.Error(err)
			}
			continue
		}
		for _, program := range []string{"kubectl-ystack", "openstack-ystack"} {
			if out, err := exec.Command(shell, "-n", "../completions/"+program+"."+shell).CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("%s, of %s: %v\n%s", shell, program, err, out)
			}
		}
	}
}

// TestReferenceIsWhole: every command and flag that help shows has its place.
func TestReferenceIsWhole(t *testing.T) {
	var all strings.Builder
	for _, f := range reference() {
		all.Write(f.Data)
	}
	for _, want := range []string{
		"\n## kubectl ystack pipeline run\n", "\n### kubectl ystack pipeline deliveries replay\n", "\n# openstack ystack image\n",
		"`kubectl ystack deploy-image rollback`", "--dry-run string[=\"client\"]", "Of the commands above: `--as`,",
	} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("the reference has no %q", want)
		}
	}
	for _, hidden := range []string{"--os-password ", "--help ", "kubectl-ystack pipeline", "(http"} {
		if strings.Contains(all.String(), hidden) {
			t.Errorf("the reference has %q", hidden)
		}
	}
}

// TestManPages: the typesetter finds nothing to complain of, and the reader all the words.
func TestManPages(t *testing.T) {
	pages := manPages("v1.2.3", someDay)
	for _, p := range pages {
		if p.Name == "man/man1/kubectl-ystack-completion-install.1" {
			golden(t, "testdata/kubectl-ystack-completion-install.1", p.Data)
		}
	}
	if len(pages) < 50 {
		t.Errorf("%d pages", len(pages))
	}
	if _, err := exec.LookPath("groff"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("groff is missing; `make test-tools` installs it")
		}
		t.Skip("groff is missing; `make test-tools` installs it")
	}
	for _, p := range pages {
		page, complaints := typeset(t, p.Data)
		if complaints != "" {
			t.Errorf("%s: %s", p.Name, complaints)
		}
		for _, want := range []string{"NAME", "SYNOPSIS", "DESCRIPTION", "ystack v1.2.3", "2026-11-25"} {
			if !strings.Contains(page, want) {
				t.Errorf("%s shows no %s", p.Name, want)
			}
		}
		if strings.Contains(page, `\f`) || strings.Contains(page, `\[u`) {
			t.Errorf("%s shows what is for the typesetter:\n%s", p.Name, page)
		}
	}
}

func typeset(t *testing.T, page []byte) (text, complaints string) {
	t.Helper()
	cmd := exec.Command("groff", "-ww", "-man", "-Tutf8", "-P-c", "-P-bou")
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(page), &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("groff: %v\n%s", err, &errs)
	}
	return out.String(), errs.String()
}

func TestRoff(t *testing.T) {
	for in, want := range map[string]string{
		"plain":         "plain",
		"a -b --c":      `a \-b \-\-c`,
		".TH\n'x\n a.b": `\&.TH` + "\n" + `\&'x` + "\n a.b",
		`C:\x`:          `C:\ex`,
		"it's `x`":      `it\(aqs \(gax\(ga`,
		"日…":            `\[u65E5]\[u2026]`,
		"end\n":         "end",
	} {
		if got := roff(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestParagraphs(t *testing.T) {
	long := "One\ntwo:\n\n  a  b\n    c\n\nthree\n  d\nfour"
	want := []paragraph{{false, "One\ntwo:"}, {true, "a  b\n  c"}, {false, "three"}, {true, "d"}, {false, "four"}}
	if diff := cmp.Diff(want, paragraphs(long), cmp.AllowUnexported(paragraph{})); diff != "" {
		t.Error(diff)
	}
}
