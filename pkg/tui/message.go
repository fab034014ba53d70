package tui

import "time"

// Row is a line of a pane.
type Row struct {
	// Key is the same for the same thing at another time.
	Key   string
	Cells []Cell
	// Object is what the sources know the thing by.
	Object any
	// Actions are what can be done with it.
	Actions []Action
}

// Cell is a value in a row.
type Cell struct {
	Text string
	Tone Tone
}

// Action is something that is done when the user has said yes.
type Action struct {
	Key   string // that starts it
	Label string // "re-run"
	Ask   string // "re-run hello?"
	Kind  string // for the sources
}

// Loaded is all that a pane holds of one origin: a context, a cloud or the machine itself.
type Loaded struct {
	Pane, Origin string
	Rows         []Row
	Note         string // stands beside the title
	At           time.Time
}

// Failed says why a pane has nothing new of an origin. What it had stays.
type Failed struct {
	Pane, Origin string
	Err          string
	Since        time.Time
}

// Opened is the text of the detail that was asked for by this number.
type Opened struct {
	Number int
	Lines  []Line
	// More are added below Lines, and kept when others come; the oldest go when there
	// are too many.
	More []string
	Err  string
}

// Line is one line of a detail.
type Line struct {
	Text string
	Tone Tone
}

// Done tells how an action went.
type Done struct {
	Text string
	Bad  bool
}
