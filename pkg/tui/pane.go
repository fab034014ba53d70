package tui

import (
	"sort"
	"strings"
	"time"
)

// pane is a table of one kind of thing, from one or more origins.
type pane struct {
	id, title string
	headers   []string
	origins   []*origin

	cursor string // the key of the row that is chosen
	filter string
}

// origin is what came from one context or cloud.
type origin struct {
	name   string
	rows   []Row
	note   string
	at     time.Time // when rows came; zero: never
	failed string    // why there is nothing newer
	since  time.Time
}

func newPane(id, title string, headers string, origins []string) *pane {
	p := &pane{id: id, title: title, headers: strings.Fields(headers)}
	for _, name := range origins {
		p.origins = append(p.origins, &origin{name: name})
	}
	return p
}

func (p *pane) origin(name string) *origin {
	for _, o := range p.origins {
		if o.name == name {
			return o
		}
	}
	o := &origin{name: name}
	p.origins = append(p.origins, o)
	return o
}

func (p *pane) loaded(m Loaded) {
	o := p.origin(m.Origin)
	*o = origin{name: o.name, rows: m.Rows, note: m.Note, at: m.At}
}

func (p *pane) fail(m Failed) {
	o := p.origin(m.Origin)
	if o.failed == "" {
		o.since = m.Since
	}
	o.failed = m.Err
}

// shown is a row that passes the filter, with where it is from.
type shown struct {
	Row
	origin *origin
}

// visible are the rows that pass the filter.
func (p *pane) visible() []shown {
	var all []shown
	want := strings.ToLower(p.filter)
	for _, o := range p.origins {
		for _, r := range o.rows {
			if want == "" || matches(o.name, r, want) {
				all = append(all, shown{r, o})
			}
		}
	}
	return all
}

func matches(origin string, r Row, want string) bool {
	if strings.Contains(strings.ToLower(origin), want) {
		return true
	}
	for _, c := range r.Cells {
		if strings.Contains(strings.ToLower(c.Text), want) {
			return true
		}
	}
	return false
}

func (s shown) key() string { return s.origin.name + "\x00" + s.Key }

// at is where the cursor is among rows; the first one if its row is gone.
func (p *pane) at(rows []shown) int {
	for i := range rows {
		if rows[i].key() == p.cursor {
			return i
		}
	}
	return 0
}

// move goes so many rows down.
func (p *pane) move(by int) {
	rows := p.visible()
	if len(rows) == 0 {
		return
	}
	p.cursor = rows[min(max(p.at(rows)+by, 0), len(rows)-1)].key()
}

// current is the row that is chosen.
func (p *pane) current() (shown, bool) {
	rows := p.visible()
	if len(rows) == 0 {
		return shown{}, false
	}
	return rows[p.at(rows)], true
}

// problems are the origins that fail, in order.
func (p *pane) problems() []*origin {
	var list []*origin
	for _, o := range p.origins {
		if o.failed != "" {
			list = append(list, o)
		}
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].name < list[j].name })
	return list
}

// waits tells that it has neither answered nor failed.
func (o *origin) waits() bool { return o.at.IsZero() && o.failed == "" }
