package tui

import (
	tea "charm.land/bubbletea/v2"
)

// key does what a key says in the mode that is on.
func (m *Model) key(k tea.KeyPressMsg) (quit bool) {
	if k.String() == "ctrl+c" {
		return true
	}
	m.said = Done{}
	switch m.mode {
	case jumping, filtering:
		return m.lineKey(k)
	case helping:
		m.mode = browsing
	case confirming:
		m.answer(k.String())
	default:
		if m.detail != nil {
			return m.detailKey(k.String())
		}
		return m.browseKey(k.String())
	}
	return false
}

// lineKey edits the line of a jump or a filter.
func (m *Model) lineKey(k tea.KeyPressMsg) (quit bool) {
	switch k.String() {
	case "enter", "ctrl+j":
		was, text := m.mode, m.input
		m.mode, m.input = browsing, ""
		if was == jumping {
			if text == "q" || text == "quit" {
				return true
			}
			m.jump(text)
		}
	case "esc":
		if m.mode == filtering {
			m.focused().filter = ""
		}
		m.mode, m.input = browsing, ""
	case "backspace":
		if r := []rune(m.input); len(r) > 0 {
			m.input = string(r[:len(r)-1])
		}
		m.typed("")
	case "ctrl+u":
		m.input = ""
		m.typed("")
	default:
		m.typed(m.plain(k.Text))
	}
	return false
}

func (m *Model) browseKey(key string) (quit bool) {
	s := m.screens[m.at]
	switch key {
	case "q":
		return true
	case "?":
		m.mode = helping
	case ":":
		m.mode = jumping
	case "/":
		m.mode, m.input = filtering, m.focused().filter
	case "esc":
		m.focused().filter = ""
	case "tab", "right":
		s.focus = (s.focus + 1) % len(s.panes)
	case "shift+tab", "left":
		s.focus = (s.focus + len(s.panes) - 1) % len(s.panes)
	case "enter", "ctrl+j":
		m.openDetail(false)
	case "ctrl+r":
		m.want(Want{What: Refresh, Screen: s.name})
	default:
		if by, ok := m.steps(key, m.rowsShown()); ok {
			m.focused().move(by)
			return false
		}
		if len(key) == 1 && key[0] >= '1' && int(key[0]-'1') < len(m.screens) {
			m.show(int(key[0] - '1'))
			return false
		}
		m.ask(key)
	}
	return false
}

func (m *Model) detailKey(key string) (quit bool) {
	window := m.bodyHeight() - 1
	switch key {
	case "q", "esc":
		m.closeDetail()
	case "?":
		m.mode = helping
	case ":":
		m.mode = jumping
	default:
		if by, ok := m.steps(key, window); ok {
			m.detail.scroll(by, window)
			return false
		}
		m.ask(key)
	}
	return false
}

// far is more lines than there are.
const far = 1 << 30

// steps is how far a key moves.
func (m *Model) steps(key string, page int) (int, bool) {
	switch key {
	case "down", "j":
		return 1, true
	case "up", "k":
		return -1, true
	case "pgdown", "space", "ctrl+f":
		return max(1, page), true
	case "pgup", "ctrl+b":
		return -max(1, page), true
	case "home", "g":
		return -far, true
	case "end", "G":
		return far, true
	}
	return 0, false
}

// ask begins the action of a key, if the row has one.
func (m *Model) ask(key string) {
	row, ok := m.subject()
	if !ok || m.ReadOnly {
		return
	}
	for _, a := range row.Actions {
		if a.Key == key {
			m.asking = &question{row.origin.name, row.Row, a}
			m.mode = confirming
		}
	}
}

// answer does what was asked on a clear yes only.
func (m *Model) answer(key string) {
	q := m.asking
	m.mode, m.asking = browsing, nil
	if key != "y" && key != "Y" {
		m.said = Done{Text: "nothing was done"}
		return
	}
	if q.action.Kind == openLogs {
		m.openDetail(true)
		return
	}
	m.said = Done{Text: q.action.Label + " …"}
	m.want(Want{What: Do, Origin: q.origin, Row: q.row, Action: q.action})
}

// openLogs is the one action that the model does itself.
const openLogs = "logs"
