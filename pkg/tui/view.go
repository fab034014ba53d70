package tui

import (
	"fmt"
	"strings"
	"time"
)

// clock is how a time of today is written.
const clock = "15:04:05"

// View is the frame: as many lines as the terminal has, none wider than it.
func (m *Model) View() string {
	if m.width <= 0 || m.height <= 0 {
		return ""
	}
	lines := []string{m.tabs()}
	switch {
	case m.mode == helping:
		lines = append(lines, m.help(m.bodyHeight())...)
	case m.detail != nil:
		lines = append(lines, m.detailView(m.bodyHeight())...)
	default:
		lines = append(lines, m.panesView(m.bodyHeight())...)
	}
	for len(lines) < m.height-2 {
		lines = append(lines, "")
	}
	lines = append(lines[:max(0, m.height-2)], m.status(), m.hints())
	return strings.Join(lines[max(0, len(lines)-m.height):], "\n")
}

// bodyHeight is what the first line and the last two leave.
func (m *Model) bodyHeight() int { return max(1, m.height-3) }

// tabs names the screens; the one that is shown stands in brackets too.
func (m *Model) tabs() string {
	var b strings.Builder
	used := 0
	for i, s := range m.screens {
		text := fmt.Sprintf(" %d %s ", i+1, s.name)
		if m.width < 64 { // not all names fit
			text = fmt.Sprintf(" %d ", i+1)
			if i == m.at {
				text = fmt.Sprintf(" %d %s ", i+1, s.name)
			}
		}
		if i == m.at {
			text = "[" + strings.TrimSpace(text) + "]"
		}
		text = m.cut(text, m.width-used)
		used += m.cells(text)
		if i == m.at {
			text = m.bold(text)
		}
		b.WriteString(text)
	}
	if m.ReadOnly {
		b.WriteString(m.cut(" read-only", m.width-used))
	}
	return b.String()
}

// status is the line that is typed, a question, or what happened.
func (m *Model) status() string {
	switch {
	case m.mode == jumping:
		return m.cut(":"+m.input+"_", m.width)
	case m.mode == filtering:
		return m.cut("/"+m.input+"_", m.width)
	case m.mode == confirming:
		return m.tone(Warn, m.cut(m.symbol(Warn)+"[y/N] "+m.plain(m.asking.action.Ask), m.width))
	case m.said.Text != "" && m.said.Bad:
		return m.tone(Bad, m.cut(m.symbol(Bad)+m.plain(m.said.Text), m.width))
	case m.said.Text != "":
		return m.cut(m.plain(m.said.Text), m.width)
	case m.focused().filter != "" && m.detail == nil:
		return m.cut("filter: "+m.focused().filter+" (Esc clears it)", m.width)
	}
	return ""
}

// hints are the keys that do something here, as far as they fit.
func (m *Model) hints() string {
	var hints []string
	switch {
	case m.mode == jumping:
		hints = []string{"Enter jump", "Esc back", "names: pipelines cluster tenants network openstack, or a pane; q quit"}
	case m.mode == filtering:
		hints = []string{"Enter keep", "Esc clear"}
	case m.mode == confirming:
		hints = []string{"y yes", "any other key: no"}
	case m.mode == helping:
		hints = []string{"any key: back"}
	case m.detail != nil:
		hints = append([]string{"Esc back"}, m.actionHints()...)
		hints = append(hints, "arrows scroll", "G end", ": jump", "? keys")
	default:
		hints = append([]string{"? keys", ": jump", "/ filter"}, m.actionHints()...)
		hints = append(hints, "Enter open", "Tab pane", "q quit")
	}
	line := hints[0]
	for _, h := range hints[1:] {
		if m.cells(line)+2+m.cells(h) <= m.width {
			line += "  " + h
		}
	}
	return m.tone(Faint, m.cut(line, m.width))
}

func (m *Model) actionHints() []string {
	row, ok := m.subject()
	if !ok || m.ReadOnly {
		return nil
	}
	var hints []string
	for _, a := range row.Actions {
		hints = append(hints, a.Key+" "+a.Label)
	}
	return hints
}

// help lists the keys.
func (m *Model) help(height int) []string {
	lines := []string{
		m.bold("Keys"),
		"1-5        the screens",
		":NAME      jump to a screen or a pane; :q quits",
		"/TEXT      show only rows that hold it; Esc clears it",
		"Tab, S-Tab the next pane, the one before",
		"j k arrows down, up; PgDn, PgUp, g, G",
		"Enter      details of the row",
		"Esc        back",
		"Ctrl-R     ask anew now",
		"q, Ctrl-C  quit",
	}
	if !m.ReadOnly {
		lines = append(lines, "", m.bold("Actions, where a row has them; each asks first"),
			"r re-run   x cancel   b roll back   y copy digest   l logs")
	}
	lines = append(lines, "", "Symbols: "+m.symbol(Good)+"good  "+m.symbol(Busy)+"under way  "+m.symbol(Warn)+"look here  "+m.symbol(Bad)+"bad  "+m.symbol(Faint)+"not yet, or not known")
	for i := range lines {
		lines[i] = m.cutStyled(lines[i])
	}
	return lines[:min(len(lines), height)]
}

// cutStyled is for our own lines, whose style covers all of them.
func (m *Model) cutStyled(line string) string {
	if inner, ok := strings.CutPrefix(line, bold); ok {
		return m.bold(m.cut(strings.TrimSuffix(inner, reset), m.width))
	}
	return m.cut(line, m.width)
}

func (m *Model) detailView(height int) []string {
	d := m.detail
	window := max(0, height-1)
	last := max(0, d.len()-window)
	top := min(d.top, last)
	if d.follow {
		top = last
	}
	position := ""
	if d.len() > window {
		position = fmt.Sprintf("  %d-%d of %d", top+1, min(top+window, d.len()), d.len())
	}
	if d.follow {
		position += "  following"
	}
	lines := []string{m.bold(m.cut(m.plain(d.title)+position, m.width))}
	switch {
	case d.failed != "":
		lines = append(lines, m.wrapped(Bad, d.failed)...)
	case !d.loaded:
		lines = append(lines, m.cut(m.symbol(Faint)+"loading", m.width))
	}
	for i := top; i < min(top+window, d.len()) && len(lines) < height; i++ {
		l := d.line(i)
		lines = append(lines, m.tone(l.Tone, m.cut(m.symbol(l.Tone)+m.indented(l.Text), m.width)))
	}
	return lines
}

// indented is plain, with tabs as spaces.
func (m *Model) indented(s string) string { return m.plain(strings.ReplaceAll(s, "\t", "    ")) }

// wrapped shows a text on as many lines as it takes.
func (m *Model) wrapped(t Tone, text string) []string {
	var lines []string
	line := m.symbol(t)
	for _, word := range strings.Fields(m.plain(text)) {
		if m.cells(line)+1+m.cells(word) > m.width && strings.TrimSpace(line) != "" {
			lines = append(lines, m.tone(t, m.cut(line, m.width)))
			line = "  "
		}
		if line != "" && !strings.HasSuffix(line, " ") {
			line += " "
		}
		line += word
	}
	return append(lines, m.tone(t, m.cut(line, m.width)))
}

// ago writes a moment: today's by the clock, others by the day.
func ago(t, now time.Time) string {
	if t.IsZero() {
		return ""
	}
	t, now = t.Local(), now.Local()
	if t.Year() == now.Year() && t.YearDay() == now.YearDay() {
		return t.Format(clock)
	}
	return t.Format("2006-01-02")
}
