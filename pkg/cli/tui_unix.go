//go:build unix

package cli

import (
	"os/exec"
	"syscall"
)

// ownGroup keeps the signals of this terminal from a process.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
