package abac

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Severity of a finding.
type Severity string

const (
	Error   Severity = "error"   // the file is refused, or the line does not grant what it seems to
	Warning Severity = "warning" // the line has no effect, or a wide one
)

// Finding is something about a line that its author should know.
type Finding struct {
	File     string   `json:"file"`
	Line     int      `json:"line"`
	Column   int      `json:"column"`
	Severity Severity `json:"severity"`
	Text     string   `json:"text"`
}

func (f Finding) String() string {
	return fmt.Sprintf("%s: %s: %s", f.Position(), f.Severity, f.Text)
}

// Position is file:line:column, as compilers have it.
func (f Finding) Position() string { return fmt.Sprintf("%s:%d:%d", f.File, f.Line, f.Column) }

// refusal says why, and where in the line, decode gave err.
func refusal(file string, n int, line []byte, d decoded, err error) Finding {
	f := Finding{File: file, Line: n, Column: 1, Severity: Error, Text: err.Error()}
	if d.yaml {
		f.Text = "not a JSON object, and not one of YAML: " + err.Error()
	} else if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
		at := int(syntax.Offset) - 1 // the offset is behind the character that is wrong
		if strings.HasPrefix(syntax.Error(), "unexpected end") {
			at = len(line)
		}
		f.Column, f.Text = column(line, at), "not valid JSON: "+err.Error()
	} else if errors.Is(err, errLong) || errors.Is(err, errVersion) {
		return f
	} else if wrong := wrongType(line); wrong != nil {
		f.Column, f.Text = column(line, wrong.valueAt), wrong.name()+" must be "+wrong.want()+", is "+wrong.value
	}
	return f
}

// column is the place of a byte, counted in characters from 1 as editors do.
func column(line []byte, offset int) int {
	return utf8.RuneCount(line[:max(0, min(offset, len(line)))]) + 1
}
