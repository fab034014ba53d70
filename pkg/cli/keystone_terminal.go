package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/ystackdev/ystack/pkg/keystone"
)

// terminal asks the user on the terminal that standard input is; questions go to
// standard error, since standard output may be read by a program.
type terminal struct {
	in  *os.File
	out io.Writer
}

func newTerminal(env Env) (*terminal, bool) {
	f, ok := env.In.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil, false
	}
	return &terminal{f, env.Err}, true
}

// Ask reads a line.
func (t *terminal) Ask(ctx context.Context, label string) (string, error) {
	return t.ask(ctx, label, false, func() (string, error) {
		line, err := bufio.NewReader(t.in).ReadString('\n')
		return strings.TrimRight(line, "\r\n"), err
	})
}

// AskSecret reads a line that is not shown.
func (t *terminal) AskSecret(ctx context.Context, label string) (keystone.Secret, error) {
	line, err := t.ask(ctx, label, true, func() (string, error) {
		defer fmt.Fprintln(t.out)
		data, err := term.ReadPassword(int(t.in.Fd()))
		return string(data), err
	})
	return keystone.Secret(line), err
}

// ask waits for an answer or the end of the context. A read from a terminal cannot be
// ended; but the terminal must show again what is typed when the process is gone.
func (t *terminal) ask(ctx context.Context, label string, hidden bool, read func() (string, error)) (string, error) {
	before, err := term.GetState(int(t.in.Fd()))
	if err != nil {
		return "", err
	}
	type answer struct {
		line string
		err  error
	}
	c := make(chan answer, 1)
	go func() {
		line, err := read()
		c <- answer{line, err}
	}()
	if hidden {
		t.changed(before)
	}
	fmt.Fprintf(t.out, "%s: ", label)
	select {
	case a := <-c:
		if errors.Is(a.err, io.EOF) {
			a.err = nil // no answer; what asked says what is missing
		}
		return a.line, a.err
	case <-ctx.Done():
		_ = term.Restore(int(t.in.Fd()), before)
		fmt.Fprintln(t.out)
		return "", context.Cause(ctx)
	}
}

// changed waits for the reader to have turned the echo off: whoever answers a question
// as soon as it is there must not be shown.
func (t *terminal) changed(before *term.State) {
	for range 100 {
		if now, err := term.GetState(int(t.in.Fd())); err != nil || *now != *before {
			return
		}
		time.Sleep(time.Millisecond)
	}
}
