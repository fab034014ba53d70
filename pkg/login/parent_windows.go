package login

import (
	"fmt"
	"os"

	"golang.org/x/sys/windows"
)

// Parent names the process that started this one: its id and when it started, since
// ids are used again. It is empty where that cannot be told.
func Parent() string {
	ppid := os.Getppid()
	h, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, uint32(ppid))
	if err != nil {
		return ""
	}
	defer func() { _ = windows.CloseHandle(h) }()
	var created, exited, kernel, user windows.Filetime
	if windows.GetProcessTimes(h, &created, &exited, &kernel, &user) != nil {
		return ""
	}
	return fmt.Sprintf("%d:%d", ppid, created.Nanoseconds())
}
