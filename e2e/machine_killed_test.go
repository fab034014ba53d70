//go:build e2e

package e2e

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/ystackdev/ystack/pkg/image/artifactorytest"
)

// testVMKilled ends Packer, and then ystack, while a machine is being set up. The archive
// is Artifactory's stand-in.
func testVMKilled(t *testing.T, ystack string) {
	m := newMachines(t, ystack)
	_, address := artifactorytest.Start(t)
	m.archive = "artifactory: {url: " + address + ", repository: images}"
	m.useSite("m1.small", "debian-12")

	cmd, server, errs := m.begun()
	killPacker(t, cmd.Process.Pid)
	if _ = cmd.Wait(); cmd.ProcessState.ExitCode() != 1 || !strings.Contains(errs.String(), "packer: ") {
		t.Errorf("Packer was killed: exit status %d\n%s", cmd.ProcessState.ExitCode(), errs)
	}
	m.nothingLeft()
	if n := m.ports(server); n != 0 {
		t.Errorf("%d ports are left", n)
	}

	// A machine that nobody can log in to, and that is as good as one that does not boot.
	m.useCommunicator("ssh_username = \"debian\"\n  ssh_timeout = \"5s\"", "true")
	m.fails("Timeout waiting for SSH")

	cmd, server, _ = m.begun()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	m.useTemplate("echo nothing to do")
	out, said, code := m.run("build", m.dir, "--target", "vm", "-f", "value", "-c", "Result", "-c", "Places")
	if code != 0 || !strings.HasPrefix(out, "built ") || !strings.Contains(out, "artifactory://"+strings.TrimPrefix(strings.TrimSuffix(address, "/artifactory"), "http://")+"/images/"+m.name+"/") {
		t.Errorf("after a kill: %d\n%s%s", code, out, said)
	}
	if left := m.left(); len(left) != 1 || !strings.HasPrefix(left[0], "image ") {
		t.Errorf("there is %q", left)
	}
	if n := m.ports(server); n != 0 {
		t.Errorf("%d ports of the first machine are left", n)
	}
	if out, said, code := m.run("verify", m.name+":"+m.revision(), "-f", "value", "-c", "Result"); code != 0 || out != "ok\nok\n" {
		t.Errorf("verify: %d\n%s%s", code, out, said)
	}
}

// killPacker ends the Packer that a build has started, and not what that has.
func killPacker(t *testing.T, build int) {
	t.Helper()
	out, err := exec.Command("pgrep", "-P", strconv.Itoa(build), "-x", "packer").Output()
	pid, bad := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil || bad != nil {
		t.Fatalf("which Packer is it? %v %q", err, out)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// revision is that of the application's checkout, whose template the test has changed.
func (m *machines) revision() string {
	m.t.Helper()
	out, said, code := m.run("list", m.name, "-f", "value", "-c", "Revision")
	if code != 0 {
		m.t.Fatalf("%s%s", out, said)
	}
	return strings.TrimSpace(out)
}
