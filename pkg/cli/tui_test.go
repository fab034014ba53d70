package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTUINeedsATerminal(t *testing.T) {
	code, out, errs := run(t, NewTUI)
	if code == 0 || out != "" || !strings.Contains(errs, "needs a terminal") {
		t.Errorf("status %d, %q, %q", code, out, errs)
	}
}

// TestTUIHandsOver: the other program gets the flags, and its status counts.
func TestTUIHandsOver(t *testing.T) {
	dir := t.TempDir()
	script := "#!/bin/sh\nprintf '%s|' \"$@\"\nexit 7\n"
	if err := os.WriteFile(filepath.Join(dir, "kubectl-ystack-tui"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	code, out, errs := run(t, NewKubectl, "tui", "--context", "a,b c", "--context=d", "--ascii")
	if want := "--ascii=true|--context=a,b c,d|"; code != 7 || out != want || errs != "" {
		t.Errorf("status %d, %q, %q; want 7 and %q", code, out, errs, want)
	}
	t.Setenv("PATH", t.TempDir())
	code, _, errs = run(t, NewKubectl, "tui")
	if code != 1 || !strings.Contains(errs, "it comes in the same archive") {
		t.Errorf("status %d, %q", code, errs)
	}
}
