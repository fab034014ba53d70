package build

import (
	"os"
	"os/exec"
)

// isolate does nothing: Windows has no process groups to signal, and a child
// cannot inherit open files this way.
func isolate(*exec.Cmd, []*os.File) {}

// terminate ends the child.
func terminate(cmd *exec.Cmd) error { return cmd.Process.Kill() }

// kill ends the child.
func kill(cmd *exec.Cmd) {
	if cmd.Process != nil {
		_ = cmd.Process.Kill()
	}
}
