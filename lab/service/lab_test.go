//go:build linux

package service

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ystackdev/ystack/lab/process"
)

func TestOpen(t *testing.T) {
	for dir, want := range map[string]string{"": DefaultDir, "/x/../y": "/y", "/a b": "", "/it's": ""} {
		l, err := Open(func(string) string { return dir }, nil)
		if want == "" {
			if err == nil {
				t.Errorf("YSTACK_LAB=%q was accepted", dir)
			}
			continue
		}
		if err != nil || l.Dir != want {
			t.Errorf("YSTACK_LAB=%q: %v, %v", dir, l, err)
		}
	}
}

func TestLockKeepsOthersOut(t *testing.T) {
	var said bytes.Buffer
	l := &Lab{Dir: t.TempDir(), Out: &said}
	unlock, err := l.Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := l.Lock(ctx); err == nil {
		t.Fatal("locked twice")
	}
	if !strings.Contains(said.String(), "waiting for another lab command (pid") {
		t.Errorf("said %q", said.String())
	}
	unlock()
	if unlock, err = l.Lock(t.Context()); err != nil {
		t.Fatal(err)
	}
	unlock()
}

func TestStateOfTheDeadAndTheStopped(t *testing.T) {
	l := &Lab{Dir: t.TempDir()}
	services := []*Service{{Name: "dead"}, {Name: "stopped"}, {Name: "rebooted"}, {Name: "ready", Host: true}}
	me, err := process.Self([]string{"me"}, "")
	if err != nil {
		t.Fatal(err)
	}
	recycled, rebooted := me, me
	recycled.Start++
	rebooted.Boot = "another"
	for name, r := range map[string]process.Record{"dead": recycled, "rebooted": rebooted, "ready": me} {
		if err := r.Write(l.Run(name + ".json")); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []string{Dead, Stopped, Dead, Ready} {
		if got := l.Status(t.Context(), services)[i]; got.State != want {
			t.Errorf("%s: %s, want %s", got.Name, got.State, want)
		}
	}
}

func TestRenderReportsBadTemplates(t *testing.T) {
	l := &Lab{Dir: t.TempDir()}
	for _, text := range []string{"{{.Nothing}}", "{{"} {
		if _, err := l.Rendered(&Service{Name: "x", Files: map[string]string{"f": text}}); err == nil {
			t.Errorf("%q was rendered", text)
		}
	}
}

func TestChanged(t *testing.T) {
	l := &Lab{Dir: t.TempDir()}
	s := &Service{Name: "x", Files: map[string]string{"f": "{{.Dir}}"}, Command: func(*Lab) []string { return []string{"run"} }}
	r := process.Record{Command: []string{"run"}}
	if err := l.render(s); err != nil {
		t.Fatal(err)
	}
	if l.changed(s, r) {
		t.Error("what was just written counts as changed")
	}
	if !l.changed(s, process.Record{Command: []string{"run", "-v"}}) {
		t.Error("another command line does not count")
	}
	if err := os.WriteFile(filepath.Join(l.Dir, "etc/f"), []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if !l.changed(s, r) {
		t.Error("another file does not count")
	}
}

func TestInsideOf(t *testing.T) {
	l := &Lab{Dir: t.TempDir()}
	if _, err := l.InsideOf("client", "/", nil); err == nil || !strings.Contains(err.Error(), "the lab's client does not run") {
		t.Errorf("a service that does not run: %v", err)
	}
	me, err := process.Self([]string{"me"}, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := me.Write(l.Run("client.json")); err != nil {
		t.Fatal(err)
	}
	argv, err := l.InsideOf("client", "/somewhere", []string{"curl", "-s"})
	if got := strings.Join(argv, " "); err != nil || !strings.HasSuffix(got, "--wdns=/somewhere -- curl -s") || !strings.Contains(got, strconv.Itoa(os.Getpid())) {
		t.Errorf("%s, %v", got, err)
	}
}
