package authwebhook

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ystackdev/ystack/pkg/keystone"
	"github.com/ystackdev/ystack/pkg/kube"
)

// maxNamespaces bounds what one user is told. By design a project has one namespace.
const maxNamespaces = 256

// Namespaces knows which namespaces of a cluster belong to which project, by their label
// [keystone.ProjectLabel]. Its zero value, and nil, know nothing.
type Namespaces struct {
	client *kube.Client
	log    *slog.Logger
	rest   time.Duration // after a failure, at first

	mu        sync.RWMutex
	projectOf map[string]string   // by namespace; nil until they were listed
	of        map[string][]string // namespaces by project, sorted
	err       error               // why they are not followed now
}

// NewNamespaces makes one that learns from a cluster while [Namespaces.Follow] runs.
func NewNamespaces(client *kube.Client, log *slog.Logger) *Namespaces {
	return &Namespaces{client: client, log: log, rest: time.Second}
}

// Follow learns until the context ends. What it has learnt holds while the cluster is away.
func (n *Namespaces) Follow(ctx context.Context) {
	for rest := n.rest; ctx.Err() == nil; pause(ctx, rest) {
		version, err := n.list(ctx)
		if err == nil {
			rest = n.rest
			err = n.watch(ctx, version)
		}
		if err != nil && ctx.Err() == nil {
			n.fail(err)
			rest = min(2*rest, 30*n.rest)
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// known are a project's namespaces; not ok says that nobody knows.
func (n *Namespaces) known(project string) (names []string, ok bool) {
	if n == nil {
		return nil, false
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	names = n.of[project]
	return names[:min(len(names), maxNamespaces)], n.projectOf != nil
}

// tell adds the namespaces of a token's project to what is said of its owner.
func (n *Namespaces) tell(u *userInfo, project string) {
	if project == "" {
		return
	}
	if names, ok := n.known(project); ok {
		extra := map[string][]string{keystone.NamespacesExtra: append([]string{}, names...)} // not null
		maps.Copy(extra, u.Extra)
		u.Extra = extra // the old one is remembered with the token
	}
}

// replace takes over a list.
func (n *Namespaces) replace(projectOf map[string]string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.projectOf == nil || n.err != nil {
		n.log.Info("namespaces are followed", "namespaces", len(projectOf))
	}
	n.projectOf, n.of, n.err = projectOf, map[string][]string{}, nil
	for name, project := range projectOf {
		n.of[project] = append(n.of[project], name)
	}
	for _, names := range n.of {
		slices.Sort(names)
	}
}

// change takes over one namespace; without a project it is nobody's.
func (n *Namespaces) change(name, project string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	old := n.projectOf[name]
	if old == project {
		return
	}
	// New slices: the old ones may be in answers.
	if rest := slices.DeleteFunc(slices.Clone(n.of[old]), func(s string) bool { return s == name }); len(rest) > 0 {
		n.of[old] = rest
	} else {
		delete(n.of, old)
	}
	delete(n.projectOf, name)
	if project == "" {
		return
	}
	n.projectOf[name] = project
	names := slices.Clone(n.of[project])
	at, _ := slices.BinarySearch(names, name)
	n.of[project] = slices.Insert(names, at, name)
}

// fail says once that namespaces are not followed, and why.
func (n *Namespaces) fail(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.err == nil || n.err.Error() != err.Error() {
		n.log.Warn("namespaces are not followed; users are told of those that were known", "error", err.Error(), "namespaces", len(n.projectOf))
	}
	n.err = err
}

// detail is a line for people who look at /readyz.
func (n *Namespaces) detail() string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	text := "not known yet"
	if n.projectOf != nil {
		text = fmt.Sprintf("%d, of %d projects", len(n.projectOf), len(n.of))
	}
	if n.err != nil {
		text += fmt.Sprintf(" (not followed: %v)", n.err)
	}
	return "namespaces: " + text
}

func (n *Namespaces) writeMetrics(e metricsWriter) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	followed := 0.0
	if n.projectOf != nil && n.err == nil {
		followed = 1
	}
	e.Single("namespaces", "Namespaces of projects that are known.", "gauge", float64(len(n.projectOf)))
	e.Single("namespaces_followed", "1 while changes of namespaces are learnt from the cluster.", "gauge", followed)
}

// namespace is what of a namespace's metadata matters.
type namespace struct {
	Metadata struct {
		Name              string            `json:"name"`
		Labels            map[string]string `json:"labels"`
		ResourceVersion   string            `json:"resourceVersion"`
		DeletionTimestamp string            `json:"deletionTimestamp"`
	} `json:"metadata"`
}

// project is whose the namespace is; one that is being deleted is nobody's.
func (n namespace) project() string {
	if n.Metadata.DeletionTimestamp != "" {
		return ""
	}
	return n.Metadata.Labels[keystone.ProjectLabel]
}
