package machine

import (
	"regexp"
	"strings"
)

// message is a line of Packer's machine-readable output: TIME,TARGET,KIND,DATA….
type message struct {
	target string // the build it is about; empty for Packer itself
	kind   string // ui, artifact, error …
	data   []string
}

// parseMessage reads a line; others than those are what a program that Packer started
// has written past it.
func parseMessage(line string) (message, bool) {
	fields := strings.Split(line, ",")
	if len(fields) < 3 || fields[0] == "" || strings.Trim(fields[0], "0123456789") != "" || fields[2] == "" {
		return message{}, false
	}
	for i, f := range fields {
		fields[i] = unescape.Replace(f)
	}
	return message{target: fields[1], kind: fields[2], data: fields[3:]}, true
}

var unescape = strings.NewReplacer("%!(PACKER_COMMA)", ",", `\n`, "\n", `\r`, "\r")

// said is a sentence for people and its kind: say, message or error. Which build it is
// about is left out: there is one.
func (m message) said() (kind, text string) {
	if m.kind != "ui" || len(m.data) < 2 {
		return "", ""
	}
	text = strings.TrimSpace(m.data[1])
	for _, arrow := range []string{"==> ", "--> "} {
		text = strings.TrimPrefix(text, arrow)
	}
	if name, rest, ok := strings.Cut(text, ": "); ok && !strings.ContainsAny(name, " \n") && strings.Contains(name, ".") {
		text = rest
	}
	return m.data[0], strings.TrimSpace(text)
}

// story is what a run of Packer has told so far.
type story struct {
	image, server string // ids
	errs          []string
}

// hear takes a message in, and tells whether a new id was in it.
func (s *story) hear(m message) (news bool) {
	kind, text := m.said()
	before := *s
	switch {
	case kind == "error":
		s.errs = append(s.errs, text)
	case kind == "message" && strings.Contains(text, "Server ID: "):
		s.server = identifier(text, "Server ID: ")
	case kind == "message" && strings.Contains(text, "Image: "):
		s.image = identifier(text, "Image: ")
	case m.kind == "artifact" && len(m.data) >= 3 && m.data[1] == "id":
		s.image = m.data[2]
	}
	return before.image != s.image || before.server != s.server
}

// identifier is the word behind a mark, if it looks like an id: others make text too.
func identifier(text, mark string) string {
	id, _, _ := strings.Cut(text[strings.Index(text, mark)+len(mark):], " ")
	if len(id) != 36 || strings.Trim(id, "0123456789abcdef-") != "" {
		return ""
	}
	return id
}

// reason is why Packer failed, in its words.
func (s *story) reason() string {
	for _, e := range s.errs {
		// The first names the cause; those after it say that there was one.
		if line, _, _ := strings.Cut(strings.TrimSpace(e), "\n"); line != "" {
			return plain(line)
		}
	}
	return ""
}

// answer is what a service of the cloud has answered, in the middle of an error.
var answer = regexp.MustCompile(`\[[A-Z]+ http.*"message": *"((?:[^"\\]|\\.)*)"`)

// plain leaves of the answer only what it says.
func plain(line string) string {
	found := answer.FindStringSubmatchIndex(line)
	if found == nil {
		return line
	}
	return line[:found[0]] + line[found[2]:found[3]]
}
