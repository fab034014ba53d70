package file

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/gofrs/flock"

	"github.com/ystackdev/ystack/pkg/image/store"
)

// Write puts the content beside the file and renames it when all of it is there and
// on the disk. What an earlier copy of the same content left is not written again.
func (s *Store) Write(ctx context.Context, r store.Ref, u *store.Upload) (store.Info, error) {
	path := s.path(r)
	part := partial(path, u.Known)
	done := false
	lock := flock.New(part, flock.SetPermissions(0o666)) // less what the umask says
	if locked, err := lock.TryLock(); err != nil {
		return store.Info{}, explain(r, err)
	} else if !locked {
		return store.Info{}, store.Errorf(r, store.ErrTaken, "is being written by another copy")
	}
	defer func() {
		_ = lock.Unlock()
		if done {
			_ = os.Remove(part) // Windows does not, while it is open
		}
	}()
	f, err := os.OpenFile(part, os.O_RDWR, 0o600)
	if err != nil {
		return store.Info{}, explain(r, err)
	}
	err = fill(ctx, f, u)
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = finish(part, path)
	}
	if err != nil {
		// Content that is known by its digest can be gone on with, unless it is wrong or
		// stands in its own way on a full disk.
		if len(u.Known) == 0 || errors.Is(err, store.ErrCorrupt) || errors.Is(explain(r, err), store.ErrQuota) {
			_ = os.Remove(part)
		}
		return store.Info{}, wrap(r, err)
	}
	done = true
	return s.Stat(ctx, r)
}

// wrap leaves errors that say where as they are.
func wrap(r store.Ref, err error) error {
	var path *os.PathError
	var link *os.LinkError
	if errors.As(err, &path) || errors.As(err, &link) {
		return explain(r, err)
	}
	return err
}

// partial is where the content grows, the same for every copy of the same content.
func partial(path string, known store.Digests) string {
	name := ""
	for _, algorithm := range []string{"sha256", "sha512", "sha1", "md5"} {
		if value := known[algorithm]; value != "" && name == "" {
			name = "." + value[:min(16, len(value))]
		}
	}
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+name+".partial")
}

// fill writes what the file does not hold yet. What it does hold is compared, which is
// cheaper than to write it and trusts nobody.
func fill(ctx context.Context, f *os.File, u *store.Upload) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	have, at := info.Size(), int64(0)
	if len(u.Known) == 0 {
		have = 0
	}
	disk := &flusher{f: f, direct: openDirect(f.Name()), busy: make(chan struct{}, 1)}
	defer disk.close()
	for {
		data, err := u.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			_ = disk.wait()
			return err
		}
		end := at + int64(len(data))
		if end > have || !holds(f, at, data) {
			if err := disk.put(at, data, have); err != nil {
				_ = disk.wait()
				return err
			}
		}
		at = end
	}
	if err := disk.wait(); err != nil {
		return err
	}
	if err := f.Truncate(at); err != nil {
		return err
	}
	return f.Sync()
}

// flusher has the system write to the disk what it has, while more comes: gigabytes at
// the end would take their time. What can be written directly is there at once.
type flusher struct {
	f      *os.File
	direct *os.File // the same file; nil where that cannot be
	busy   chan struct{}
	err    error
}

func (d *flusher) close() {
	if d.direct != nil {
		_ = d.direct.Close()
	}
}

// write writes all of the data, directly as far as that goes.
func (d *flusher) write(data []byte, at int64) error {
	if n := straight(data, at); n > 0 && d.direct != nil {
		_, err := d.direct.WriteAt(data[:n], at)
		switch {
		case err == nil:
			data, at = data[n:], at+int64(n)
		case errors.Is(err, syscall.EINVAL): // this disk wants it otherwise
			d.close()
			d.direct = nil
		default:
			return err
		}
	}
	if len(data) == 0 {
		return nil
	}
	defer d.flush()
	_, err := d.f.WriteAt(data, at)
	return err
}

func (d *flusher) flush() {
	select {
	case d.busy <- struct{}{}:
		go func() {
			if err := d.f.Sync(); err != nil {
				d.err = err // told once, by whichever call is the first
			}
			<-d.busy
		}()
	default:
	}
}

func (d *flusher) wait() error {
	d.busy <- struct{}{}
	defer func() { <-d.busy }()
	return d.err
}

// holds tells whether the file has the data at an offset already.
func holds(f *os.File, at int64, data []byte) bool {
	have := make([]byte, 256<<10)
	for len(data) > 0 {
		part := have[:min(len(have), len(data))]
		if _, err := f.ReadAt(part, at); err != nil || string(part) != string(data[:len(part)]) {
			return false
		}
		data, at = data[len(part):], at+int64(len(part))
	}
	return true
}

// hole is the granularity in which zeros are left out; file systems cannot do finer.
const hole = 64 << 10

// put writes the data, but leaves zeros out where the file is still empty.
func (d *flusher) put(at int64, data []byte, have int64) error {
	for len(data) > 0 {
		n := 0
		for n < len(data) && (at+int64(n) < have || !zero(data[n:min(n+hole, len(data))])) {
			n = min(n+hole, len(data))
		}
		if n > 0 {
			if err := d.write(data[:n], at); err != nil {
				return err
			}
		} else {
			n = min(hole, len(data))
		}
		data, at = data[n:], at+int64(n)
	}
	return nil
}

var zeros [hole]byte

func zero(data []byte) bool { return string(data) == string(zeros[:len(data)]) }

// finish gives the file its name, unless somebody else took that in the meantime.
func finish(part, path string) error {
	if err := os.Link(part, path); err == nil {
		_ = os.Remove(part)
		return nil
	} else if errors.Is(err, os.ErrExist) {
		return err
	}
	return os.Rename(part, path) // a file system without links
}
