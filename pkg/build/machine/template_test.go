package machine

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ystackdev/ystack/pkg/app"
)

func TestDeclared(t *testing.T) {
	for _, c := range []struct{ name, file, text, want, failure string }{
		{"HCL", "a.pkr.hcl", "variable \"cloud\" {\n}\n  variable \"flavor\" { type = string }\n# variable \"no\" {\nlocals { variable = 1 }\n", "cloud flavor", ""},
		{"JSON", "a.json", `{"variables": {"cloud": "", "flavor": null}, "builders": []}`, "cloud flavor", ""},
		{"HCL as JSON", "a.pkr.json", `{"variable": {"cloud": {"type": "string"}}}`, "cloud", ""},
		{"none", "a.pkr.hcl", "", "", ""},
		{"broken JSON", "a.json", `{`, "", "unexpected end"},
		{"missing", "", "", "", "cannot be read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "none")
			if c.file != "" {
				path = filepath.Join(t.TempDir(), c.file)
				if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			names, err := declared(path)
			if c.failure != "" {
				if err == nil || !strings.Contains(err.Error(), c.failure) {
					t.Fatalf("error %v, want one with %q", err, c.failure)
				}
				return
			}
			if got := strings.Join(slices.Sorted(maps.Keys(names)), " "); err != nil || got != c.want {
				t.Errorf("%q, %v; want %q", got, err, c.want)
			}
		})
	}
}

func TestDeclaredDirectory(t *testing.T) {
	dir := t.TempDir()
	if _, err := declared(dir); err == nil {
		t.Error("a directory without templates was taken")
	}
	for name, text := range map[string]string{"a.pkr.hcl": "variable \"a\" {}", "b.pkr.hcl": "variable \"b\" {}", "c.txt": "variable \"c\" {}"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if names, err := declared(dir); err != nil || !names["a"] || !names["b"] || names["c"] {
		t.Errorf("%v, %v", names, err)
	}
}

// Packer refuses variables that a template does not declare, so it gets no others; one that
// ystack.yaml sets must be there.
func TestVariables(t *testing.T) {
	p := &Plan{declared: map[string]bool{"cloud": true, "size": true, "flavor": true}}
	p.Packer = &app.Packer{Template: "vm.pkr.hcl", Variables: map[string]string{"size": "3"}}
	given, err := p.variables(map[string]any{"cloud": "lab", "network": "n", "flavor": ""})
	if want := map[string]any{"cloud": "lab", "size": "3"}; err != nil || !maps.Equal(given, want) {
		t.Errorf("%v, %v; want %v", given, err, want)
	}
	p.Packer.Variables = map[string]string{"sise": "3"}
	if _, err := p.variables(nil); err == nil || !strings.Contains(err.Error(), `"sise"`) || !strings.Contains(err.Error(), "size") {
		t.Errorf("got %v", err)
	}
}
