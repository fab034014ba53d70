//go:build linux

package node

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// Enter is argv run inside the namespaces of the holder, in directory dir.
// nsenter becomes argv, so the pid stays the same.
func Enter(holder int, dir string, argv []string) []string {
	return append([]string{"/usr/bin/nsenter", "--target", strconv.Itoa(holder), "--mount", "--net", "--wdns=" + dir, "--"}, argv...)
}

// Dial connects from inside the holder's network namespace. The address must
// be numeric: a resolver would work on threads that are not inside.
func Dial(ctx context.Context, holder int, network, address string) (net.Conn, error) {
	type result struct {
		conn net.Conn
		err  error
	}
	done := make(chan result, 1)
	go func() {
		// Never unlocked: the runtime ends a thread whose goroutine ends while
		// locked to it, so none is left in the wrong namespace.
		runtime.LockOSThread()
		if err := join(holder); err != nil {
			done <- result{err: err}
			return
		}
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		done <- result{conn, err}
	}()
	r := <-done
	return r.conn, r.err
}

// join moves the calling thread into the holder's network namespace.
func join(holder int) error {
	ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", holder))
	if err != nil {
		return fmt.Errorf("the node's network namespace is gone: %w", err)
	}
	defer ns.Close()
	return os.NewSyscallError("setns", unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET))
}
