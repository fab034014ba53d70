//go:build linux

package catalog

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ystackdev/ystack/lab/service"
)

const libvirtdConf = `listen_tls = 0
listen_tcp = 0
unix_sock_group = "root"
auth_unix_ro = "none"
auth_unix_rw = "none"
log_outputs = "2:stderr"
log_level = 3
`

// Without control groups and namespaces of its own, all that libvirt starts
// stays among the lab's processes. With stdio_handler "file" it needs no second daemon.
const qemuConf = `user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
security_default_confined = 0
cgroup_controllers = []
namespaces = []
stdio_handler = "file"
max_core = 0
seccomp_sandbox = 0
`

// libvirtScript becomes libvirtd where its directories are the lab's own. It
// looks up the user that Debian's packages make for it even when it is not to use it.
const libvirtScript = `set -e
for dir in etc run var/lib var/cache var/log; do
	mkdir -p "{{.State "libvirt"}}/$dir" "/$dir/libvirt"
	mount --bind "{{.State "libvirt"}}/$dir" "/$dir/libvirt"
done
cp "{{.Etc "libvirt/libvirtd.conf"}}" "{{.Etc "libvirt/qemu.conf"}}" /etc/libvirt/
for file in passwd group; do
	cp /etc/$file "{{.State "libvirt"}}/$file"
done
grep -q ^libvirt-qemu: /etc/passwd || echo 'libvirt-qemu:x:64055:64055::/nonexistent:/usr/sbin/nologin' >> "{{.State "libvirt"}}/passwd"
grep -q ^libvirt-qemu: /etc/group || echo 'libvirt-qemu:x:64055:' >> "{{.State "libvirt"}}/group"
grep -q ^kvm: /etc/group || echo 'kvm:x:64056:' >> "{{.State "libvirt"}}/group"
for file in passwd group; do
	mount --bind "{{.State "libvirt"}}/$file" /etc/$file
done
exec /usr/sbin/libvirtd --config /etc/libvirt/libvirtd.conf --pid-file /run/libvirt/libvirtd.pid
`

func libvirtSocket(l *service.Lab) string { return l.State("libvirt/run/libvirt-sock") }

// libvirt runs machines, by qemu's emulation: no processor that can do better is needed.
func libvirt() *service.Service {
	return &service.Service{
		Name:    "libvirt",
		Needs:   []string{service.NodeName, "vm-network"},
		Address: "qemu+unix:///system",
		Tree:    []string{"libvirt-daemon", "libvirt-daemon-driver-qemu", "qemu-system-x86", "qemu-utils"},
		Files:   map[string]string{"libvirt/libvirtd.conf": libvirtdConf, "libvirt/qemu.conf": qemuConf, "libvirt/run.sh": libvirtScript},
		Command: func(l *service.Lab) []string { return l.OverTree(nil, "/bin/sh", l.Etc("libvirt/run.sh")) },
		Ready: func(ctx context.Context, l *service.Lab) error {
			conn, err := (&net.Dialer{}).DialContext(ctx, "unix", libvirtSocket(l))
			if err != nil {
				return err
			}
			return conn.Close()
		},
		Stop: stopMachines,
	}
}

// stopMachines ends what libvirtd has started: it would outlive it.
func stopMachines(ctx context.Context, l *service.Lab) error {
	files, _ := filepath.Glob(l.State("libvirt/run/qemu/*.pid"))
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
		name, nameErr := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm")
		if err != nil || nameErr != nil || !strings.HasPrefix(string(name), "qemu-system") {
			continue
		}
		_ = unix.Kill(pid, unix.SIGTERM)
		for range 50 {
			if unix.Kill(pid, 0) != nil || ctx.Err() != nil {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		_ = unix.Kill(pid, unix.SIGKILL)
	}
	return nil
}
