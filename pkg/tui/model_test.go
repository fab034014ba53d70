package tui

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/ystackdev/ystack/pkg/pipeline"
)

func TestActionsAskFirst(t *testing.T) {
	for _, tc := range []struct {
		keys string
		done bool
	}{{"xy", true}, {"xY", true}, {"xn", false}, {"x ", false}, {"xx", false}, {"xq", false}, {"y", false}} {
		m := New(layout())
		fill(m)
		did := false
		for _, w := range press(m, tc.keys) {
			did = did || w.What == Do && w.Action.Kind == "cancel"
		}
		if did != tc.done {
			t.Errorf("%q: done %v, want %v", tc.keys, did, tc.done)
		}
	}
}

func TestReadOnlyHasNoActions(t *testing.T) {
	l := layout()
	l.ReadOnly = true
	m := New(l)
	fill(m)
	for _, keys := range []string{"1xy", "1ly", "1ry", "1yy", "2by"} {
		for _, w := range press(m, keys) {
			if w.What == Do || w.What == Open {
				t.Errorf("%q: %+v", keys, w)
			}
		}
		for _, label := range []string{"cancel", "re-run", "roll back", "copy digest", "logs"} {
			if frame := m.View(); strings.Contains(frame, label) && !strings.Contains(frame, ": "+label) {
				t.Errorf("%q: the frame offers %q", keys, label)
			}
		}
	}
}

func TestLogsOpenAfterYes(t *testing.T) {
	m := New(layout())
	fill(m)
	if m.asking != nil || len(press(m, "l")) != 0 || m.asking == nil {
		t.Fatal("not asked")
	}
	wants := press(m, "y")
	if len(wants) != 1 || wants[0].What != Open || !wants[0].Logs {
		t.Fatalf("%+v", wants)
	}
}

func TestDetailIsBoundedAndItsOwn(t *testing.T) {
	m := New(layout())
	fill(m)
	press(m, "enter")
	first := m.number
	press(m, "esc", "down", "enter")
	m.Update(Opened{Number: first, More: []string{"of the one before"}})
	if m.detail.len() != 0 {
		t.Error("takes what belongs to a detail that was closed")
	}
	for i := range 10 * maxDetail / 100 {
		var lines []string
		for j := range 100 {
			lines = append(lines, fmt.Sprint(i*100+j))
		}
		m.Update(Opened{Number: m.number, More: lines})
	}
	if n := m.detail.len(); n != maxDetail {
		t.Errorf("keeps %d lines", n)
	}
	if last := m.detail.line(maxDetail - 1).Text; last != fmt.Sprint(10*maxDetail-1) {
		t.Errorf("the last line is %s", last)
	}
}

// TestReaderStaysWhereHeReads: lines that are forgotten above, and what grows there, do not
// move the lines of the log that somebody reads.
func TestReaderStaysWhereHeReads(t *testing.T) {
	m := New(layout())
	fill(m)
	press(m, "enter")
	log := func(from, to int) {
		var lines []string
		for i := from; i < to; i++ {
			lines = append(lines, fmt.Sprint("line ", i))
		}
		m.Update(Opened{Number: m.number, More: lines})
	}
	m.Update(Opened{Number: m.number, Lines: []Line{{Text: "about"}}})
	log(0, maxDetail)
	if top := m.detail.top; top != 0 {
		t.Errorf("begins at %d", top)
	}
	press(m, "end", "up")
	first := m.detail.line(m.detail.top).Text
	log(maxDetail, maxDetail+100)
	m.Update(Opened{Number: m.number, Lines: []Line{{Text: "about"}, {Text: "more"}, {Text: "than before"}}})
	if now := m.detail.line(m.detail.top).Text; now != first {
		t.Errorf("read %q, and then %q", first, now)
	}
	log(maxDetail+100, 9*maxDetail)
	if now := m.detail.line(m.detail.top).Text; now != fmt.Sprint("line ", 8*maxDetail) {
		t.Errorf("reads %q, after what was read is gone", now)
	}
}

func TestFollowingEndsAtScrollingUp(t *testing.T) {
	m := New(layout())
	fill(m)
	press(m, "ly")
	for i := range 50 {
		m.Update(Opened{Number: m.number, More: []string{fmt.Sprintf("line %d", i)}})
	}
	if !strings.Contains(m.View(), "line 49") {
		t.Fatalf("does not follow:\n%s", m.View())
	}
	press(m, "up")
	m.Update(Opened{Number: m.number, More: []string{"line 50"}})
	if strings.Contains(m.View(), "line 50") {
		t.Error("follows after a scroll up")
	}
	press(m, "G")
	m.Update(Opened{Number: m.number, More: []string{"line 51"}})
	if !strings.Contains(m.View(), "line 51") {
		t.Error("does not follow after G")
	}
}

func TestCursorStaysWithItsRow(t *testing.T) {
	m := New(layout())
	row := func(key string) Row { return Row{Key: key, Cells: []Cell{{Text: key}}} }
	load := func(rows ...Row) { m.Update(Loaded{Pane: "runs", Rows: rows, At: day}) }
	load(row("a"), row("b"), row("c"))
	press(m, "down")
	load(row("new"), row("a"), row("b"))
	if r, _ := m.focused().current(); r.Key != "b" {
		t.Errorf("at %s", r.Key)
	}
	load(row("new"))
	if r, _ := m.focused().current(); r.Key != "new" {
		t.Errorf("at %s", r.Key)
	}
	load()
	if _, ok := m.focused().current(); ok {
		t.Error("there is a row in an empty pane")
	}
	press(m, "down", "up", "enter", "x", "end")
}

// TestDetailActsOnItsOwnRow, and on no other when that is gone.
func TestDetailActsOnItsOwnRow(t *testing.T) {
	m := New(layout())
	fill(m)
	press(m, "enter")
	other := aRun(pipeline.Running)
	other.ID = "other"
	m.Update(Loaded{Pane: "runs", Rows: []Row{runRow(&other, day)}, At: day})
	if wants := press(m, "xy"); len(wants) != 0 || strings.Contains(m.View(), "x cancel") {
		t.Errorf("%+v\n%s", wants, m.View())
	}
}

func TestFailureKeepsRowsAndTheFirstTime(t *testing.T) {
	m := New(Layout{Contexts: []string{"lab"}, NoColor: true})
	press(m, "2")
	m.Update(Loaded{Pane: "applications", Origin: "lab", Rows: []Row{{Key: "a", Cells: []Cell{{Text: "shop"}}}}, At: day})
	for i := range 3 {
		m.Update(Failed{Pane: "applications", Origin: "lab", Err: "unreachable since " + sinceMark, Since: day.Add(time.Duration(i) * time.Minute)})
	}
	frame := m.View()
	for _, want := range []string{"rows as of 12:03:04; unreachable since 12:03:04", "shop"} {
		if !strings.Contains(frame, want) {
			t.Errorf("no %q in\n%s", want, frame)
		}
	}
	m.Update(Loaded{Pane: "applications", Origin: "lab", At: day})
	if frame := m.View(); strings.Contains(frame, "unreachable") {
		t.Errorf("still unreachable:\n%s", frame)
	}
}

// TestAnySize: no size and no key makes a frame that does not fit.
func TestAnySize(t *testing.T) {
	for width := range 130 {
		for _, height := range []int{1, 2, 3, 5, 12, 24, 60} {
			for _, wide := range []bool{false, true} {
				l := layout()
				l.Wide, l.NoColor = wide, width%2 == 0
				m := New(l)
				fill(m)
				m.Update(tea.WindowSizeMsg{Width: width + 1, Height: height})
				for _, keys := range []string{"", "2", "\t", "5", "?", "a", ":x", "3"} {
					press(m, keys)
					fits(t, m, m.View())
				}
			}
		}
	}
}

func TestASCII(t *testing.T) {
	l := layout()
	l.ASCII = true
	m := New(l)
	r := aRun(pipeline.Running)
	r.ID, r.App, r.Steps = "hello", "hello", nil
	m.Update(Loaded{Pane: "runs", Rows: []Row{runRow(&r, day)}, At: day})
	for _, keys := range []string{"", "2", "3", "4", "5", "?", "1"} {
		press(m, keys)
		if frame := m.View(); strings.IndexFunc(frame, func(r rune) bool { return r > 126 }) >= 0 {
			t.Errorf("not ASCII:\n%s", frame)
		}
	}
}

func TestColorsHaveWordsToo(t *testing.T) {
	frames := func(noColor bool) string {
		l := layout()
		l.NoColor = noColor
		m := New(l)
		fill(m)
		var all string
		for _, keys := range []string{"1", "2", "3", "4", "5"} {
			press(m, keys)
			all += m.View()
		}
		return all
	}
	plain, colored := frames(true), frames(false)
	if strings.Contains(plain, "\x1b[3") {
		t.Error("NO_COLOR has colours")
	}
	if !strings.Contains(colored, "\x1b[32m✓ ") || ansi.Strip(colored) != ansi.Strip(plain) {
		t.Error("colour says what the text does not")
	}
}

func TestPainterWritesChangesOnly(t *testing.T) {
	var out bytes.Buffer
	p := painter{w: &out}
	for _, step := range []struct{ frame, want string }{
		{"a\nb", beginUpdate + "\x1b[2J\x1b[1;1Ha\x1b[m\x1b[K\x1b[2;1Hb\x1b[m\x1b[K" + endUpdate},
		{"a\nb", ""},
		{"a\nc", beginUpdate + "\x1b[2;1Hc\x1b[m\x1b[K" + endUpdate},
	} {
		out.Reset()
		if err := p.paint(step.frame); err != nil || out.String() != step.want {
			t.Errorf("%q: %q, %v", step.frame, out.String(), err)
		}
	}
}

// TestStatusIsPlain: what builds and plugins write does not reach the terminal as it is.
func TestStatusIsPlain(t *testing.T) {
	for _, bad := range []bool{true, false} {
		m := New(layout())
		m.Update(Done{Text: "build: \x1b[2J\x1b]0;title\x07red\n\u202eover", Bad: bad})
		frame := m.View()
		fits(t, m, frame)
		if !strings.Contains(frame, "build: red over") {
			t.Errorf("bad %v: %q", bad, frame)
		}
	}
}
