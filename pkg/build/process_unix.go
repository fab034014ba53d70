//go:build unix

package build

import (
	"os"
	"os/exec"
	"syscall"
)

// isolate gives the child a process group and the files to keep open.
func isolate(cmd *exec.Cmd, inherit []*os.File) {
	cmd.SysProcAttr = attributes()
	cmd.ExtraFiles = inherit
}

// terminate asks the child's whole group to end.
func terminate(cmd *exec.Cmd) error {
	return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
}

// kill ends the child's whole group.
func kill(cmd *exec.Cmd) {
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
}
