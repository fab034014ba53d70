package login

import (
	"bytes"
	"fmt"
	"os"
)

// Parent names the process that started this one: its id and when it started, since
// ids are used again. It is empty where that cannot be told.
func Parent() string {
	ppid := os.Getppid()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", ppid))
	if err != nil {
		return ""
	}
	// The name in parentheses may hold anything; the fields follow the last one.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 20 {
		return ""
	}
	return fmt.Sprintf("%d:%s", ppid, fields[19])
}
