package pipeline

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/ystackdev/ystack/pkg/deploy"
)

// journal is a run that this process is writing. Until it is opened it keeps
// the events in memory: a run whose inputs turn out to be wrong, or that has
// nothing to do, leaves no trace on disk.
type journal struct {
	id        string
	dir       string
	file      *os.File
	pending   []Event
	transient bool // there will be no file
	report    func(Event)
	mu        sync.Mutex // targets write at the same time
}

// newID names a run so that names sort by time and say what they are of.
func newID(app string, now time.Time) string {
	var b [2]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand
	return fmt.Sprintf("%s-%s-%s", app, now.UTC().Format("20060102-150405"), hex.EncodeToString(b[:]))
}

// open begins or takes up a run on disk and writes what is pending. The events
// file stays locked while it is open: that is how readers tell a run that goes
// on from one that was killed.
func (j *journal) open(ctx context.Context, s *Store, id string, first Event) error {
	j.id, j.dir = id, s.runDir(id)
	if err := os.MkdirAll(j.dir, 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(j.dir, eventsFile), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	j.file = f
	if err := lock(ctx, f, func() {}); err != nil { // a reader may hold it for an instant
		return err
	}
	if err := mendTornLine(f); err != nil {
		return err
	}
	if err := j.write(first); err != nil {
		return err
	}
	for _, e := range j.pending {
		if err := j.store(e); err != nil {
			return err
		}
	}
	j.pending = nil
	return nil
}

// mendTornLine ends a last line that a kill cut short, so that the next event
// starts a line of its own.
func mendTornLine(f *os.File) error {
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil || end == 0 {
		return err
	}
	var last [1]byte
	if _, err := f.ReadAt(last[:], end-1); err != nil || last[0] == '\n' {
		return err
	}
	_, err = f.WriteString("\n")
	return err
}

// write records one event and then tells the reporter: nobody is told what a
// power cut could take back.
func (j *journal) write(e Event) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	e.Time, e.Run = time.Now().UTC(), j.id
	if j.file == nil {
		if !j.transient {
			j.pending = append(j.pending, e)
		}
	} else if err := j.store(e); err != nil {
		return err
	}
	j.report(e)
	return nil
}

func (j *journal) store(e Event) error {
	e.Run = j.id
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if _, err = j.file.Write(append(line, '\n')); err == nil && e.Type != StepProgress {
		err = j.file.Sync()
	}
	if err != nil {
		return fmt.Errorf("write the log of run %s: %w", j.id, err)
	}
	return nil
}

// stepLog opens a step's text log; a run that was taken up appends to it.
func (j *journal) stepLog(target, step string) (io.WriteCloser, error) {
	if j.file == nil {
		return nopCloser{io.Discard}, nil
	}
	return os.OpenFile(filepath.Join(j.dir, logName(target, step)), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
}

// logName is the file of a step's text log in the directory of its run.
func logName(target, step string) string {
	if target == deploy.Container {
		return step + ".log"
	}
	return target + "-" + step + ".log"
}

func (j *journal) close() {
	if j.file != nil {
		j.file.Close()
	}
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }
