// Package oneline makes text of another's fit to be part of a message.
package oneline

import "strings"

// Of is the text on one line, without control characters and what is no UTF-8, and at most
// so many characters long: what is beyond stands as "…".
func Of(text string, most int) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f && r < 0xa0 || r == 0xfffd }), " ")
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
