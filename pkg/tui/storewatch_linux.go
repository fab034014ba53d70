package tui

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"

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
			if !w.take(buffer[:n]) {
				continue
			}
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

func (w *storeWatch) add(dir string, mask uint32) (exists bool) {
	wd, err := unix.InotifyAddWatch(w.fd, dir, mask)
	if err == nil && mask&unix.IN_CREATE != 0 {
		w.names[int32(wd)] = dir
	}
	return err == nil
}

// addAll watches the store, or while there is none, the directory in which the first of
// the directories that lead to it will appear.
func (w *storeWatch) addAll() {
	for range 2 { // it may appear meanwhile
		dir := filepath.Dir(w.runs)
		for !w.add(dir, unix.IN_CREATE) && dir != filepath.Dir(dir) {
			dir = filepath.Dir(dir)
		}
	}
	w.add(w.runs, unix.IN_CREATE|unix.IN_DELETE)
	entries, _ := os.ReadDir(w.runs)
	for _, e := range entries {
		w.add(filepath.Join(w.runs, e.Name()), unix.IN_MODIFY)
	}
}

// take begins to watch directories that events tell of, and reports whether some event
// is about runs.
func (w *storeWatch) take(events []byte) (matters bool) {
	for len(events) >= unix.SizeofInotifyEvent {
		wd := int32(binary.NativeEndian.Uint32(events))
		mask := binary.NativeEndian.Uint32(events[4:])
		size := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(events[12:]))
		if size > len(events) {
			return matters
		}
		name := unix.ByteSliceToString(events[unix.SizeofInotifyEvent:size])
		path := filepath.Join(w.names[wd], name)
		switch {
		case mask&unix.IN_CREATE == 0:
			matters = true
		case filepath.Dir(path) == w.runs:
			w.add(path, unix.IN_MODIFY)
			matters = true
		case path == w.runs || strings.HasPrefix(w.runs, path+string(filepath.Separator)):
			w.addAll()
			matters = true
		}
		events = events[size:]
	}
	return matters
}
