package pipeline

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ystackdev/ystack/pkg/deploy"
)

// followInterval is how often a follower looks for new lines; the files may
// lie on a file system that cannot notify.
const followInterval = 150 * time.Millisecond

// Logs writes what a run did, step by step: its events as lines that begin
// with the step's name, and its builders' output. An empty step means all, and build
// that of every target, vm/build of one.
// With follow it goes on until the run ends.
func (s *Store) Logs(ctx context.Context, id, step string, follow bool, w io.Writer) error {
	t := &tailer{store: s, id: id, only: step, w: w, offsets: map[[2]string]int64{}}
	if err := s.follow(ctx, id, follow, t.event, t.drain); err != nil {
		return err
	}
	if step != "" && !t.seen {
		return fmt.Errorf("run %s has no step %q so far", id, step)
	}
	return t.err
}

// follow calls event with every event of a run from the first on and, with
// follow, idle whenever there is none to read until the run is over.
func (s *Store) follow(ctx context.Context, id string, follow bool, event func(Event), idle func()) error {
	file, err := os.Open(filepath.Join(s.runDir(id), eventsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s", ErrNoRun, id)
	} else if err != nil {
		return err
	}
	defer file.Close()
	r, line := bufio.NewReader(file), []byte(nil)
	for {
		alive := follow && s.alive(id) // asked before reading, so that no last line is missed
		for err = nil; err == nil; {
			var part []byte
			part, err = r.ReadBytes('\n')
			line = append(line, part...)
			if err == nil {
				for _, e := range parseEvents(line) {
					event(e)
				}
				line = line[:0]
			}
		}
		if !errors.Is(err, io.EOF) || !alive {
			return notEOF(err)
		}
		idle()
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(followInterval):
		}
	}
}

func notEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// tailer prints events and the growing text logs of the steps they are about.
type tailer struct {
	store   *Store
	id      string
	run     Run    // as far as it was printed
	only    string // the one step to print; "" is all
	w       io.Writer
	offsets map[[2]string]int64 // by target and step, how much of each log was printed
	seen    bool
	err     error
}

func (t *tailer) event(e Event) {
	t.run.apply(e)
	if e.Step == "" && t.only == "" && e.Message != "" {
		t.print("run", e.Message)
	}
	e.Target = cmp.Or(e.Target, deploy.Container)
	label := t.run.Label(e.Target, e.Step)
	if e.Step == "" || (t.only != "" && t.only != e.Step && t.only != label) {
		return
	}
	t.seen = true
	t.offsets[[2]string{e.Target, e.Step}] += 0 // from now on it is looked at
	t.drain()
	if len(e.Items) == 0 && e.Message != "" {
		t.print(label, e.Message)
	}
	for _, it := range e.Items {
		t.print(label, it.Name+" "+it.State+" "+it.Detail)
	}
}

func (t *tailer) print(step, text string) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.w, "%s: %s\n", step, text)
	}
}

// drain copies what is new in the logs.
func (t *tailer) drain() {
	for key := range t.offsets {
		t.copy(key[0], key[1])
	}
}

// copy prints what is new in one log: as it is if there is one target, else in whole
// lines that say which it is of.
func (t *tailer) copy(target, step string) {
	f, err := os.Open(filepath.Join(t.store.runDir(t.id), logName(target, step)))
	if err != nil || t.err != nil {
		return // a step that wrote nothing
	}
	defer f.Close()
	key := [2]string{target, step}
	if _, err := f.Seek(t.offsets[key], io.SeekStart); err != nil {
		return
	}
	label := t.run.Label(target, step)
	if label == step {
		n, err := io.Copy(t.w, f)
		t.offsets[key] += n
		t.err = err
		return
	}
	for r := bufio.NewReader(f); t.err == nil; {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		t.offsets[key] += int64(len(line))
		t.print(label, strings.TrimSuffix(line, "\n"))
	}
}
