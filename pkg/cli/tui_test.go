package cli

import (
	"strings"
	"testing"
)

func TestTUINeedsATerminal(t *testing.T) {
	code, out, errs := run(t, NewKubectl, "tui")
	if code == 0 || out != "" || !strings.Contains(errs, "needs a terminal") {
		t.Errorf("status %d, %q, %q", code, out, errs)
	}
}
