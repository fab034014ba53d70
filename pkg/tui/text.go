package tui

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/text/width"
)

// charset is what the terminal can show, and how wide it shows it.
type charset struct {
	ascii bool
	// wide says that characters of ambiguous width take two cells, as in terminals
	// that are set up for Chinese, Japanese or Korean.
	wide bool
}

// ellipsis ends what was cut. The usual one is of ambiguous width.
func (c charset) ellipsis() string {
	if c.ascii || c.wide {
		return "~"
	}
	return "…"
}

// next is the first character as people see it, with its marks, and its cells.
func (c charset) next(s string) (string, int) {
	if s[0] < utf8.RuneSelf && (len(s) == 1 || s[1] < utf8.RuneSelf) {
		return s[:1], 1
	}
	cluster, cells := ansi.FirstGraphemeCluster(s, ansi.GraphemeWidth)
	if cells == 1 && c.wide {
		if r, _ := utf8.DecodeRuneInString(cluster); width.LookupRune(r).Kind() == width.EastAsianAmbiguous {
			cells = 2
		}
	}
	return cluster, cells
}

// cells is how wide a clean text is.
func (c charset) cells(s string) int {
	n := 0
	for s != "" {
		cluster, w := c.next(s)
		n += w
		s = s[len(cluster):]
	}
	return n
}

// cut shortens a clean text to so many cells.
func (c charset) cut(s string, limit int) string {
	if len(s) <= limit && !c.wide { // no character has more cells than bytes
		return s
	}
	used, end := 0, 0 // end: where the ellipsis still fits
	for rest := s; rest != ""; {
		cluster, w := c.next(rest)
		if used+w > limit {
			if limit <= 0 {
				return ""
			}
			return s[:end] + c.ellipsis()
		}
		used += w
		rest = rest[len(cluster):]
		if used <= limit-1 {
			end = len(s) - len(rest)
		}
	}
	return s
}

// fit makes a clean text exactly so wide.
func (c charset) fit(s string, limit int) string {
	s = c.cut(s, limit)
	return s + strings.Repeat(" ", max(0, limit-c.cells(s)))
}

// plain makes text of others harmless: on one line, without escape sequences, and
// without what turns the direction of writing.
func (c charset) plain(s string) string {
	harmless := true
	for i := range len(s) {
		if b := s[i]; b < ' ' || b >= 0x7f {
			harmless = false
			break
		}
	}
	if harmless {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n':
			return ' '
		case unicode.IsControl(r), r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x200e, r == 0x200f:
			return -1
		}
		return r
	}, strings.ToValidUTF8(ansi.Strip(s), "\ufffd"))
}
