//go:build unix

package pipeline

import (
	"errors"
	"os"
	"syscall"
)

// tryLock takes the file's lock, alone or shared, if it is free. The lock belongs to the open
// file, so processes that inherit it hold it too (flock(2)).
func tryLock(f *os.File, shared bool) (bool, error) {
	how := syscall.LOCK_EX
	if shared {
		how = syscall.LOCK_SH
	}
	err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}
