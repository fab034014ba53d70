package cli

import "golang.org/x/sys/unix"

// noCoreDump keeps what this process knows out of core files, and its memory from
// other processes of the user. The limit alone would not do where a program receives
// the core.
func noCoreDump() {
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
}
