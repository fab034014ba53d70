package oneline

import (
	"strings"
	"testing"
)

func TestOf(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "",
		" a\n\tb\r\n":                "a b",
		"\x1b[31mred\x1b[0m \u009bm": "[31mred [0m m",
		"no \xff UTF-8":              "no UTF-8",
		"花子\u0085ok":                 "花子 ok",
		strings.Repeat("é", 15):      strings.Repeat("é", 15),
		strings.Repeat("é", 16):      strings.Repeat("é", 15) + "…",
	} {
		if got := Of(text, 15); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
