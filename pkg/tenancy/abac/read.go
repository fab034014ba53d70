package abac

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"os"
	"strings"
)

// maxLine is what the API server's line reader holds, with the end of the line.
const maxLine = 64 << 10

// ErrRefused: the API server would not start with this policy file.
var ErrRefused = errors.New("the API server would not start with this policy file")

var errLong = fmt.Errorf("longer than the %d bytes that a line may have", maxLine-1)

// Load reads the policy file at path.
func Load(path string) (*Policy, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, data)
}

// Parse takes every line as the API server does, and refuses what it refuses. What is
// doubtful without being refused is told by [Lint].
func Parse(name string, data []byte) (*Policy, error) {
	var rules []Rule
	for n, line := range lineByLine(data) {
		d, err := readLine(line)
		if err != nil {
			f := refusal(name, n, line, d, err)
			return nil, fmt.Errorf("%s: %s; %w", f.Position(), f.Text, ErrRefused)
		}
		d.rule.Line = n
		rules = append(rules, d.rule)
	}
	return New(rules), nil
}

func readLine(line []byte) (decoded, error) {
	if len(line) >= maxLine {
		return decoded{}, errLong
	}
	return decode(line)
}

// lineByLine yields the lines that are not comments and not blank, with their numbers.
func lineByLine(data []byte) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		for n := 1; len(data) > 0; n++ {
			line, rest, _ := bytes.Cut(data, []byte("\n"))
			data = rest
			if !isComment(line) && !yield(n, line) {
				return
			}
		}
	}
}

// isComment is not true of one that is too long: the API server refuses it too.
func isComment(line []byte) bool {
	if len(line) >= maxLine {
		return false
	}
	text := strings.TrimSpace(string(line))
	return text == "" || text[0] == '#'
}
