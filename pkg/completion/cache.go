// Package completion is what the TAB key needs beside the commands: a short memory of what
// servers said, so that not every stroke asks them, and the program by which kubectl
// finds the completion of its plugin.
package completion

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"
)

const (
	// fresh is how long an answer is offered again; failed, how long nobody asks again
	// after a failure.
	fresh  = 20 * time.Second
	failed = 5 * time.Second
	// refused is for logins that were refused: an account may be locked after some.
	refused = 10 * time.Minute

	// patience is all that a person at a prompt has. Who is asked has a little less, so
	// that what half of them said by then is worth something.
	patience = 1500 * time.Millisecond
	margin   = 300 * time.Millisecond

	maxFile = 4 << 20
)

// ErrRefused says that credentials were not accepted: asking again would not help.
var ErrRefused = errors.New("refused")

// Cache is the directory that holds answers for a while. Each is a file, readable by its
// owner only, whose time is when it is of no use any more.
type Cache struct{ Dir string }

// Values are what ask says, or has said a moment ago. A failure is no values, and so is
// an answer that takes too long.
func (c Cache) Values(ctx context.Context, key string, ask func(context.Context) ([]string, error)) []string {
	sum := sha256.Sum256([]byte(key))
	path := filepath.Join(c.Dir, hex.EncodeToString(sum[:16]))
	if values, ok := read(path, time.Now()); ok {
		return values
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	asking, done := context.WithTimeout(ctx, patience-margin)
	defer done()
	type answer struct {
		values []string
		err    error
	}
	got := make(chan answer, 1)
	go func() { // not everything that asks heeds its context: credential plugins do not
		values, err := ask(asking)
		got <- answer{values, err}
	}()
	select {
	case a := <-got:
		values := Typeable(a.values)
		c.keep(path, values, time.Now().Add(keepFor(a.err)))
		return values
	case <-ctx.Done():
		c.keep(path, nil, time.Now().Add(failed))
		return nil
	}
}

// Typeable are the values that mean themselves to every shell. Whoever may name an image
// shall not put a command on other people's command lines. What follows a tab describes
// the value, and is shown only.
func Typeable(values []string) []string {
	var good []string
	for _, v := range values {
		name, about, described := strings.Cut(v, "\t")
		if name == "" || strings.ContainsFunc(name, special) {
			continue
		}
		if described {
			name += "\t" + strings.Map(printable, about)
		}
		good = append(good, name)
	}
	return good
}

func special(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-._/:@%+=,", r)
}

func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return -1
}

func keepFor(err error) time.Duration {
	switch {
	case err == nil:
		return fresh
	case errors.Is(err, ErrRefused):
		return refused
	}
	return failed
}

// read returns what a file holds until its time. One that lasts longer than any should
// was made under another clock.
func read(path string, now time.Time) ([]string, bool) {
	f, err := os.Open(path)
	if err != nil {
		return nil, false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !now.Before(info.ModTime()) || info.ModTime().Sub(now) > refused {
		return nil, false
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, false
	}
	return strings.FieldsFunc(string(data), func(r rune) bool { return r == '\n' }), true
}

// keep writes an answer; where that cannot be done, the next TAB asks again.
func (c Cache) keep(path string, values []string, until time.Time) {
	if os.MkdirAll(c.Dir, 0o700) != nil {
		return
	}
	c.prune(time.Now())
	f, err := os.CreateTemp(c.Dir, ".new-*") // made with 0600
	if err != nil {
		return
	}
	_, err = f.WriteString(strings.Join(values, "\n") + "\n")
	err = errors.Join(err, f.Close(), os.Chtimes(f.Name(), until, until))
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
}

// prune removes what is of no use any more.
func (c Cache) prune(now time.Time) {
	files, _ := os.ReadDir(c.Dir)
	for _, f := range files {
		if info, err := f.Info(); err == nil && now.Sub(info.ModTime()) > time.Minute {
			_ = os.Remove(filepath.Join(c.Dir, f.Name()))
		}
	}
}
