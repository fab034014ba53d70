package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/text/width"
)

// texts is what a person reads of a row.
func texts(row []any, between string) []string {
	all := make([]string, len(row))
	for i, cell := range row {
		if list, ok := cell.([]string); ok {
			all[i] = strings.Join(list, between)
		} else {
			all[i] = fmt.Sprint(cell)
		}
	}
	return all
}

// table draws lines around everything. Without rows it is an empty line.
func table(w io.Writer, r rows) error {
	if len(r.cells) == 0 {
		_, err := fmt.Fprintln(w)
		return err
	}
	widths, right := make([]int, len(r.columns)), make([]bool, len(r.columns))
	lines := [][]string{slices.Clone(r.columns)}
	for n, row := range r.cells {
		for i, cell := range row {
			if _, number := cell.(int64); number && n == 0 {
				right[i] = true
			}
		}
		lines = append(lines, unfold(texts(row, "\n"))...)
	}
	for _, line := range lines {
		for i, text := range line {
			widths[i] = max(widths[i], cells(text))
		}
	}
	var b strings.Builder
	rule := "+"
	for _, n := range widths {
		rule += strings.Repeat("-", n+2) + "+"
	}
	rule += "\n"
	for i, line := range lines {
		if i < 2 {
			b.WriteString(rule)
		}
		for j, text := range line {
			gap := strings.Repeat(" ", widths[j]-cells(text))
			if right[j] {
				b.WriteString("| " + gap + text + " ")
			} else {
				b.WriteString("| " + text + gap + " ")
			}
		}
		b.WriteString("|\n")
	}
	b.WriteString(rule)
	_, err := io.WriteString(w, b.String())
	return err
}

// unfold makes as many lines of a row as its tallest cell has.
func unfold(row []string) [][]string {
	var lines [][]string
	for i, text := range row {
		for n, part := range strings.Split(text, "\n") {
			if n == len(lines) {
				lines = append(lines, make([]string, len(row)))
			}
			lines[n][i] = part
		}
	}
	return lines
}

// cells is how wide a terminal shows a text.
func cells(s string) int {
	n := 0
	for _, r := range s {
		n++
		if k := width.LookupRune(r).Kind(); k == width.EastAsianWide || k == width.EastAsianFullwidth {
			n++
		}
	}
	return n
}
