package tui

import (
	"context"
	"sync"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/keystone"
	"github.com/ystackdev/ystack/pkg/kube"
	"github.com/ystackdev/ystack/pkg/pipeline"
)

// Sources are where things come from. Nothing is connected to before its screen is
// looked at.
type Sources struct {
	Store *pipeline.Store
	// StateDir is where the store lies, to be told when something changes there.
	StateDir string
	// Cluster connects to a context, Cloud to a cloud; each is called once it is needed,
	// and again after a failure.
	Cluster func(name string) (*kube.Client, error)
	Cloud   func(name string) (*keystone.Session, error)
	// TenantSync is what drift is measured against; nil for none.
	TenantSync  func() (*app.TenantSync, error)
	TenantCloud string
	// Rerun starts the pipeline of a run anew, and returns when it has ended.
	Rerun func(r pipeline.Run) error
}

// hub runs the sources.
type hub struct {
	Options
	ctx  context.Context
	send func(msg any)

	mu       sync.Mutex
	visited  map[string]bool
	refresh  map[string][]chan struct{} // by screen: to the loops of it
	close    context.CancelFunc         // of the detail that is open
	clients  map[string]*kube.Client
	sessions map[string]*keystone.Session
}

func newHub(ctx context.Context, o Options, send func(any)) *hub {
	return &hub{
		Options: o, ctx: ctx, send: send, close: func() {},
		visited: map[string]bool{}, refresh: map[string][]chan struct{}{},
		clients: map[string]*kube.Client{}, sessions: map[string]*keystone.Session{},
	}
}

// want does what the model wants. It never waits.
func (h *hub) want(w Want) {
	switch w.What {
	case Visit:
		h.visit(w.Screen)
	case Refresh:
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, c := range h.refresh[w.Screen] {
			select {
			case c <- struct{}{}:
			default: // told already
			}
		}
	case Close:
		h.close()
	case Open:
		ctx, cancel := context.WithCancel(h.ctx)
		h.close = cancel
		go h.open(ctx, w)
	case Do:
		go h.act(w)
	}
}

// visit starts the sources of a screen, once.
func (h *hub) visit(screen string) {
	if h.visited[screen] {
		return
	}
	h.visited[screen] = true
	switch screen {
	case "Pipelines":
		h.start(screen, "runs", "", h.runs)
	case "Cluster":
		for _, c := range h.Contexts {
			h.startTables(screen, c, clusterTables)
			h.start(screen, "components", c, h.components(c))
		}
	case "Tenants":
		for _, c := range h.Contexts {
			h.startTables(screen, c, tenantTables)
			if h.TenantSync != nil {
				h.start(screen, "drift", c, h.drift)
			}
		}
	case "Network":
		for _, c := range h.Contexts {
			h.start(screen, "services sessions findings", c, h.network)
		}
	case "OpenStack":
		for _, c := range h.Clouds {
			for pane, kind := range cloudKinds {
				h.start(screen, pane, c, h.cloud(kind))
			}
		}
	}
}

// client is the connection to a context, shared by its panes.
func (h *hub) client(name string) (*kube.Client, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c := h.clients[name]; c != nil {
		return c, nil
	}
	c, err := h.Cluster(name)
	if err == nil {
		h.clients[name] = c
	}
	return c, err
}

// session is the login to a cloud, shared by its panes.
func (h *hub) session(name string) (*keystone.Session, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.sessions[name]; s != nil {
		return s, nil
	}
	s, err := h.Cloud(name)
	if err == nil {
		h.sessions[name] = s
	}
	return s, err
}
