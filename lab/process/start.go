//go:build linux

package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// Start runs argv detached from this session, with its output in log, and
// returns a channel that is closed when it has ended (as far as this program
// lives to see it). The log of the run before is kept as log.1.
func Start(argv, env []string, log string) (<-chan struct{}, error) {
	if err := os.Rename(log, log+".1"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	out, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = env, "/", out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", argv[0], err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	return ended, nil
}

// Become turns the calling process into argv, keeping its pid.
func Become(argv, env []string) error {
	file, err := exec.LookPath(argv[0])
	if err != nil {
		return err
	}
	return fmt.Errorf("exec %s: %w", file, syscall.Exec(file, argv, env))
}
