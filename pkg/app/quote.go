package app

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// quote shows a user's text on one line, not all of a long one, and no credentials
// (USER:PASSWORD@ before a host).
func quote(s string) string {
	const most = 80
	if at := strings.LastIndex(s, "@"); at >= 0 && strings.Contains(s[:at], ":") && !strings.Contains(s, "@sha256:") {
		s = "…" + s[at:]
	}
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most]) + "…"
	}
	return strconv.Quote(s)
}
