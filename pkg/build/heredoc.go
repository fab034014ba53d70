package build

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

var heredocWord = regexp.MustCompile(`^\d*<<(-?)\s*([^<]+)$`)

// heredoc is the end that a here-document waits for.
type heredoc struct {
	end  string
	tabs bool // may stand before the end: <<-
}

// skipHeredocs goes past the here-documents of an instruction that may have some.
func (r *instructionReader) skipHeredocs(in *instruction) error {
	of := *in
	if strings.EqualFold(of.keyword, "ONBUILD") {
		of = r.split(of.rest)
	}
	switch strings.ToUpper(of.keyword) {
	case "ADD", "COPY", "RUN":
	default:
		return nil
	}
	if !strings.Contains(in.original, "<<") || isList(of.rest) {
		return nil
	}
	for _, doc := range heredocsOf(in.original) {
		if !r.skipTo(doc) {
			return r.errorf(in.line, "unterminated heredoc")
		}
		in.heredoc = true
	}
	return nil
}

func (r *instructionReader) skipTo(doc heredoc) bool {
	for r.next < len(r.lines) {
		line := bytes.TrimRight(r.lines[r.next], "\r\n")
		r.next++
		if doc.tabs {
			line = bytes.TrimLeft(line, "\t")
		}
		if string(line) == doc.end && len(r.lines[r.next-1]) > 0 {
			return true
		}
	}
	return false
}

// heredocsOf finds <<WORD among the words of a line.
func heredocsOf(line string) []heredoc {
	var docs []heredoc
	for _, word := range rawWords(line) {
		match := heredocWord.FindStringSubmatch(word)
		if match == nil {
			continue
		}
		lex := shell.NewLex('\\')
		lex.SkipUnsetEnv = true
		if ends, err := lex.ProcessWords(match[2], unset{}); err == nil && len(ends) == 1 {
			docs = append(docs, heredoc{ends[0], match[1] != ""})
		}
	}
	return docs
}

// rawWords splits as a shell does, and leaves quotes, escapes and variables.
func rawWords(line string) []string {
	lex := shell.NewLex('\\')
	lex.RawQuotes, lex.RawEscapes, lex.SkipUnsetEnv = true, true, true
	words, _ := lex.ProcessWords(line, unset{}) // of a line that is not right, what was read
	return words
}

// isList says whether arguments are in the JSON form, in which nothing is special.
func isList(rest string) bool {
	var list []string
	return strings.HasPrefix(rest, "[") && json.Unmarshal([]byte(rest), &list) == nil
}

// unset is an environment without variables.
type unset struct{}

// Get finds nothing.
func (unset) Get(string) (string, bool) { return "", false }

// Keys lists nothing.
func (unset) Keys() []string { return nil }
