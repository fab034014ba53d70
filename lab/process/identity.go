//go:build linux

// Package process starts the lab's processes, remembers them across runs of
// the lab, and ends them. A process is known by its pid and by the moment it
// started, so a pid that the kernel has given to somebody else is never taken
// for ours.
package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// ErrNoProcess means that no process has the pid.
var ErrNoProcess = errors.New("no such process")

// Stat is what the lab reads from /proc/PID/stat.
type Stat struct {
	State byte   // R, S, D, Z, …
	Start uint64 // clock ticks between boot and its start
	Ticks uint64 // CPU clock ticks spent, user and system
	Pages uint64 // resident pages
}

// StatOf reads the state of pid.
func StatOf(pid int) (Stat, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Stat{}, fmt.Errorf("pid %d: %w", pid, ErrNoProcess)
	}
	return parseStat(data)
}

// parseStat reads the fields behind the command name. The name stands in
// parentheses and may itself hold spaces and parentheses, so fields are
// counted from the last one that closes.
func parseStat(data []byte) (Stat, error) {
	end := bytes.LastIndexByte(data, ')')
	if end < 0 {
		return Stat{}, fmt.Errorf("stat %q: no command name", data)
	}
	fields := strings.Fields(string(data[end+1:])) // fields[0] is field 3 of proc(5)
	if len(fields) < 22 {
		return Stat{}, fmt.Errorf("stat %q: %d fields behind the name, expected 22 or more", data, len(fields))
	}
	var numbers [4]uint64
	for i, field := range []int{11, 12, 19, 21} { // utime, stime, starttime, rss
		n, err := strconv.ParseUint(fields[field], 10, 64)
		if err != nil {
			return Stat{}, fmt.Errorf("stat %q: %w", data, err)
		}
		numbers[i] = n
	}
	return Stat{State: fields[0][0], Ticks: numbers[0] + numbers[1], Start: numbers[2], Pages: numbers[3]}, nil
}

// BootID names the running boot of this machine; pids and start times mean
// nothing across boots.
func BootID() string {
	data, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(data))
}
