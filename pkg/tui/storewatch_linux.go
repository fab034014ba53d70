package tui

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// watchStore tells when something in the store of runs has changed, and costs nothing
// while nothing does.
func (h *hub) watchStore(ctx context.Context) <-chan struct{} {
	changes := make(chan struct{}, 1)
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		return changes // looking now and then has to do
	}
	w := &storeWatch{fd: fd, runs: filepath.Join(h.StateDir, "runs"), names: map[int32]string{}}
	w.addAll()
	file := os.NewFile(uintptr(fd), "inotify")
	context.AfterFunc(ctx, func() { file.Close() })
	go func() {
		buffer := make([]byte, 16<<10)
		for {
			n, err := file.Read(buffer)
			if err != nil {
				return
			}
			w.take(buffer[:n])
			select {
			case changes <- struct{}{}:
			default: // told already
			}
		}
	}()
	return changes
}

// storeWatch watches the directory of the runs, and the files in each.
type storeWatch struct {
	fd    int
	runs  string
	names map[int32]string // of the directories in which directories can appear
}

func (w *storeWatch) add(dir string, mask uint32) {
	wd, err := unix.InotifyAddWatch(w.fd, dir, mask)
	if err == nil && mask&unix.IN_CREATE != 0 {
		w.names[int32(wd)] = dir
	}
}

// addAll also watches the directories above, in which the store may yet appear.
func (w *storeWatch) addAll() {
	store := filepath.Dir(w.runs)
	w.add(filepath.Dir(store), unix.IN_CREATE)
	w.add(store, unix.IN_CREATE)
	w.add(w.runs, unix.IN_CREATE|unix.IN_DELETE)
	entries, _ := os.ReadDir(w.runs)
	for _, e := range entries {
		w.add(filepath.Join(w.runs, e.Name()), unix.IN_MODIFY)
	}
}

// take begins to watch directories that events tell of.
func (w *storeWatch) take(events []byte) {
	for len(events) >= unix.SizeofInotifyEvent {
		wd := int32(binary.NativeEndian.Uint32(events))
		mask := binary.NativeEndian.Uint32(events[4:])
		size := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(events[12:]))
		if size > len(events) {
			return
		}
		name := unix.ByteSliceToString(events[unix.SizeofInotifyEvent:size])
		dir := w.names[wd]
		switch {
		case mask&unix.IN_CREATE == 0:
		case dir == w.runs:
			w.add(filepath.Join(dir, name), unix.IN_MODIFY)
		case dir != "":
			w.addAll()
		}
		events = events[size:]
	}
}
