//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/creack/pty"
)

// screen is the real `kubectl ystack tui` on a terminal of its own, and what that shows.
type screen struct {
	*exec.Cmd
	tty   *os.File
	ended chan error

	mu    sync.Mutex
	lines []string
	raw   []byte
}

// startScreen starts it in an environment.
func startScreen(t *testing.T, env []string, args ...string) *screen {
	t.Helper()
	const columns, rows = 140, 40
	s := &screen{Cmd: exec.Command("kubectl-ystack", append([]string{"tui"}, args...)...), lines: make([]string, rows), ended: make(chan error, 1)}
	s.Env = append(append(os.Environ(), "TERM=xterm-256color", "NO_COLOR=1"), env...)
	tty, err := pty.StartWithSize(s.Cmd, &pty.Winsize{Cols: columns, Rows: rows})
	if err != nil {
		t.Fatal(err)
	}
	s.tty = tty
	go s.read()
	t.Cleanup(func() {
		_ = s.Process.Kill()
		tty.Close()
	})
	s.shows(t, `^\[1 Pipelines\]`) // and keys are not lost
	return s
}

// painted is one line as the program writes it: where, what, and an end.
var painted = regexp.MustCompile(`\x1b\[(\d+);1H(.*?)\x1b\[K`)

func (s *screen) read() {
	buffer := make([]byte, 64<<10)
	for {
		n, err := s.tty.Read(buffer)
		if err != nil {
			s.ended <- s.Wait()
			return
		}
		s.mu.Lock()
		s.raw = append(s.raw, buffer[:n]...)
		end := 0
		for _, m := range painted.FindAllSubmatchIndex(s.raw, -1) {
			if row, err := strconv.Atoi(string(s.raw[m[2]:m[3]])); err == nil && row <= len(s.lines) {
				s.lines[row-1] = ansi.Strip(string(s.raw[m[4]:m[5]]))
			}
			end = m[1]
		}
		s.raw = s.raw[end:]
		s.mu.Unlock()
	}
}

func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines, "\n")
}

func (s *screen) press(t *testing.T, keys string) {
	t.Helper()
	if _, err := s.tty.WriteString(keys); err != nil {
		t.Fatal(err)
	}
}

// shows waits for all of these texts, each a pattern of one line.
func (s *screen) shows(t *testing.T, patterns ...string) {
	t.Helper()
	eventually(t, func() error {
		text := s.text()
		for _, p := range patterns {
			if !regexp.MustCompile(`(?m)` + p).MatchString(text) {
				return fmt.Errorf("the screen does not show %q:\n%s", p, text)
			}
		}
		return nil
	})
}

// hides waits until a text is gone.
func (s *screen) hides(t *testing.T, pattern string) {
	t.Helper()
	eventually(t, func() error {
		if text := s.text(); regexp.MustCompile(`(?m)` + pattern).MatchString(text) {
			return fmt.Errorf("the screen still shows %q:\n%s", pattern, text)
		}
		return nil
	})
}

// mostMemory is what the program that has the screen, to which the plugin handed over,
// had in memory at most, in kB.
func (s *screen) mostMemory(t *testing.T) int {
	t.Helper()
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", s.Process.Pid)) // by the thread that made them
	var children []string
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		children = append(children, strings.Fields(string(text))...)
	}
	if len(children) != 1 {
		t.Fatalf("children: %v", children)
	}
	status, err := os.ReadFile("/proc/" + children[0] + "/status")
	if err != nil {
		t.Fatal(err)
	}
	var kilobytes int
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	if _, err := fmt.Sscan(after, &kilobytes); err != nil {
		t.Fatal(err)
	}
	return kilobytes
}

// quit ends it by its key, which is no failure.
func (s *screen) quit(t *testing.T) {
	t.Helper()
	s.press(t, "q")
	if err := <-s.ended; err != nil {
		t.Errorf("after q: %v", err)
	}
}
