// Package suggest finds the word that was meant by a misspelt one.
package suggest

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// DidYouMean is `; did you mean "x"?` with the known word nearest to got, or "".
func DidYouMean(got string, known []string) string {
	best, least := "", max(1, utf8.RuneCountInString(got)/3)+1
	for _, word := range known {
		d := distance(strings.ToLower(got), strings.ToLower(word))
		if d < least {
			best, least = word, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + strconv.Quote(best) + "?"
}

// distance counts the insertions, deletions, replacements and swaps of neighbours
// that turn a into b.
func distance(a, b string) int {
	if len(a) > 100 {
		return len(a) // nothing that is known is so long
	}
	x, y := []rune(a), []rune(b)
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(x)][len(y)]
}
