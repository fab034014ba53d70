package login

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Parent names the process that started this one: its id and when it started, since
// ids are used again. It is empty where that cannot be told.
func Parent() string {
	ppid := os.Getppid()
	info, err := unix.SysctlKinfoProc("kern.proc.pid", ppid)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%d:%d.%d", ppid, info.Proc.P_starttime.Sec, info.Proc.P_starttime.Usec)
}
