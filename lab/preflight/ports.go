//go:build linux

package preflight

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Ports refuses when somebody listens on one of the addresses, and says who.
func Ports(addresses []string) error {
	var errs []error
	for _, address := range addresses {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s is taken%s; the lab needs it", address, owner(address)))
			continue
		}
		_ = listener.Close()
	}
	return errors.Join(errs...)
}

// owner describes who listens on the port, if that can be found out.
func owner(address string) string {
	_, port, _ := net.SplitHostPort(address)
	n, _ := strconv.Atoi(port)
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		inode := listening(table, n)
		if inode == "" {
			continue
		}
		fds, _ := filepath.Glob("/proc/[0-9]*/fd/*")
		for _, fd := range fds {
			if target, _ := os.Readlink(fd); target == "socket:["+inode+"]" {
				pid := strings.Split(fd, "/")[2]
				name, _ := os.ReadFile("/proc/" + pid + "/comm")
				return fmt.Sprintf(" by pid %s (%s)", pid, strings.TrimSpace(string(name)))
			}
		}
	}
	return ""
}

// listening returns the inode of the socket that listens on port.
func listening(table string, port int) string {
	f, err := os.Open(table)
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		const listen = "0A"
		if len(fields) > 9 && fields[3] == listen && strings.HasSuffix(fields[1], fmt.Sprintf(":%04X", port)) {
			return fields[9]
		}
	}
	return ""
}
