package tui

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestFit(t *testing.T) {
	for _, tc := range []struct {
		text string
		n    int
		wide bool
		want string
	}{
		{"hello", 5, false, "hello"},
		{"hello", 7, false, "hello  "},
		{"hello", 4, false, "hel…"},
		{"開発チーム", 10, false, "開発チーム"},
		{"開発チーム", 9, false, "開発チー…"},
		{"開発チーム", 8, false, "開発チ… "}, // no half characters
		{"開発チーム", 1, false, "…"},
		{"👩‍💻 at work", 5, false, "👩‍💻 a…"},
		{"①②③", 3, false, "①②③"},
		{"①②③", 6, true, "①②③"},
		{"①②③", 5, true, "①②~"},
		{"é e\u0301", 3, false, "é e\u0301"},
		{"x", 0, false, ""},
	} {
		if got := (charset{wide: tc.wide}).fit(tc.text, tc.n); got != tc.want {
			t.Errorf("%q in %d: %q, want %q", tc.text, tc.n, got, tc.want)
		}
	}
}

func FuzzFit(f *testing.F) {
	f.Add("hello", 3, false)
	f.Add("開発👩‍💻\x1b[31mチ\x00ーム\u202e①", 5, true)
	f.Fuzz(func(t *testing.T, s string, n int, wide bool) {
		n &= 0xff
		c := charset{wide: wide}
		clean := c.plain(s)
		if !utf8.ValidString(clean) || strings.IndexFunc(clean, unicode.IsControl) >= 0 {
			t.Fatalf("%q is not harmless", clean)
		}
		if again := c.plain(clean); again != clean {
			t.Fatalf("%q becomes %q", clean, again)
		}
		if got := c.cells(c.fit(clean, n)); got != n {
			t.Fatalf("%q is %d cells, not %d", c.fit(clean, n), got, n)
		}
	})
}
