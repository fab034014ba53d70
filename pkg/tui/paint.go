package tui

import (
	"io"
	"strconv"
	"strings"
)

// painter keeps a terminal as the last frame says. It writes the lines that changed and
// nothing else, each from the first column on, so that a character whose width the
// terminal sees otherwise harms its own line only.
type painter struct {
	w     io.Writer
	drawn []string // nil: nothing is known of the screen
}

const (
	// The alternate screen, no cursor, and no new line at the right margin.
	enter = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J"
	leave = "\x1b[?7h\x1b[?25h\x1b[?1049l"
	// The terminal shows what is between these at once, if it knows them.
	beginUpdate = "\x1b[?2026h"
	endUpdate   = "\x1b[?2026l"
)

// paint shows a frame.
func (p *painter) paint(frame string) error {
	lines := strings.Split(frame, "\n")
	var b strings.Builder
	if len(lines) != len(p.drawn) {
		p.drawn = make([]string, len(lines))
		b.WriteString("\x1b[2J")
	}
	for i, line := range lines {
		if p.drawn[i] != line {
			b.WriteString("\x1b[" + strconv.Itoa(i+1) + ";1H" + line + "\x1b[m\x1b[K")
		}
	}
	p.drawn = lines
	if b.Len() == 0 {
		return nil
	}
	_, err := io.WriteString(p.w, beginUpdate+b.String()+endUpdate)
	return err
}

// forget makes the next frame a whole one: the terminal was resized.
func (p *painter) forget() { p.drawn = nil }

// copyText puts a text into the clipboard of the terminal (OSC 52), also through SSH.
func (p *painter) copyText(base64 string) error {
	_, err := io.WriteString(p.w, "\x1b]52;c;"+base64+"\x07")
	return err
}
