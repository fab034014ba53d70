package build

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// instruction is one instruction of a Dockerfile, as
// https://docs.docker.com/reference/dockerfile/ has it. BuildKit's own parser says
// more, but brings 1.5 MB of protocol buffers; a test compares the two.
type instruction struct {
	keyword  string   // as written
	flags    []string // --name=value, without quotes
	rest     string   // what follows the flags
	original string   // as written, its lines joined
	line     int      // where it begins
	heredoc  bool
}

// directives are the comments at the top of a Dockerfile that say how to read it.
type directives struct {
	escape rune   // joins lines and takes the next character as it is
	syntax string // the frontend that the file asks for
}

var directive = regexp.MustCompile(`^#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(.+?)\s*$`)

// instructionReader goes through a Dockerfile line by line.
type instructionReader struct {
	lines [][]byte
	next  int // index of the next line
	directives
}

// readInstructions splits a Dockerfile. An error is a DockerfileError without a file.
func readInstructions(content []byte) ([]instruction, directives, error) {
	content = bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))
	r := instructionReader{lines: bytes.SplitAfter(content, []byte("\n")), directives: directives{escape: '\\'}}
	if err := r.readDirectives(); err != nil {
		return nil, r.directives, err
	}
	var list []instruction
	for {
		text, line, more := r.join()
		if !more {
			return list, r.directives, nil
		}
		if text == "" {
			continue
		}
		in := r.split(text)
		in.line = line
		if err := r.skipHeredocs(&in); err != nil {
			return nil, r.directives, err
		}
		list = append(list, in)
	}
}

// readDirectives reads the directives, which end with the first line that is none.
func (r *instructionReader) readDirectives() error {
	seen := map[string]bool{}
	for ; r.next < len(r.lines); r.next++ {
		match := directive.FindSubmatch(trimmed(r.lines[r.next]))
		if match == nil {
			return nil
		}
		key, value := strings.ToLower(string(match[1])), string(match[2])
		switch {
		case key != "escape" && key != "syntax" && key != "check":
			return nil
		case seen[key]:
			return r.errorf(r.next+1, "only one %s directive can be used", key)
		case key == "syntax":
			r.syntax, _, _ = strings.Cut(value, " ")
		case key == "escape" && value != "`" && value != `\`:
			return r.errorf(r.next+1, "the escape directive takes \\ or `, not %s", value)
		case key == "escape":
			r.escape = rune(value[0])
		}
		seen[key] = true
	}
	return nil
}

// join returns the next instruction with its continuation lines; comments and empty
// lines between them do not count.
func (r *instructionReader) join() (text string, line int, more bool) {
	var b strings.Builder
	for first := true; ; first = false {
		if r.next >= len(r.lines) {
			return b.String(), line, line > 0
		}
		raw := bytes.TrimRight(r.lines[r.next], "\r\n")
		r.next++
		if first {
			raw = bytes.TrimLeftFunc(raw, unicode.IsSpace)
			line = r.next
		}
		if bare := trimmed(raw); len(bare) > 0 && bare[0] == '#' {
			if first {
				return "", line, true
			}
			continue
		} else if len(bare) == 0 && !first {
			continue
		}
		part, goesOn := r.cutContinuation(string(raw))
		b.WriteString(part)
		if !goesOn {
			return b.String(), line, true
		}
	}
}

// cutContinuation takes the escape character off a line that goes on. One that is
// itself escaped is none.
func (r *instructionReader) cutContinuation(line string) (string, bool) {
	before, found := strings.CutSuffix(strings.TrimRight(line, " \t"), string(r.escape))
	if !found || strings.HasSuffix(before, string(r.escape)) {
		return line, false
	}
	return before, true
}

// split takes an instruction apart.
func (r *instructionReader) split(text string) instruction {
	in := instruction{original: text}
	text = strings.TrimSpace(text)
	if i := strings.IndexAny(text, "\t\v\f\r "); i >= 0 {
		in.keyword, in.rest = text[:i], strings.TrimLeft(text[i:], "\t\v\f\r ")
	} else {
		in.keyword = text
	}
	for strings.HasPrefix(in.rest, "--") {
		flag, rest := r.cutFlag(in.rest)
		in.rest = strings.TrimLeftFunc(rest, unicode.IsSpace)
		if flag == "--" {
			break
		}
		if flag != "" {
			in.flags = append(in.flags, flag)
		}
	}
	in.rest = strings.TrimSpace(in.rest)
	return in
}

// cutFlag reads one flag, without its quotes.
func (r *instructionReader) cutFlag(text string) (flag, rest string) {
	var b strings.Builder
	var quote, escaped rune
	for i, c := range text {
		switch {
		case escaped != 0:
			b.WriteRune(c)
			escaped = 0
		case c == r.escape:
			escaped = c
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote = c
		case quote == 0 && unicode.IsSpace(c):
			return b.String(), text[i:]
		default:
			b.WriteRune(c)
		}
	}
	return b.String(), ""
}

func (r *instructionReader) errorf(line int, format string, values ...any) error {
	return &DockerfileError{Line: line, Msg: fmt.Sprintf(format, values...)}
}

func trimmed(line []byte) []byte {
	return bytes.TrimLeftFunc(bytes.TrimRight(line, "\r\n"), unicode.IsSpace)
}
