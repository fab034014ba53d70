package tui

// maxDetail is how many lines a detail keeps: logs are bounded, whatever is written.
const maxDetail = 2000

// detail is one thing, with all that is known of it.
type detail struct {
	number int
	key    string // of its row
	title  string
	lines  []Line
	more   []string
	failed string
	top    int  // the first line that is shown
	follow bool // the end is shown, also of what comes
	loaded bool
}

func (d *detail) take(m Opened) {
	if d == nil || d.number != m.Number {
		return // of one that was closed
	}
	d.loaded, d.failed = true, m.Err
	before := len(d.lines)
	if m.Lines != nil {
		d.lines = m.Lines
	}
	moved := len(d.lines) - before
	d.more = append(d.more, m.More...)
	if over := len(d.more) - maxDetail; over > 0 {
		d.more = append([]string(nil), d.more[over:]...)
		moved -= over
	}
	if d.top > 0 && d.top >= before { // who reads the log goes on reading the same lines
		d.top = max(len(d.lines), d.top+moved)
	}
}

func (d *detail) len() int { return len(d.lines) + len(d.more) }

func (d *detail) line(i int) Line {
	if i < len(d.lines) {
		return d.lines[i]
	}
	return Line{Text: d.more[i-len(d.lines)]}
}

// scroll moves what is shown in a window of so many lines.
func (d *detail) scroll(by, window int) {
	last := max(0, d.len()-window)
	if d.follow {
		d.top = last
	}
	d.top = min(max(d.top+by, 0), last)
	d.follow = d.follow && by >= 0 || by > 0 && d.top == last
}

// subject is the row that actions are about: that of the detail, while one is shown,
// whatever has become of the cursor.
func (m *Model) subject() (shown, bool) {
	if m.detail == nil {
		return m.focused().current()
	}
	for _, row := range m.focused().visible() {
		if row.key() == m.detail.key {
			return row, true
		}
	}
	return shown{}, false
}

func (m *Model) openDetail(logs bool) {
	row, ok := m.subject()
	if !ok {
		return
	}
	m.closeDetail()
	m.number++
	title := row.Key
	if len(row.Cells) > 0 {
		title = row.Cells[0].Text
	}
	m.detail = &detail{number: m.number, key: row.key(), title: title, follow: logs}
	m.want(Want{What: Open, Number: m.number, Origin: row.origin.name, Row: row.Row, Logs: logs})
}

func (m *Model) closeDetail() {
	if m.detail != nil {
		m.detail = nil
		m.want(Want{What: Close})
	}
}
