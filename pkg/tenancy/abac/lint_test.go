package abac

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestLint(t *testing.T) {
	files, err := filepath.Glob("testdata/lint/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			for _, f := range Lint(name, data) {
				got.WriteString(f.String() + "\n")
			}
			golden(t, "lint/"+strings.TrimSuffix(name, ".jsonl")+".golden", got.String())
		})
	}
}

// Taking out one by one the lines that are said to add nothing changes nothing, and
// leaves none of them.
func TestRedundantLinesAreRedundant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := drawRules.Draw(t, "rules")
		for i := range rules {
			rules[i] = rules[i].everybody()
			rules[i].Line = i + 1
		}
		l := &linter{}
		l.redundant(rules)
		drop := map[int]bool{}
		for _, f := range l.found {
			drop[f.Line] = true
		}
		var kept []Rule
		for _, r := range rules {
			if !drop[r.Line] {
				kept = append(kept, r)
			}
		}
		if changes := Diff(New(rules), New(kept)); len(changes) > 0 {
			t.Fatalf("without %v: %v", l.found, changes)
		}
	})
}

func TestNearlyEqual(t *testing.T) {
	for _, tc := range []struct {
		a    string
		want bool
	}{
		{"readOnly", true},
		{"read_only", true},
		{"READONLY", true},
		{"reedonly", true},
		{"readonl", true},
		{"readonlyy", true},
		{"raedonly", true},
		{"readwrite", false},
		{"reader", false},
		{"only", false},
	} {
		if got := nearlyEqual(tc.a, "readonly"); got != tc.want {
			t.Errorf("%s: %v", tc.a, got)
		}
	}
}
