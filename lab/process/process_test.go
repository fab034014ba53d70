//go:build linux

package process

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	line := func(name string) string {
		return "42 (" + name + ") S 1 42 42 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 1 0 987654 1000 321 18446744073709551615"
	}
	want := Stat{State: 'S', Ticks: 200, Start: 987654, Pages: 321}
	for _, name := range []string{"etcd", "a b", ") Z 1 (", ""} {
		if got, err := parseStat([]byte(line(name))); err != nil || got != want {
			t.Errorf("%q: %+v, %v", name, got, err)
		}
	}
	for _, bad := range []string{"", "42 etcd S", "42 (etcd) S 1 2", strings.Replace(line("x"), "987654", "x", 1)} {
		if got, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q was taken for %+v", bad, got)
		}
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("1 (x) R 1 1 1 0 -1 0 1 0 0 0 1 2 0 0 20 0 1 0 3 4 5 6"))
	f.Add([]byte("1 ((x)) Z"))
	f.Fuzz(func(_ *testing.T, data []byte) { _, _ = parseStat(data) })
}

func TestRecordKnowsItsProcess(t *testing.T) {
	me, err := Self([]string{"test"}, "node")
	if err != nil {
		t.Fatal(err)
	}
	recycled, rebooted := me, me
	recycled.Start--
	rebooted.Boot = "another boot"
	if !me.Alive() || recycled.Alive() || rebooted.Alive() || (Record{}).Alive() {
		t.Errorf("alive: me %v, recycled %v, rebooted %v, none %v", me.Alive(), recycled.Alive(), rebooted.Alive(), Record{}.Alive())
	}
}

// What is compiled again while it runs is another program.
func TestReplaced(t *testing.T) {
	program := filepath.Join(t.TempDir(), "sleep")
	write := func() {
		t.Helper()
		data, err := os.ReadFile("/bin/sleep")
		if err != nil {
			t.Fatal(err)
		}
		if err := WriteFile(program, append(data, 0), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write()
	cmd := exec.Command(program, "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	r := Record{PID: cmd.Process.Pid}
	if r.Replaced() {
		t.Error("replaced at once")
	}
	if err := os.Remove(program); err != nil {
		t.Fatal(err)
	}
	write()
	if !r.Replaced() {
		t.Error("not noticed")
	}
}

// A record whose pid has gone to this very test must not end it.
func TestStopSparesARecycledPid(t *testing.T) {
	r, err := Self([]string{"somebody else"}, "")
	if err != nil {
		t.Fatal(err)
	}
	r.Start--
	if err := Stop(t.Context(), r, time.Second); err != nil {
		t.Fatal(err)
	}
}

func TestStartAndStop(t *testing.T) {
	for name, script := range map[string]string{"gentle": "echo $$ >$0; echo up; exec sleep 60", "stubborn": "trap '' TERM; echo $$ >$0; echo up; while :; do sleep 0.01; done"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			pidFile, log := filepath.Join(dir, "pid"), filepath.Join(dir, "log")
			if err := os.WriteFile(log, []byte("of the run before"), 0o600); err != nil {
				t.Fatal(err)
			}
			ended, err := Start([]string{"/bin/sh", "-c", script, pidFile}, nil, log)
			if err != nil {
				t.Fatal(err)
			}
			waitFor(t, log, "up\n")
			r := recordOf(t, pidFile)
			if old, _ := os.ReadFile(log + ".1"); string(old) != "of the run before" {
				t.Errorf("log.1 holds %q", old)
			}
			if err := Stop(t.Context(), r, 100*time.Millisecond); err != nil {
				t.Fatal(err)
			}
			<-ended
			if r.Alive() {
				t.Error("still alive")
			}
		})
	}
}

func recordOf(t *testing.T, pidFile string) Record {
	t.Helper()
	data, _ := os.ReadFile(pidFile)
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	stat, err := StatOf(pid)
	if err != nil {
		t.Fatal(err)
	}
	return Record{PID: pid, Start: stat.Start, Boot: BootID(), Command: []string{"sh"}}
}

func waitFor(t *testing.T, file, want string) {
	t.Helper()
	for range 500 {
		if data, _ := os.ReadFile(file); string(data) == want {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s never held %q", file, want)
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "sub", "f")
	for _, content := range []string{"one", "one", "two"} {
		if err := WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(file); string(got) != content {
			t.Fatalf("holds %q, want %q", got, content)
		}
	}
	if info, _ := os.Stat(file); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "sub", ".part-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestReadOfHalfAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "r.json")
	if _, known := Read(file); known {
		t.Error("a missing record is known")
	}
	if err := os.WriteFile(file, []byte(`{"pid": 1, "sta`), 0o600); err != nil {
		t.Fatal(err)
	}
	if r, known := Read(file); known || r.PID != 0 {
		t.Errorf("half a record is known: %+v", r)
	}
}
