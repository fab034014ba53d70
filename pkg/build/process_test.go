//go:build linux

package build

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gofrs/flock"
)

// TestMain lets the test binary be the process that runs a tool and is killed.
func TestMain(m *testing.M) {
	if script := os.Getenv("YSTACK_TEST_PARENT"); script != "" {
		lock, err := os.OpenFile(os.Getenv("YSTACK_TEST_LOCK"), os.O_CREATE|os.O_RDWR, 0o600)
		if err == nil {
			err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX)
		}
		if err == nil {
			_, err = command{path: "/bin/sh", args: []string{"-c", script}, log: os.Stdout, inherit: []*os.File{lock}}.run(context.Background())
		}
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 400 {
		if ok() {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatal("not in time: ", what)
}

func TestLines(t *testing.T) {
	var log bytes.Buffer
	tail, err := command{path: "/bin/sh", args: []string{"-c", `printf 'one\ntw'; sleep 0.1; printf 'o\r\n\nthree' >&2`}, log: &log}.run(t.Context())
	if want := "one\ntwo\nthree\n"; err != nil || log.String() != want || strings.Join(tail, "\n")+"\n" != want {
		t.Errorf("log %q tail %q %v", log.String(), tail, err)
	}
	tail, _ = command{path: "/bin/sh", args: []string{"-c", `seq 1 1000; head -c 200000 /dev/zero | tr '\0' x`}}.run(t.Context())
	if len(tail) != tailLines || len(tail[tailLines-1]) > lineLimit {
		t.Errorf("%d lines, the last of %d bytes", len(tail), len(tail[len(tail)-1]))
	}
}

// A step that ignores TERM, with a child of its own, is gone a few seconds
// after the context is, and so is the child.
func TestCancelEndsTheGroup(t *testing.T) {
	for _, trap := range []string{"", "trap '' TERM; "} {
		var log bytes.Buffer
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(300*time.Millisecond, cancel)
		start := time.Now()
		_, err := command{path: "/bin/sh", args: []string{"-c", trap + `sleep 60 & echo $!; wait; sleep 60`}, log: &log}.run(ctx)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(start); took > grace+3*time.Second || trap == "" && took > 2*time.Second {
			t.Errorf("took %v", took)
		}
		pid, err := strconv.Atoi(strings.TrimSpace(log.String()))
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "end of the child's child", func() bool { return !alive(pid) })
	}
}

// After kill -9 of the process, the tool ends, and what the tool had started
// holds the lock until it is gone.
func TestKilledParent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), `YSTACK_TEST_PARENT=sleep 2 & echo $$ $!; wait`, "YSTACK_TEST_LOCK="+path)
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var tool, child int
	line, err := bufio.NewReader(out).ReadString('\n')
	if _, scanErr := fmt.Sscan(line, &tool, &child); err != nil || scanErr != nil {
		t.Fatal(line, err, scanErr)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	eventually(t, "end of the tool", func() bool { return !alive(tool) })
	lock := flock.New(path)
	if got, err := lock.TryLock(); got && alive(child) || err != nil {
		t.Errorf("the lock is free while the tool's child runs (%v)", err)
	}
	eventually(t, "free lock", func() bool { got, _ := lock.TryLock(); return got })
	if alive(child) {
		t.Error("lock free, child alive")
	}
}
