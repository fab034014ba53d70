//go:build linux

package node

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/ystackdev/ystack/lab/process"
)

func needRoot(t *testing.T) {
	t.Helper()
	switch {
	case os.Geteuid() == 0:
	case os.Getenv("CI") != "":
		t.Fatal("entering a namespace needs root")
	default:
		t.Skip("entering a namespace needs root")
	}
}

// Forward, with this process's own namespace in the place of the node's. The
// server answers only when it has seen the end of the question.
func TestForward(t *testing.T) {
	needRoot(t)
	server, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	go func() {
		for {
			conn, err := server.Accept()
			if err != nil {
				return
			}
			question, _ := io.ReadAll(conn)
			_, _ = conn.Write(append(question, " is heard"...))
			_ = conn.Close()
		}
	}()
	_, port, _ := net.SplitHostPort(server.Addr().String())
	client, err := net.Listen("tcp", "127.0.0.3:"+port)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		conn, err := client.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		if err := connect(t.Context(), conn, server.Addr().String(), func() (int, error) { return os.Getpid(), nil }); err != nil {
			t.Error(err)
		}
	}()
	conn, err := net.Dial("tcp", client.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = conn.Write([]byte("hello"))
	_ = conn.(*net.TCPConn).CloseWrite()
	if answer, err := io.ReadAll(conn); string(answer) != "hello is heard" {
		t.Errorf("%q, %v", answer, err)
	}
}

func TestForwardEnds(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	nobody := func() (int, error) { return 0, errors.New("no node") }
	if err := Forward(ctx, []string{"127.0.0.1:0"}, nobody); err == nil {
		t.Error("it ended without a word")
	}
	if err := Forward(t.Context(), []string{"127.0.0.1:0", "192.0.2.1:1"}, nobody); err == nil {
		t.Error("an address of another machine was listened on")
	}
}

func TestDialWithoutNode(t *testing.T) {
	if conn, err := Dial(t.Context(), 1<<30, "tcp", "127.0.0.1:1"); err == nil {
		t.Errorf("connected to %v", conn.RemoteAddr())
	}
}

func TestMissing(t *testing.T) {
	dir := t.TempDir()
	want := []string{filepath.Join(dir, "a"), filepath.Join(dir, "a/b")}
	if got := missing(filepath.Join(dir, "a/b")); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := missing(dir); got != nil {
		t.Errorf("%v exists", got)
	}
}

// What GiveBack finds of an earlier boot, it does not write into this one.
func TestGiveBack(t *testing.T) {
	dir := t.TempDir()
	file, made := filepath.Join(dir, "borrowed.json"), filepath.Join(dir, "made")
	if err := GiveBack(file); err != nil {
		t.Errorf("nothing borrowed: %v", err)
	}
	if err := os.Mkdir(made, 0o755); err != nil {
		t.Fatal(err)
	}
	note := `{"boot": "another", "sysctls": {"no/such/sysctl": "1"}, "dirs": ["` + made + `"]}`
	if err := process.WriteFile(file, []byte(note), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := GiveBack(file); err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{file, made} {
		if _, err := os.Stat(gone); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there", gone)
		}
	}
}

func TestCgroupName(t *testing.T) {
	if CgroupName("/a") == CgroupName("/b") {
		t.Error("two labs share a control group")
	}
}
