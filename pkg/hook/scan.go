package hook

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	maxDepth = 64   // of nested values; payloads have five
	maxValue = 1024 // bytes kept of a value
)

var errSyntax = errors.New("not JSON")

// scanner reads one JSON object from front to back, whatever its size, and keeps only the scalars
// at the paths that are wanted: a payload may have 25 MB, and anybody can send one.
type scanner struct {
	r    *bufio.Reader
	want []string
	got  map[string]string
	cut  map[string]bool // values longer than maxValue
}

// scan returns the scalars at the wanted paths ("repository.full_name") as text, null as absent.
func scan(r *bufio.Reader, want []string) (*scanner, error) {
	s := &scanner{r: r, want: want, got: make(map[string]string, len(want)), cut: map[string]bool{}}
	c, err := s.next()
	if err != nil {
		return nil, err
	}
	if c != '{' {
		return nil, fmt.Errorf("%w of an object", errSyntax)
	}
	if err := s.object("", 1); err != nil {
		return nil, err
	}
	if _, err := s.next(); !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("%w: something follows the object", errSyntax)
	}
	return s, nil
}

// next is the first byte that is no white space.
func (s *scanner) next() (byte, error) {
	for {
		c, err := s.byte()
		if err != nil || (c != ' ' && c != '\n' && c != '\t' && c != '\r') {
			return c, err
		}
	}
}

func (s *scanner) byte() (byte, error) {
	c, err := s.r.ReadByte()
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return c, err
}

// below reports whether the path is wanted, or has something wanted below it.
func (s *scanner) below(path string) bool {
	for _, w := range s.want {
		if rest, ok := strings.CutPrefix(w, path); ok && path != "" && (rest == "" || rest[0] == '.') {
			return true
		}
	}
	return false
}

// object reads what follows a "{". An empty path at depth 2 and below keeps nothing.
func (s *scanner) object(path string, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%w: nested more than %d deep", errSyntax, maxDepth)
	}
	c, err := s.next()
	for first := true; err == nil; first = false {
		switch {
		case c == '}' && first:
			return nil
		case c != '"':
			return fmt.Errorf("%w: a name is missing", errSyntax)
		}
		var child string
		if child, err = s.member(path, depth); err != nil {
			return err
		}
		if c, err = s.next(); err != nil {
			return err
		}
		if c != ':' {
			return fmt.Errorf("%w: a colon is missing", errSyntax)
		}
		if c, err = s.next(); err != nil {
			return err
		}
		if err = s.value(c, child, depth); err != nil {
			return err
		}
		if c, err = s.next(); err != nil || c == '}' {
			return err
		}
		if c != ',' {
			return fmt.Errorf("%w: a comma is missing", errSyntax)
		}
		c, err = s.next()
	}
	return err
}

// member reads a name and tells the path of its value, "" if nothing is wanted of it.
func (s *scanner) member(path string, depth int) (string, error) {
	if path == "" && depth > 1 {
		_, _, err := s.text(false)
		return "", err
	}
	name, _, err := s.text(true)
	if err != nil || strings.Contains(name, ".") {
		return "", err
	}
	if path != "" {
		name = path + "." + name
	}
	if !s.below(name) {
		return "", nil
	}
	return name, nil
}

// value reads the value that begins with c.
func (s *scanner) value(c byte, path string, depth int) error {
	switch {
	case c == '{':
		return s.object(path, depth+1)
	case c == '[':
		return s.array(depth + 1)
	case c == '"':
		text, cut, err := s.text(path != "")
		s.keep(path, text, cut)
		return err
	case c == 't':
		return s.word("true", path)
	case c == 'f':
		return s.word("false", path)
	case c == 'n':
		return s.word("null", "")
	case c == '-' || '0' <= c && c <= '9':
		return s.number(c, path)
	}
	return fmt.Errorf("%w: a value is missing", errSyntax)
}

func (s *scanner) keep(path, text string, cut bool) {
	if path == "" {
		return
	}
	s.got[path] = text
	s.cut[path] = cut
}

func (s *scanner) array(depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%w: nested more than %d deep", errSyntax, maxDepth)
	}
	c, err := s.next()
	if err != nil || c == ']' {
		return err
	}
	for {
		if err := s.value(c, "", depth); err != nil {
			return err
		}
		if c, err = s.next(); err != nil || c == ']' {
			return err
		}
		if c != ',' {
			return fmt.Errorf("%w: a comma is missing", errSyntax)
		}
		if c, err = s.next(); err != nil {
			return err
		}
	}
}

func (s *scanner) word(word, path string) error {
	for i := 1; i < len(word); i++ {
		if c, err := s.byte(); err != nil {
			return err
		} else if c != word[i] {
			return fmt.Errorf("%w: a value is missing", errSyntax)
		}
	}
	s.keep(path, word, false)
	return nil
}

// number reads digits, a fraction and an exponent, as RFC 8259 has them.
func (s *scanner) number(c byte, path string) error {
	var text []byte
	var err error
	take := func() {
		if len(text) < maxValue {
			text = append(text, c)
		}
		c, err = s.r.ReadByte()
	}
	digits := func() bool {
		any := false
		for err == nil && '0' <= c && c <= '9' {
			any = true
			take()
		}
		return any
	}
	good := true
	if c == '-' {
		take()
	}
	if err == nil && c == '0' {
		take()
	} else {
		good = digits()
	}
	if good && err == nil && c == '.' {
		take()
		good = digits()
	}
	if good && err == nil && (c == 'e' || c == 'E') {
		take()
		if err == nil && (c == '+' || c == '-') {
			take()
		}
		good = digits()
	}
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return err
	case err != nil:
		return io.ErrUnexpectedEOF // a number is never the last thing in an object
	case !good:
		return fmt.Errorf("%w: a number ends too early", errSyntax)
	}
	s.keep(path, string(text), len(text) == maxValue)
	return s.r.UnreadByte()
}

// text reads what follows a quotation mark, and returns the beginning of it if it is wanted.
func (s *scanner) text(wanted bool) (text string, cut bool, err error) {
	var out []byte
	put := func(b ...byte) {
		if len(out)+len(b) <= maxValue {
			out = append(out, b...)
		} else {
			cut = true
		}
	}
	for {
		c, err := s.byte()
		switch {
		case err != nil:
			return "", false, err
		case c == '"':
			return strings.ToValidUTF8(string(out), "\uFFFD"), cut, nil
		case c < ' ':
			return "", false, fmt.Errorf("%w: a control character in a string", errSyntax)
		case c == '\\':
			r, err := s.escape()
			if err != nil {
				return "", false, err
			}
			if wanted {
				put(utf8.AppendRune(nil, r)...)
			}
		case wanted:
			put(c)
		}
	}
}

// escape reads what follows a backslash.
func (s *scanner) escape() (rune, error) {
	c, err := s.byte()
	if err != nil {
		return 0, err
	}
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
		return rune("\"\\/\b\f\n\r\t"[i]), nil
	}
	if c != 'u' {
		return 0, fmt.Errorf("%w: an unknown escape", errSyntax)
	}
	r, err := s.hex()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	// The other half of a pair, if it follows.
	if next, _ := s.r.Peek(2); string(next) != `\u` {
		return utf8.RuneError, nil
	}
	if digits, _ := s.r.Peek(6); len(digits) == 6 {
		if low, ok := parseHex(digits[2:]); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				_, err = s.r.Discard(6)
				return pair, err
			}
		}
	}
	return utf8.RuneError, nil
}

func (s *scanner) hex() (rune, error) {
	var digits [4]byte
	if _, err := io.ReadFull(s.r, digits[:]); err != nil {
		return 0, io.ErrUnexpectedEOF
	}
	r, ok := parseHex(digits[:])
	if !ok {
		return 0, fmt.Errorf("%w: an unknown escape", errSyntax)
	}
	return r, nil
}

func parseHex(digits []byte) (rune, bool) {
	var r rune
	for _, c := range digits {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
