package login

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ystackdev/ystack/pkg/keystone"
	"github.com/ystackdev/ystack/pkg/kube"
)

// ErrIncomplete says that not every context could be asked.
var ErrIncomplete = errors.New("not every context could be asked")

// atOnce is how many contexts are asked at a time, and how many namespaces of each.
const atOnce = 8

// patience is for a cluster, or its Keystone, that hangs.
const patience = 30 * time.Second

var errSilent = fmt.Errorf("no answer within %s", patience)

// MineInput says which contexts are asked.
type MineInput struct {
	Kubeconfig clientcmd.ConfigAccess
	// Context is the only one; empty for the current one and all of keystone-login.
	Context string
}

// Mine is a namespace that the user may use.
type Mine struct {
	Namespace string   `json:"namespace"`
	Project   string   `json:"project,omitempty"`
	ProjectID string   `json:"projectID,omitempty"`
	Roles     []string `json:"roles,omitempty"`
	Access    Access   `json:"access"`
	// Context is empty for a project that no context is for.
	Context string `json:"context,omitempty"`
	Cluster string `json:"cluster"`
	User    string `json:"user,omitempty"`
	Current bool   `json:"current"`
}

// viewpoint is a cluster seen by somebody: a context, or a project of a login that no
// context is for.
type viewpoint struct {
	ourContext
	cluster string
	current bool
	known   keystone.Project // without a context
	login   *keystoneLogin   // from which its token is made
}

// keystoneLogin is a token that others can be made from, and the context that it is of.
type keystoneLogin struct {
	client  *keystone.Client
	token   *keystone.Token
	context string
}

// who names it in messages.
func (v viewpoint) who() string {
	if v.name == "" {
		return "project " + projectName(v.known)
	}
	return "context " + v.name
}

// survey collects what the viewpoints see.
type survey struct {
	*Service
	book *book

	mu      sync.Mutex
	all     []Mine
	notes   []string
	failed  []string
	without []string // projects that no context is for
	asked   int
	reached map[string]bool // clusters
}

// Mine lists the namespaces that the user may use, and as what. It needs no right to list
// namespaces where the cluster's webhook tells them. What one context cannot tell does not
// keep the others from telling.
func (s *Service) Mine(ctx context.Context, in MineInput) ([]Mine, error) {
	b, err := s.openBook(ctx, in.Kubeconfig)
	if err != nil {
		return nil, err
	}
	views, err := b.viewpoints(in.Context)
	if err != nil {
		return nil, err
	}
	y := &survey{Service: s, book: b, reached: map[string]bool{}}
	y.each(ctx, views)
	if in.Context == "" {
		y.each(ctx, y.contextless(ctx, views))
	}
	return y.finish(ctx)
}

// viewpoints are the contexts to ask.
func (b *book) viewpoints(name string) ([]viewpoint, error) {
	current := cmp.Or(name, b.config.CurrentContext)
	var views []viewpoint
	for _, c := range b.ours() {
		if name == "" || c.name == name {
			views = append(views, viewpoint{ourContext: c, cluster: c.context.Cluster, current: c.name == b.config.CurrentContext})
		}
	}
	known := slices.ContainsFunc(views, func(v viewpoint) bool { return v.name == current })
	switch c := b.config.Contexts[current]; {
	case known:
	case c != nil:
		views = append(views, viewpoint{ourContext: ourContext{name: current, context: c}, cluster: c.Cluster, current: current == b.config.CurrentContext})
	case name != "":
		_, err := b.find(name)
		return nil, err
	case len(views) == 0:
		return nil, failf(ErrNotOurs, "%s has no current context and none of keystone-login; `kubectl ystack keystone-login` writes some", b.file())
	}
	return views, nil
}

// each looks from every viewpoint; what one cannot tell is for the end.
func (y *survey) each(ctx context.Context, views []viewpoint) {
	y.asked += len(views)
	var asking errgroup.Group
	asking.SetLimit(atOnce)
	for _, v := range views {
		asking.Go(func() error {
			limited, cancel := context.WithTimeoutCause(ctx, patience, errSilent)
			defer cancel()
			err := y.look(limited, v)
			if err != nil && ctx.Err() == nil {
				if limited.Err() != nil {
					err = errSilent
				}
				y.mu.Lock()
				defer y.mu.Unlock()
				y.failed = append(y.failed, v.who()+": "+err.Error())
			}
			return nil
		})
	}
	_ = asking.Wait()
}

// note says something at the end, once.
func (y *survey) note(format string, args ...any) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if text := fmt.Sprintf(format, args...); !slices.Contains(y.notes, text) {
		y.notes = append(y.notes, text)
	}
}

func (y *survey) finish(ctx context.Context) ([]Mine, error) {
	sort.Slice(y.all, func(i, j int) bool {
		a, b := &y.all[i], &y.all[j]
		return cmp.Or(cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Context, b.Context)) < 0
	})
	if ctx.Err() != nil {
		return y.all, context.Cause(ctx)
	}
	slices.Sort(y.notes)
	for _, n := range y.notes {
		y.Warn("%s", n)
	}
	if len(y.without) > 0 {
		slices.Sort(y.without)
		y.Warn("no context is for %s; `kubectl ystack keystone-login --all-projects` writes them", strings.Join(y.without, ", "))
	}
	slices.Sort(y.failed)
	switch len(y.failed) {
	case 0:
		return y.all, nil
	case 1:
		return y.all, failf(ErrIncomplete, "%s", y.failed[0])
	}
	for _, f := range y.failed {
		y.Warn("%s", f)
	}
	return y.all, failf(ErrIncomplete, "%d of %d could not be asked; the warnings say why", len(y.failed), y.asked)
}

// look adds what one viewpoint sees.
func (y *survey) look(ctx context.Context, v viewpoint) error {
	client, who, err := y.connected(ctx, &v)
	if err != nil {
		return err
	}
	names, err := y.namespaces(ctx, client, v, who)
	if err != nil {
		return err
	}
	access, err := accessToAll(ctx, client, names)
	if err != nil {
		return err
	}
	var found []Mine
	for i, name := range names {
		found = append(found, mine(v, who, name, access[i]))
	}
	if _, told := who.Extra[keystone.NamespacesExtra]; !told { // others' namespaces are no news
		found = slices.DeleteFunc(found, func(m Mine) bool { return m.Access == NoAccess })
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	y.reached[v.cluster] = true
	y.all = append(y.all, found...)
	if v.name == "" {
		y.without = append(y.without, projectName(v.known))
	}
	return nil
}

func mine(v viewpoint, who kube.UserInfo, namespace string, access Access) Mine {
	m := Mine{
		Namespace: namespace, Access: access, Context: v.name, Cluster: v.cluster, User: who.Username,
		Current: v.current && namespace == cmp.Or(v.context.Namespace, "default"),
	}
	m.ProjectID, m.Project, m.Roles = scopeOf(who)
	if p := v.project(); v.pin != nil && (m.ProjectID == "" || m.ProjectID == p.ID) && p.Name != "" {
		m.ProjectID, m.Project = p.ID, projectName(p)
	}
	if v.name == "" {
		m.ProjectID, m.Project = v.known.ID, projectName(v.known)
	}
	return m
}
