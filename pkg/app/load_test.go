package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"
)

const small = "apiVersion: ystack.dev/v1alpha1\nkind: Application\nmetadata: {name: hello}\nspec: {images: {container: {}}}\n"

func TestLoadApplicationFromFileAndDirectory(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, FileName)
	write(t, file, small)
	for _, path := range []string{dir, file} {
		application, err := LoadApplication(path)
		if err != nil {
			t.Fatal(err)
		}
		if application.Path != file || application.Metadata.Name != "hello" {
			t.Errorf("loaded %+v from %s", application, path)
		}
	}
}

func TestLoadErrors(t *testing.T) {
	dir := t.TempDir()
	renamed := filepath.Join(dir, "renamed")
	write(t, filepath.Join(renamed, "ystack.yml"), small)
	huge := filepath.Join(dir, "huge.yaml")
	write(t, huge, small+strings.Repeat("# more\n", maxFileSize/7))
	cases := []struct {
		name string
		load func() error
		want string
		is   error
	}{
		{"missing", func() error { _, err := LoadApplication(filepath.Join(dir, "none")); return err }, "none: no such file", fs.ErrNotExist},
		{"yml", func() error { _, err := LoadApplication(renamed); return err }, "ystack.yml, which is there", fs.ErrNotExist},
		{"no file in the directory", func() error { _, err := LoadApplication(dir); return err }, FileName + ": no such file", fs.ErrNotExist},
		{"site is a directory", func() error { _, err := LoadSite(dir); return err }, "is a directory", nil},
		{"huge", func() error { _, err := LoadSite(huge); return err }, "larger than 1 MiB", nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := c.load()
			if err == nil || !strings.Contains(err.Error(), c.want) || c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestErrorsAreTyped(t *testing.T) {
	_, err := parseApplication("x/ystack.yaml", readTest(t, "testdata/application/unknown-near.yaml"))
	var all Errors
	if !errors.As(err, &all) || len(all) != 1 {
		t.Fatalf("%T: %v", err, err)
	}
	var one *FieldError
	if !errors.As(err, &one) {
		t.Fatalf("no FieldError in %v", err)
	}
	want := &FieldError{"x/ystack.yaml", 7, 7, "spec.images.container", `unknown field "dockerfil"; did you mean "dockerfile"?`}
	if diff := cmp.Diff(want, one); diff != "" {
		t.Error(diff)
	}
}

func TestNoSecretInErrors(t *testing.T) {
	for _, spec := range []string{
		"{deploy: {container: {env: {PASSWORD: 31337}}}}",
		`{deploy: {container: {env: {PASSWORD: "31337\0"}}}}`,
		"{images: {container: {args: {TOKEN: 31337}}}}",
		"{images: {container: {dockerfile: 'https://me:31337@host/x'}}, deploy: {container: {namespace: 'me:31337@host'}}}",
	} {
		_, err := parseApplication("ystack.yaml", []byte(strings.Replace(small, "{images: {container: {}}}", spec, 1)))
		if strings.Contains(spec, "namespace") && err == nil || err != nil && strings.Contains(err.Error(), "31337") {
			t.Errorf("%s: %v", spec, err)
		}
	}
}

// TestHostileInput: what would make a careless reader hang, overflow or run out of memory.
func TestHostileInput(t *testing.T) {
	const size = maxFileSize / 4 // enough to tell quadratic from linear
	laughs := "a: &a [x]\n"
	for c := 'b'; c <= 'z'; c++ {
		laughs += string(c) + ": &" + string(c) + " [" + strings.Repeat("*"+string(c-1)+", ", 50) + "]\n"
	}
	merges := "a0: &a0 {k: v}\n"
	for i := range 25 {
		n, m := string(rune('a'+i)), string(rune('b'+i))
		merges += m + "0: &" + m + "0 {<<: [" + strings.Repeat("*"+n+"0, ", 50) + "], " + n + "x: 1}\n"
	}
	for name, text := range map[string]string{
		"lists":    strings.Repeat("[", size),
		"objects":  strings.Repeat("{a: ", size/4),
		"dashes":   strings.Repeat("- ", size/2),
		"keys":     strings.Repeat("? ", size/2),
		"anchors":  strings.Repeat("&a ", size/3),
		"tags":     strings.Repeat("!a ", size/3),
		"quotes":   strings.Repeat(`"`, size),
		"colons":   strings.Repeat(": ", size/2),
		"stars":    strings.Repeat("*a ", size/3),
		"markers":  strings.Repeat("---\n", size/4),
		"lines":    strings.Repeat("a: b\n", size/5),
		"text":     strings.Repeat("a", size),
		"laughs":   laughs,
		"merges":   merges,
		"comments": strings.Repeat("#\n", size/2),
		"steps":    steps(1000),
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			if _, err := parseApplication("ystack.yaml", []byte(text)); err == nil {
				t.Error("loads")
			}
			if took := time.Since(start); took > 30*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// steps is a mapping in a mapping, depth deep.
func steps(depth int) string {
	var b bytes.Buffer
	for i := range depth {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

// TestQuantityPattern: what the format accepts is a quantity to Kubernetes.
func TestQuantityPattern(t *testing.T) {
	for _, s := range []string{"1", "0", "500m", "64Mi", "1.5Gi", "1e3", "1E-3", ".5", "5.", "1k", "1u", "1n", "1Ei", "12e6", "1Ki", "3M", "1 Mi", "1MB", "0x1", "1e", "", "1.2.3", "one"} {
		_, err := resource.ParseQuantity(s)
		if problem := formatOf("quantity").problem(s); (problem == "") != (err == nil) {
			t.Errorf("%q: %q; Kubernetes: %v", s, problem, err)
		}
	}
}

func FuzzLoadApplication(f *testing.F) { fuzzLoad(f, KindApplication) }

func FuzzLoadSite(f *testing.F) { fuzzLoad(f, KindSite) }

func FuzzLoadTenantSync(f *testing.F) { fuzzLoad(f, KindTenantSync) }

// fuzzLoad: nothing panics, and what loads survives being written and read again.
func fuzzLoad(f *testing.F, kind string) {
	paths, err := filepath.Glob(filepath.Join("testdata", strings.ToLower(kind), "*.yaml"))
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		loaded, err := parseKind(kind, "ystack.yaml", data)
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without a word")
			}
			return
		}
		written := marshal(t, loaded)
		again, err := parseKind(kind, "ystack.yaml", written)
		if err != nil {
			t.Fatalf("%v\n%s", err, written)
		}
		if diff := cmp.Diff(written, marshal(t, again)); diff != "" {
			t.Error(diff)
		}
	})
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
