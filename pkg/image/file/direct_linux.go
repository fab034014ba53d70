package file

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// page is what direct writes must be made of: no disk wants larger pieces.
const page = 4096

// openDirect opens a file so that what is written goes to the disk by itself, instead of
// through memory that is written out later: that is most of what a copy would cost. Not
// every file system can; nil stands for that.
func openDirect(path string) *os.File {
	f, err := os.OpenFile(path, os.O_WRONLY|unix.O_DIRECT, 0)
	if err != nil {
		return nil
	}
	return f
}

// straight is how much of the data a direct write at the offset can take.
func straight(data []byte, at int64) int {
	if at%page != 0 || len(data) < page || uintptr(unsafe.Pointer(&data[0]))%page != 0 { //nolint:gosec // looked at, and not kept
		return 0
	}
	return len(data) / page * page
}
