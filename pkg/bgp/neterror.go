package bgp

import (
	"context"
	"errors"
	"net"
	"syscall"
)

// The codes of Windows' sockets, for which package syscall has no names that
// exist elsewhere.
const (
	wsaNetUnreachable  = syscall.Errno(10051)
	wsaConnRefused     = syscall.Errno(10061)
	wsaHostUnreachable = syscall.Errno(10065)
)

func unreachable(err error) bool {
	for _, code := range []syscall.Errno{syscall.ENETUNREACH, syscall.EHOSTUNREACH, wsaNetUnreachable, wsaHostUnreachable} {
		if errors.Is(err, code) {
			return true
		}
	}
	return false
}

func refused(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, wsaConnRefused)
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded)
}
