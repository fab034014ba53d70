// Package template fills in templates of YAML.
package template

import (
	"encoding/json"
	"strings"
)

// Fill puts the values in the place of {{name}}; a line whose value has several lines comes
// once for each. Lines that start with ?condition or ?!condition are kept when it holds.
// text/template would do it too, but for its sake the linker keeps every method of every
// type: 4 MB.
func Fill(text string, conditions map[string]bool, values map[string]string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, "?"); ok {
			condition, kept, _ := strings.Cut(rest, " ")
			plain, negated := strings.CutPrefix(condition, "!")
			if conditions[plain] == negated {
				continue
			}
			line = kept
		}
		out.WriteString(fillLine(line, values))
	}
	return out.String()
}

func fillLine(line string, values map[string]string) string {
	before, rest, ok := strings.Cut(line, "{{")
	if !ok {
		return line
	}
	placeholder, after, _ := strings.Cut(rest, "}}")
	var out string
	for value := range strings.SplitSeq(values[placeholder], "\n") {
		out += before + value + fillLine(after, values)
	}
	return out
}

// Quote makes a YAML scalar of any string, or a list of several: YAML takes JSON's.
func Quote[T string | []string](s T) string {
	quoted, _ := json.Marshal(s) // neither fails
	return string(quoted)
}
