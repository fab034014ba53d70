package hook

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"
)

const (
	journalFile = "journal"
	lockFile    = "lock"
	// gather is the least time between two syncs.
	gather = 2 * time.Millisecond
	// partFiles are what becomes the journal when it is written anew.
	partFiles = "journal.part-*"
)

// ErrLocked: another process works off the deliveries in the directory.
var ErrLocked = errors.New("another pipeline serve uses this directory")

// Journal is the file of events. Many goroutines append at once; one writes what all of them have
// and syncs it, so that the disk is waited for once for many.
type Journal struct {
	dir   string
	lock  *flock.Flock
	file  *os.File
	log   *slog.Logger
	ended chan struct{}
	base  int64 // the least size at which the journal is written anew

	// mu is never held for long: whoever appends may hold a lock that compact needs.
	mu     sync.Mutex
	queue  []entry
	wake   sync.Cond
	closed bool

	size, syncs, limit atomic.Int64
	failure            atomic.Pointer[error]
	failed             chan struct{} // closed at the first failure
	// compact returns events that say the same as all events so far, in fewer.
	compact func() []Event
}

type entry struct {
	event Event
	done  chan error // nil: nobody waits
}

// openJournal reads the journal in dir into book, mends its end and takes it for this process.
func openJournal(dir string, book *Book, log *slog.Logger) (*Journal, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("the journal of deliveries has no place: %w", err)
	}
	j := &Journal{dir: dir, log: log, lock: flock.New(filepath.Join(dir, lockFile)), ended: make(chan struct{}), failed: make(chan struct{})}
	j.wake.L = &j.mu
	if ok, err := j.lock.TryLock(); err != nil {
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	} else if !ok {
		return nil, fmt.Errorf("%s: %w", dir, ErrLocked)
	}
	if err := j.open(book); err != nil {
		_ = j.lock.Unlock()
		return nil, err
	}
	return j, nil
}

func (j *Journal) open(book *Book) error {
	parts, _ := filepath.Glob(filepath.Join(j.dir, partFiles))
	for _, part := range parts {
		_ = os.Remove(part)
	}
	f, err := os.OpenFile(filepath.Join(j.dir, journalFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	end, damaged, err := readFrames(f, book.apply)
	if err == nil {
		err = f.Truncate(end)
	}
	if err == nil {
		_, err = f.Seek(end, 0)
	}
	if err == nil {
		err = errors.Join(f.Sync(), syncDir(j.dir))
	}
	if err != nil {
		f.Close()
		return fmt.Errorf("read the journal of deliveries: %w", err)
	}
	if damaged > 0 {
		j.log.Error("the journal has damaged lines; what they said is lost", "lines", damaged, "file", f.Name())
	}
	j.file = f
	j.size.Store(end)
	return nil
}

// start begins to write. compact is called when the journal has grown past limit.
func (j *Journal) start(limit int64, compact func() []Event) {
	j.compact, j.base = compact, limit
	j.limit.Store(max(limit, 2*j.size.Load()))
	go j.write()
}

// append returns a channel that tells when the event is on disk.
func (j *Journal) append(e Event) <-chan error {
	done := make(chan error, 1)
	j.send(entry{e, done})
	return done
}

// note is append for events that a crash may take back.
func (j *Journal) note(e Event) { j.send(entry{event: e}) }

func (j *Journal) send(e entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		if e.done != nil {
			e.done <- fs.ErrClosed
		}
		return
	}
	j.queue = append(j.queue, e)
	j.wake.Signal()
}

// take waits for entries and returns all that there are, or none after the end.
func (j *Journal) take() []entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	for len(j.queue) == 0 && !j.closed {
		j.wake.Wait()
	}
	all := j.queue
	j.queue = nil
	return all
}

// more takes what is there, without waiting.
func (j *Journal) more() []entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	all := j.queue
	j.queue = nil
	return all
}

// broken is why nothing can be written any more.
func (j *Journal) broken() error {
	if err := j.failure.Load(); err != nil {
		return *err
	}
	return nil
}

// write takes what waits, writes and syncs it, and answers all who wait. After a failure it writes
// nothing more: what of the file is on disk is not known then.
func (j *Journal) write() {
	defer close(j.ended)
	var synced time.Time
	for batch := j.take(); batch != nil; batch = j.take() {
		// The first after a while is written at once; under load one sync is for many.
		if since := time.Since(synced); since < gather {
			time.Sleep(gather - since)
			batch = append(batch, j.more()...)
		}
		var data []byte
		err := j.broken()
		for _, e := range batch {
			if err == nil {
				data, err = appendFrame(data, e.event)
			}
		}
		if err == nil {
			err = j.store(data)
		}
		synced = time.Now()
		for _, e := range batch {
			if e.done != nil {
				e.done <- err
			}
		}
	}
}

func (j *Journal) store(data []byte) error {
	_, err := j.file.Write(data)
	if err == nil {
		err = j.file.Sync()
	}
	if err == nil && j.size.Add(int64(len(data))) > j.limit.Load() {
		err = j.shrink()
	}
	j.syncs.Add(1)
	if err != nil {
		err = fmt.Errorf("write the journal of deliveries: %w", err)
		j.failure.Store(&err)
		close(j.failed)
		j.log.Error("no delivery can be accepted any more", "error", err.Error())
	}
	return err
}

// shrink writes the journal anew and puts it into the place of the old one.
func (j *Journal) shrink() error {
	var data []byte
	var err error
	for _, e := range j.compact() {
		if data, err = appendFrame(data, e); err != nil {
			return err
		}
	}
	part, err := os.CreateTemp(j.dir, partFiles)
	if err != nil {
		return err
	}
	defer os.Remove(part.Name())
	_, err = part.Write(data)
	err = errors.Join(err, part.Sync(), part.Close())
	if err != nil {
		return err
	}
	name := j.file.Name()
	j.file.Close()
	if err := os.Rename(part.Name(), name); err != nil {
		return err
	}
	if j.file, err = os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0o600); err != nil {
		return err
	}
	j.log.Info("journal written anew", "before", j.size.Load(), "now", len(data))
	j.limit.Store(max(j.base, 2*int64(len(data))))
	j.size.Store(int64(len(data)))
	return syncDir(j.dir)
}

// close writes what waits and gives the directory free.
func (j *Journal) close() error {
	j.mu.Lock()
	already := j.closed
	j.closed = true
	j.mu.Unlock()
	if already {
		return nil
	}
	j.wake.Signal()
	<-j.ended
	return errors.Join(j.broken(), j.file.Close(), j.lock.Unlock())
}

// ReadBook reads the journal in dir, also while a server writes it.
func ReadBook(dir string) (*Book, error) {
	book := newBook()
	f, err := os.Open(filepath.Join(dir, journalFile))
	if errors.Is(err, fs.ErrNotExist) {
		return book, nil
	} else if err != nil {
		return nil, err
	}
	defer f.Close()
	_, _, err = readFrames(f, book.apply)
	return book, err
}
