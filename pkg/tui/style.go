package tui

// Tone is how good or bad something is. It is always shown as a symbol too, beside the
// word that it is about; colour only repeats it.
type Tone int

// Tones.
const (
	Plain Tone = iota
	Good
	Busy // on its way
	Warn
	Bad
	Faint // not so important, or not known any more
)

// symbol stands before the word. None of them is of ambiguous width.
func (c charset) symbol(t Tone) string {
	if c.ascii {
		return [...]string{"", "+ ", "> ", "! ", "x ", ". "}[t]
	}
	return [...]string{"", "✓ ", "» ", "! ", "✗ ", "· "}[t]
}

// styles are escape sequences; without colour only those that are none.
type styles struct{ color bool }

const (
	reset   = "\x1b[m"
	bold    = "\x1b[1m"
	reverse = "\x1b[7m"
)

func (s styles) tone(t Tone, text string) string {
	code := [...]string{"", "\x1b[32m", "\x1b[36m", "\x1b[33m", "\x1b[31m", "\x1b[2m"}[t]
	if code == "" || !s.color {
		return text
	}
	return code + text + reset
}

func (s styles) bold(text string) string    { return bold + text + reset }
func (s styles) reverse(text string) string { return reverse + text + reset }
