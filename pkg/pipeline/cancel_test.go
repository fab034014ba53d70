//go:build linux

package pipeline

import (
	"errors"
	"strings"
	"testing"
)

// TestCancelSparesOthers: the process that writes this run is a test, which is no
// `pipeline run` and must not be interrupted.
func TestCancelSparesOthers(t *testing.T) {
	s := OpenStore(t.TempDir())
	j := record(t, s, "hello-1", built...)
	if err := s.Cancel("hello-1"); err == nil || !strings.Contains(err.Error(), "which does more than this run") {
		t.Errorf("a run of another program: %v", err)
	}
	j.close()
	if err := s.Cancel("hello-1"); err == nil || !strings.Contains(err.Error(), "is interrupted: there is nothing to cancel") {
		t.Errorf("a run that nobody writes: %v", err)
	}
	if err := s.Cancel("other"); !errors.Is(err, ErrNoRun) {
		t.Errorf("no run: %v", err)
	}
}
