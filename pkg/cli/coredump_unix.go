//go:build unix && !linux

package cli

import "golang.org/x/sys/unix"

// noCoreDump keeps what this process knows out of core files.
func noCoreDump() { _ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}) }
