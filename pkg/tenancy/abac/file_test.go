package abac

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

func TestRefused(t *testing.T) {
	for line, want := range map[string]string{
		"{":    "policy:2:2: not valid JSON: unexpected end of JSON input",
		`{"a}`: "policy:2:5: not valid JSON",
		`{"apiVersion":"` + apiVersion + `","kind":"Policy","spec":{"user":"日本","readonly":"true"}}`: `policy:2:105: readonly must be true or false, is "true"`,
		`{"apiVersion":"` + apiVersion + `","kind":"Policy","spec":{"user":7}}`:                      `policy:2:89: user must be a string, is 7`,
		`{"apiVersion":"` + apiVersion + `","kind":"Policy","spec":[]}`:                              `policy:2:81: spec must be an object, is []`,
		`{"apiVersion":1}`:               "policy:2:15: apiVersion must be a string, is 1",
		`{"apiVersion":"v1"}`:            `policy:2:1: needs "apiVersion":"` + apiVersion + `","kind":"Policy", has "v1" and ""`,
		`{"apiVersion":"a/b/c"}`:         "policy:2:1: unexpected GroupVersion string",
		"alice":                          "policy:2:1: not a JSON object, and not one of YAML",
		"#" + strings.Repeat("x", 1<<16): "policy:2:1: longer than the 65535 bytes that a line may have",
	} {
		_, err := Parse("policy", []byte("# first\r\n"+line+"\n{}\n"))
		if !errors.Is(err, ErrRefused) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.40s: %v, want %s", line, err, want)
		}
		if found := Lint("policy", []byte("# first\r\n"+line)); len(found) == 0 || found[0].Severity != Error || !strings.HasPrefix(err.Error(), found[0].Position()+": "+found[0].Text) {
			t.Errorf("%.40s: %v", line, found)
		}
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// The longest line that is taken, and a byte more.
func TestLongLines(t *testing.T) {
	line := "{" + strings.Repeat(" ", maxLine-3) + "}"
	for _, end := range []string{"", "\n", "\n{}"} {
		if _, err := Parse("policy", []byte(line+end)); err != nil {
			t.Error(err)
		}
		if _, err := Parse("policy", []byte(" "+line+end)); !errors.Is(err, ErrRefused) {
			t.Error(err)
		}
	}
}

func TestEncode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var rules []Rule
		for _, r := range drawRules.Draw(t, "rules") {
			if r.User != "" || r.Group != "" {
				rules = append(rules, r)
			}
		}
		data, err := Encode(rules)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Encode(append(rapid.Permutation(rules).Draw(t, "shuffled"), rules...))
		if err != nil || !bytes.Equal(data, again) {
			t.Fatalf("%v\n%s\n%s", err, data, again)
		}
		p, err := Parse("policy", data)
		if err != nil {
			t.Fatal(err)
		}
		if changes := Diff(New(rules), p); len(changes) > 0 {
			t.Fatal(changes)
		}
		if same, err := Encode(p.Rules); err != nil || !bytes.Equal(data, same) {
			t.Fatalf("%v\n%s\n%s", err, data, same)
		}
	})
	got, err := Encode([]Rule{{User: "<b>", Namespace: "team-a", Resource: "pods", Readonly: true}})
	if want := `{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":{"user":"<b>","namespace":"team-a","resource":"pods","readonly":true}}` + "\n"; err != nil || string(got) != want {
		t.Errorf("%v: %s", err, got)
	}
	for _, r := range []Rule{{Resource: "pods"}, {User: "\xff"}, {User: strings.Repeat("x", maxLine)}} {
		if _, err := Encode([]Rule{r}); !errors.Is(err, ErrUnwritable) {
			t.Errorf("%.20s: %v", r.User, err)
		}
	}
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "policy.jsonl")
	rules := []Rule{{User: "alice", Namespace: "team-a", Resource: "pods"}}
	write := func(path string, want bool) {
		t.Helper()
		if changed, err := WriteFile(path, "", rules); err != nil || changed != want {
			t.Fatal(changed, err)
		}
		if p, err := Load(path); err != nil || len(p.Rules) != len(rules) {
			t.Fatal(p, err)
		}
	}
	write(path, true)
	write(path, false)
	if runtime.GOOS != "windows" {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Error(info.Mode(), err)
		}
		link := filepath.Join(dir, "link")
		if err := errors.Join(os.Chmod(path, 0o644), os.Symlink("policy.jsonl", link)); err != nil {
			t.Fatal(err)
		}
		rules = append(rules, Rule{User: "bob", Namespace: "team-b", Resource: "pods"})
		write(link, true)
		info, err := os.Lstat(path)
		if err != nil || info.Mode() != 0o644 {
			t.Error(info.Mode(), err)
		}
		if info, err := os.Lstat(link); err != nil || info.Mode().Type() != os.ModeSymlink {
			t.Error(info.Mode(), err)
		}
		if err := os.Remove(link); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := WriteFile(filepath.Join(dir, "none", "policy"), "", rules); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Error("left over:", entries, err)
	}
}

func TestOnePolicyManyGoroutines(t *testing.T) {
	p := New([]Rule{{Group: "devs", Namespace: "*", Resource: "pods"}, {User: "alice", Group: "ops", NonResourcePath: "/api/*"}})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				if !p.Authorize(Request{User: "alice", Groups: []string{"devs"}, Verb: "update", IsResource: true, Namespace: "a", Resource: "pods"}).Allowed ||
					p.Authorize(Request{User: "alice", Groups: []string{"devs"}, Verb: "get", Path: "/api/v1"}).Allowed {
					t.Error("wrong answer")
				}
			}
		})
	}
	all.Wait()
}

// Whatever is read can be written, and grants the same then; Lint agrees with Parse on
// what is refused.
func FuzzParse(f *testing.F) {
	for _, line := range []string{
		"", "#", "---", "{}", `{"user":"alice"}`, "user: alice", `{"user":1}`, "\ufeff{}",
		`{"apiVersion":"` + apiVersion + `","kind":"Policy","spec":{"user":"alice","group":"*","namespace":"a","resource":"pods","readOnly":true}}`,
		`{"apiVersion":"` + apiVersion + `","kind":"Policy","spec":{"group":"devs","nonResourcePath":"/a*","readonly":true}}` + "\n{}",
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Parse("policy", data)
		refused := 0
		for _, found := range Lint("policy", data) {
			if err != nil && strings.HasPrefix(err.Error(), found.Position()+": "+found.Text) {
				refused++
			}
			if found.Line < 1 || found.Column < 1 || found.Text == "" {
				t.Errorf("%+v", found)
			}
		}
		if err != nil {
			if refused == 0 {
				t.Errorf("Lint does not tell of %v", err)
			}
			return
		}
		var rules []Rule
		for _, r := range p.Rules {
			if r.User != "" || r.Group != "" {
				rules = append(rules, r)
			}
		}
		written, err := Encode(rules)
		if errors.Is(err, ErrUnwritable) {
			return // an escape may be shorter in the file that was read
		}
		again, err := Parse("written", written)
		if err != nil {
			t.Fatal(err)
		}
		if changes := Diff(p, again); len(changes) > 0 {
			t.Errorf("written as\n%s\nit is %v", written, changes)
		}
	})
}
