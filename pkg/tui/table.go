package tui

import (
	"fmt"
	"strings"
)

// least is how many lines a pane needs to be more than its title.
const least = 4

// panesView shares the height: the pane in focus gets what the others leave.
func (m *Model) panesView(height int) []string {
	s := m.screens[m.at]
	share := height / len(s.panes)
	heights, left := make([]int, len(s.panes)), height
	for i, p := range s.panes {
		if i == s.focus {
			continue
		}
		heights[i] = 1
		if share >= least {
			heights[i] = min(share, 2+len(p.visible())+len(p.problems()))
		}
		left -= heights[i]
	}
	heights[s.focus] = max(1, left)
	var lines []string
	for i, p := range s.panes {
		lines = append(lines, m.paneView(p, heights[i], i == s.focus)...)
	}
	return lines[:min(len(lines), height)]
}

// rowsShown is how many rows the pane in focus shows, for paging.
func (m *Model) rowsShown() int {
	s := m.screens[m.at]
	return max(1, m.bodyHeight()-len(s.panes)-1)
}

func (m *Model) paneView(p *pane, height int, focus bool) []string {
	rows := p.visible()
	lines := []string{m.paneTitle(p, len(rows), focus, height == 1)}
	for _, o := range p.problems() {
		wrapped := m.wrapped(Bad, o.problem(len(p.origins) > 1))
		if most := max(1, height/5); len(wrapped) > most && len(rows) > 0 {
			wrapped = wrapped[:most]
		}
		lines = append(lines, wrapped...)
	}
	if len(rows) > 0 && height-len(lines) >= 2 {
		lines = append(lines, m.table(p, rows, height-len(lines), focus)...)
	}
	for len(lines) < height {
		lines = append(lines, "")
	}
	return lines[:height]
}

// problem says since when an origin fails, and that its rows are old.
func (o *origin) problem(named bool) string {
	text := strings.Replace(o.failed, sinceMark, o.since.Local().Format(clock), 1)
	if len(o.rows) > 0 {
		text = fmt.Sprintf("rows as of %s; %s", o.at.Local().Format(clock), text)
	}
	if named && o.name != "" {
		text = o.name + ": " + text
	}
	return text
}

func (m *Model) paneTitle(p *pane, rows int, focus, alone bool) string {
	title := fmt.Sprintf(" %s  (%d)", p.title, rows)
	if focus {
		title = fmt.Sprintf("[%s] (%d)", p.title, rows)
	}
	if p.filter != "" {
		title += " /" + p.filter
	}
	if len(p.origins) == 0 {
		title += "  " + m.symbol(Faint) + "none is configured"
	}
	if bad := p.problems(); alone && len(bad) > 0 {
		title += "  " + m.symbol(Bad) + m.plain(bad[0].problem(len(p.origins) > 1))
	}
	for _, note := range m.notes(p) {
		title += "  " + note
	}
	title = m.cut(title, m.width)
	if focus {
		return m.bold(title)
	}
	return title
}

// notes are what there is to say of a pane, and of which of its origins if they differ.
func (m *Model) notes(p *pane) []string {
	var notes []string
	waiting := 0
	for _, o := range p.origins {
		note := m.plain(o.note)
		if o.waits() {
			waiting++
			note = m.symbol(Faint) + "loading"
		}
		if note != "" && len(p.origins) > 1 {
			note += " (" + m.plain(o.name) + ")"
		}
		if note != "" {
			notes = append(notes, note)
		}
	}
	if len(notes) > 0 && waiting == len(p.origins) {
		return []string{m.symbol(Faint) + "loading"}
	}
	return notes
}

const (
	gap    = 2 // cells between columns
	gutter = 2 // cells before the first, which point at the row that is chosen
)

// table is the header and the rows around the cursor.
func (m *Model) table(p *pane, rows []shown, height int, focus bool) []string {
	cursor, window := p.at(rows), height-1
	top := min(max(0, cursor-window/2), max(0, len(rows)-window))
	part := rows[top:min(top+window, len(rows))]
	headers := p.headers
	origins := len(p.origins) > 1
	if origins {
		headers = append([]string{"AT"}, headers...)
	}
	grid := make([][]Cell, len(part))
	for i, r := range part {
		grid[i] = m.cellsOf(r, origins)
	}
	widths := m.widths(headers, grid)
	lines := []string{m.tone(Faint, m.line("  ", headersOf(headers), widths, false))}
	for i := range part {
		line := ""
		if focus && top+i == cursor {
			line = m.reverse(m.fit(m.line("> ", grid[i], widths, false), m.width))
		} else {
			line = m.line("  ", grid[i], widths, true)
		}
		lines = append(lines, line)
	}
	return lines
}

// cellsOf are a row's cells with their symbols; a row that is not known to be true any
// more is faint.
func (m *Model) cellsOf(r shown, origins bool) []Cell {
	var cells []Cell
	if origins {
		cells = append(cells, Cell{Text: m.plain(r.origin.name)})
	}
	for _, c := range r.Cells {
		if r.origin.failed != "" && c.Tone != Plain {
			c.Tone = Faint
		}
		c.Text = m.symbol(c.Tone) + m.plain(c.Text)
		cells = append(cells, c)
	}
	return cells
}

func headersOf(names []string) []Cell {
	cells := make([]Cell, len(names))
	for i, name := range names {
		cells[i].Text = name
	}
	return cells
}

// sentence is what is left of a last column before others give.
const sentence = 12

// widths are what the cells need; where that is too much, the widest columns give.
func (m *Model) widths(headers []string, grid [][]Cell) []int {
	widths := make([]int, len(headers))
	total := gutter + gap*(len(headers)-1)
	for i, h := range headers {
		widths[i] = len(h)
		for _, row := range grid {
			if i < len(row) {
				widths[i] = max(widths[i], m.cells(row[i].Text))
			}
		}
		total += widths[i]
	}
	if last := len(widths) - 1; total > m.width { // the last column is of sentences
		less := min(total-m.width, max(0, widths[last]-sentence))
		widths[last] -= less
		total -= less
	}
	for total > m.width {
		widest := 0
		for i := range widths {
			if widths[i] >= widths[widest] { // the last of the widest: what matters stands first
				widest = i
			}
		}
		if widths[widest] <= 8 { // the last columns are left out
			break
		}
		widths[widest]--
		total--
	}
	return widths
}

// line is one row. Without style it can be shown in reverse.
func (m *Model) line(mark string, cells []Cell, widths []int, style bool) string {
	var b strings.Builder
	b.WriteString(m.cut(mark, m.width))
	used := gutter
	for i, c := range cells {
		if i >= len(widths) || used+min(widths[i], 4) > m.width {
			break
		}
		room := min(widths[i], m.width-used)
		text := m.cut(c.Text, room)
		padding := strings.Repeat(" ", room-m.cells(text))
		used += room
		if style && text != "" {
			text = m.tone(c.Tone, text)
		}
		b.WriteString(text + padding)
		if used+gap < m.width && i < len(cells)-1 {
			b.WriteString(strings.Repeat(" ", gap))
			used += gap
		}
	}
	return strings.TrimRight(b.String(), " ")
}
