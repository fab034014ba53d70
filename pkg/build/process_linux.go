package build

import "syscall"

// attributes: a group of its own, so that all of it can be ended, and an end
// with this process, so that a killed run leaves no build behind.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
