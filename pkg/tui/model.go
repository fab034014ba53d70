package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"
)

// screen is some panes that are shown together.
type screen struct {
	name  string
	panes []*pane
	focus int
}

// Layout says what there is to be shown.
type Layout struct {
	Contexts []string // of the kubeconfig
	Clouds   []string // of clouds.yaml
	// Drift says that a TenantSync is there to compare with.
	Drift    bool
	ReadOnly bool
	ASCII    bool
	NoColor  bool
	// Wide: characters of ambiguous width take two cells.
	Wide bool
}

// Want is something that the model wants of the sources.
type Want struct {
	What   what
	Screen string // of Visit and Refresh
	Number int    // of Open
	Origin string
	Row    Row
	Logs   bool // Open the logs of the row
	Action Action
}

type what int

// What can be wanted.
const (
	Visit   what = iota // a screen is looked at: its sources begin, if they have not
	Refresh             // ask for everything of a screen anew
	Open                // send the detail of a row, under a number, until Close
	Close
	Do // what the user has said yes to
)

// Model is all that is known.
type Model struct {
	Layout
	charset
	styles
	wants   []Want // since the last message
	screens []*screen
	at      int // the screen that is shown
	width   int
	height  int

	mode   mode
	input  string  // of the mode's line
	detail *detail // nil: the panes are shown
	number int     // of the newest detail
	asking *question
	said   Done // how the last action went
}

// mode is what keys are taken for.
type mode int

const (
	browsing mode = iota
	jumping
	filtering
	helping
	confirming
)

// question is an action that waits for a yes.
type question struct {
	origin string
	row    Row
	action Action
}

// New is a model that knows nothing yet.
func New(l Layout) *Model {
	kube, clouds, here := l.Contexts, l.Clouds, []string{""}
	m := &Model{Layout: l, charset: charset{l.ASCII, l.Wide}, styles: styles{!l.NoColor}, width: 80, height: 24}
	m.screens = []*screen{
		{name: "Pipelines", panes: []*pane{newPane("runs", "Runs", "RUN STATE STEPS REVISION STARTED MESSAGE", here)}},
		{name: "Cluster", panes: []*pane{
			newPane("applications", "Applications", "APPLICATION NAMESPACE HEALTH READY REVISION RUN", kube),
			newPane("nodes", "Nodes", "NODE STATUS ROLES VERSION ADDRESS SINCE", kube),
			newPane("components", "Components", "COMPONENT STATUS READY RESTARTS NODE", kube),
			newPane("pods", "Pods", "POD NAMESPACE STATUS READY RESTARTS NODE SINCE", kube),
			newPane("events", "Events", "LAST TYPE REASON OBJECT COUNT MESSAGE", kube),
		}},
		{name: "Tenants", panes: []*pane{
			newPane("namespaces", "Namespaces of projects", "NAMESPACE STATE PROJECT DOMAIN PROJECT-ID", kube),
			newPane("bindings", "Roles", "NAMESPACE CLUSTERROLE SUBJECTS", kube),
		}},
		{name: "Network", panes: []*pane{
			newPane("services", "Services", "SERVICE ADDRESS MEANT ADVERTISED FROM WHY", kube),
			newPane("sessions", "Sessions", "NODE BIRD PEER STATE ROUTES SINCE", kube),
			newPane("findings", "Findings", "FINDING", kube),
		}},
		{name: "OpenStack", panes: []*pane{
			newPane("servers", "Servers", "SERVER STATUS ADDRESSES IMAGE CREATED", clouds),
			newPane("baremetal", "Bare-metal nodes", "NODE STATE POWER CLASS SERVER", clouds),
			newPane("images", "Images", "IMAGE STATUS REVISION SIZE CREATED", clouds),
		}},
	}
	if l.Drift {
		tenants := m.screen("Tenants")
		tenants.panes = append(tenants.panes, newPane("drift", "Drift", "CHANGE OBJECT REASON", kube))
	}
	return m
}

func (m *Model) screen(name string) *screen {
	for _, s := range m.screens {
		if s.name == name {
			return s
		}
	}
	return nil
}

func (m *Model) pane(id string) *pane {
	for _, s := range m.screens {
		for _, p := range s.panes {
			if p.id == id {
				return p
			}
		}
	}
	return nil
}

func (m *Model) focused() *pane { s := m.screens[m.at]; return s.panes[s.focus] }

func (m *Model) want(w Want) { m.wants = append(m.wants, w) }

// Update takes a message in, and returns what is wanted then. quit ends the program.
func (m *Model) Update(msg tea.Msg) (wants []Want, quit bool) {
	m.wants = nil
	quit = m.take(msg)
	return m.wants, quit
}

func (m *Model) take(msg tea.Msg) (quit bool) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		return m.key(msg)
	case tea.PasteMsg:
		m.typed(m.plain(msg.Content))
	case Loaded:
		if p := m.pane(msg.Pane); p != nil {
			p.loaded(msg)
		}
	case Failed:
		if p := m.pane(msg.Pane); p != nil {
			p.fail(msg)
		}
	case Opened:
		m.detail.take(msg)
	case Done:
		m.said = msg
	}
	return false
}

// typed adds to the line that is typed.
func (m *Model) typed(text string) {
	if m.mode != jumping && m.mode != filtering {
		return
	}
	m.input += text
	if m.mode == filtering {
		m.focused().filter = m.input
	}
}

// jump shows the screen or pane whose name begins so.
func (m *Model) jump(name string) {
	name = strings.ToLower(strings.TrimSpace(name))
	if name == "" {
		return
	}
	for i, s := range m.screens {
		if strings.HasPrefix(strings.ToLower(s.name), name) {
			m.show(i)
			return
		}
	}
	for i, s := range m.screens {
		for j, p := range s.panes {
			if strings.HasPrefix(strings.ToLower(p.title), name) {
				s.focus = j
				m.show(i)
				return
			}
		}
	}
	m.said = Done{"no screen or pane is called " + m.plain(name), true}
}

func (m *Model) show(i int) {
	m.at = i
	m.closeDetail()
	m.want(Want{What: Visit, Screen: m.screens[i].name})
}
