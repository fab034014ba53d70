package machine

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// removePartition makes the kernel forget one; else it stays with the device when that
// gets another file.
func removePartition(device uintptr, number int) error {
	p := unix.BlkpgPartition{Pno: int32(number)}
	arg := unix.BlkpgIoctlArg{Op: unix.BLKPG_DEL_PARTITION, Datalen: int32(unsafe.Sizeof(p)), Data: (*byte)(unsafe.Pointer(&p))}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, device, unix.BLKPG, uintptr(unsafe.Pointer(&arg))); errno != 0 {
		return errno
	}
	return nil
}
