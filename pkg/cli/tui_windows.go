package cli

import (
	"os/exec"
	"syscall"
)

// ownGroup keeps the signals of this terminal from a process.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}
