package build

import (
	"context"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"
)

// grace is how long a tool may take to end after it was asked to.
const grace = 4 * time.Second

// command is one run of a tool.
type command struct {
	path    string
	args    []string
	env     []string   // on top of this process's
	dir     string     // where it runs; this process's if empty
	log     io.Writer  // gets the output by whole lines; may be nil
	inherit []*os.File // stay open in the child and its children
}

// run runs a tool to its end and returns the last lines that it said. When ctx
// ends, the tool and all that it started get TERM, and KILL after a while.
func (c command) run(ctx context.Context) (tail []string, err error) {
	cmd := exec.CommandContext(ctx, c.path, c.args...)
	cmd.Env, cmd.Dir = append(os.Environ(), c.env...), c.dir
	out := &lines{log: c.log}
	cmd.Stdout, cmd.Stderr = out, out
	isolate(cmd, c.inherit)
	var killer *time.Timer
	cmd.Cancel = func() error {
		killer = time.AfterFunc(grace, func() { kill(cmd) })
		return terminate(cmd)
	}
	// A grandchild that outlives the tool keeps its output open: do not wait for that.
	cmd.WaitDelay = grace + time.Second
	err = onOneThread(cmd.Run)
	if ctx.Err() != nil {
		if killer != nil {
			killer.Stop()
		}
		kill(cmd) // what is left of the group
		err = context.Cause(ctx)
	}
	out.flush()
	return out.tail, err
}

// onOneThread keeps the thread that starts a child alive until the child has
// ended: Linux ends the child when the thread that started it ends, not when
// the process does.
func onOneThread(run func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		done <- run()
	}()
	return <-done
}

const (
	tailLines = 40
	lineLimit = 64 << 10
)

// lines passes a tool's output on by whole lines and remembers the last ones.
// A log that cannot be written to must not end the build, so its errors are dropped.
type lines struct {
	log  io.Writer
	tail []string

	mu      sync.Mutex
	partial []byte
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range p {
		if b == '\n' || b == '\r' || len(l.partial) >= lineLimit {
			l.end()
		}
		if b != '\n' && b != '\r' {
			l.partial = append(l.partial, b)
		}
	}
	return len(p), nil
}

func (l *lines) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end()
}

func (l *lines) end() {
	line := strings.ToValidUTF8(string(l.partial), "\uFFFD")
	l.partial = l.partial[:0]
	if strings.TrimSpace(line) == "" {
		return
	}
	if l.log != nil {
		_, _ = io.WriteString(l.log, line+"\n")
	}
	if l.tail = append(l.tail, line); len(l.tail) > tailLines {
		l.tail = l.tail[1:]
	}
}
