//go:build linux

package preflight

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
)

func TestPortsNamesWhoHasIt(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	address := listener.Addr().String()
	err = Ports([]string{address})
	want := fmt.Sprintf("%s is taken by pid %d (", address, os.Getpid())
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
	if err := Ports([]string{"127.0.0.1:0"}); err != nil {
		t.Error(err)
	}
}

func TestDiskLooksAtAParent(t *testing.T) {
	if err := disk("/proc/self/no/such/dir"); err == nil || !strings.Contains(err.Error(), "0 MiB free") {
		t.Errorf("error %v", err)
	}
}
