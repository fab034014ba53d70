package bgp

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ystackdev/ystack/pkg/kube"
)

const (
	labelRun    = "ystack.dev/run"
	askedAtOnce = 100 // nodes
	askBatches  = 4   // at a time
	askWorkers  = 8   // of each
	askInterval = 250 * time.Millisecond
	leftover    = 10 * time.Minute // what a killed run has left is older than that
)

// NodeReport is what calico-node on a node says of its BIRD.
type NodeReport struct {
	BIRD     string    `json:"bird"` // Ready, NotReady
	Sessions []Session `json:"sessions,omitempty"`
	Routes   []string  `json:"routes,omitempty"` // that the node itself originates, sorted
}

// Session is a BGP session.
type Session struct {
	PeerIP string `json:"peerIP"`
	Type   string `json:"type"`
	State  string `json:"state"`
	Since  string `json:"since,omitempty"`
}

// Established reports whether routes flow to a router outside: the sessions
// between the nodes carry none out.
func (s Session) Established() bool { return s.State == "Established" && s.Type != "NodeMesh" }

// statusObject is a CalicoNodeStatus.
type statusObject struct {
	Spec struct {
		Node string `json:"node"`
	} `json:"spec"`
	Status struct {
		LastUpdated *time.Time `json:"lastUpdated"`
		Agent       struct {
			V4 struct {
				State string `json:"state"`
			} `json:"birdV4"`
			V6 struct {
				State string `json:"state"`
			} `json:"birdV6"`
		} `json:"agent"`
		BGP struct {
			V4 []Session `json:"peersV4"`
			V6 []Session `json:"peersV6"`
		} `json:"bgp"`
		Routes struct {
			V4 []statusRoute `json:"routesV4"`
			V6 []statusRoute `json:"routesV6"`
		} `json:"routes"`
	} `json:"status"`
}

type statusRoute struct {
	Destination string `json:"destination"`
	LearnedFrom struct {
		SourceType string `json:"sourceType"`
	} `json:"learnedFrom"`
}

func (o *statusObject) report() NodeReport {
	r := NodeReport{BIRD: o.Status.Agent.V4.State, Sessions: slices.Concat(o.Status.BGP.V4, o.Status.BGP.V6)}
	if r.BIRD == "" {
		r.BIRD = o.Status.Agent.V6.State
	}
	for _, route := range slices.Concat(o.Status.Routes.V4, o.Status.Routes.V6) {
		if route.LearnedFrom.SourceType == "Static" { // Calico's way to originate a route
			r.Routes = append(r.Routes, route.Destination)
		}
	}
	slices.Sort(r.Routes)
	return r
}

// has reports whether the node originates the range.
func (r *NodeReport) has(p netip.Prefix) bool {
	_, ok := slices.BinarySearch(r.Routes, p.String())
	return ok
}

// AskNodes asks calico-node on each node for its state, through objects that
// it answers in; they are gone afterwards. A node that has not answered within
// wait is not in the result; when none of the first batch does, the others are
// not asked.
func (c *Cluster) AskNodes(ctx context.Context, nodes []string, wait time.Duration) (map[string]NodeReport, error) {
	if len(nodes) == 0 {
		return map[string]NodeReport{}, nil
	}
	defer c.sweep(ctx)
	first := nodes[:min(len(nodes), askedAtOnce)]
	out, err := c.inquire(ctx, first, wait)
	if err != nil || len(out) == 0 {
		return out, err
	}
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(askBatches)
	for batch := range slices.Chunk(nodes[len(first):], askedAtOnce) {
		group.Go(func() error {
			reports, err := c.inquire(ctx, batch, wait)
			mu.Lock()
			defer mu.Unlock()
			maps.Copy(out, reports)
			return err
		})
	}
	return out, group.Wait()
}

func (c *Cluster) inquire(ctx context.Context, nodes []string, wait time.Duration) (map[string]NodeReport, error) {
	q := &inquiry{c, "", map[string]string{}}
	return q.run(ctx, nodes, wait)
}

// inquiry is one batch of nodes that are asked at once.
type inquiry struct {
	*Cluster
	id    string
	asked map[string]string // object: its version when it was made
}

func (q *inquiry) selector() string { return labelRun + "=" + q.id }

func (q *inquiry) run(ctx context.Context, nodes []string, wait time.Duration) (map[string]NodeReport, error) {
	q.id = strings.ToLower(rand.Text()[:10])
	defer func() { // also after an interrupt
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		_ = q.client.Dynamic.Resource(q.gvr("caliconodestatuses")).DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: q.selector()})
	}()
	var mu sync.Mutex
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(askWorkers)
	for i, node := range nodes {
		group.Go(func() error {
			u, err := q.ask(inner, fmt.Sprintf("ystack-%s-%d", q.id, i), node)
			if err != nil {
				return q.client.Explain(err)
			}
			mu.Lock()
			defer mu.Unlock()
			q.asked[u.GetName()] = u.GetResourceVersion()
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if err := q.await(ctx, wait); err != nil {
		return nil, err
	}
	return q.answers(ctx)
}

// ask makes the object that a node answers in.
func (q *inquiry) ask(ctx context.Context, name, node string) (*unstructured.Unstructured, error) {
	u := q.newObject("CalicoNodeStatus", name)
	labels := u.GetLabels()
	labels[labelRun] = q.id
	u.SetLabels(labels)
	spec := map[string]any{"node": node, "classes": []string{"Agent", "BGP", "Routes"}, "updatePeriodSeconds": int64(10)}
	if err := setSpec(u, spec); err != nil {
		return nil, err
	}
	return q.client.Dynamic.Resource(q.gvr("caliconodestatuses")).Create(ctx, u, metav1.CreateOptions{FieldManager: manager})
}

// await waits until all objects have been written to, or no longer. It does
// not look into them: the routes of a hundred nodes are megabytes.
func (q *inquiry) await(ctx context.Context, wait time.Duration) error {
	over := time.Now().Add(wait)
	for {
		objects, err := listMeta(ctx, q.client, q.calico("caliconodestatuses"), q.selector())
		if err != nil {
			return err
		}
		open := slices.ContainsFunc(objects, func(o object) bool { return q.asked[o.Metadata.Name] == o.Metadata.ResourceVersion })
		if !open || time.Now().After(over) {
			return nil
		}
		if err := pause(ctx, askInterval); err != nil {
			return err
		}
	}
}

func (q *inquiry) answers(ctx context.Context) (map[string]NodeReport, error) {
	objects, err := list[statusObject](ctx, q.client, q.calico("caliconodestatuses"), q.selector())
	if err != nil {
		return nil, err
	}
	out := map[string]NodeReport{}
	for i := range objects {
		if objects[i].Status.LastUpdated != nil {
			out[objects[i].Spec.Node] = objects[i].report()
		}
	}
	return out, nil
}

// sweep removes what a run that was killed has left.
func (c *Cluster) sweep(ctx context.Context) {
	objects, err := listMeta(ctx, c.client, c.calico("caliconodestatuses"), ours)
	if err != nil {
		return // the next run tries again
	}
	for _, o := range objects {
		if time.Since(o.Metadata.Created) > leftover {
			_ = c.client.Dynamic.Resource(c.gvr("caliconodestatuses")).Delete(ctx, o.Metadata.Name, metav1.DeleteOptions{})
		}
	}
}

// explainSilence says why nobody can be asked; nil if that is worth an error.
func explainSilence(err error) (string, bool) {
	switch {
	case errors.Is(err, kube.ErrNotFound):
		return "the cluster knows no CalicoNodeStatus, which Calico has since 3.21", true
	case errors.Is(err, kube.ErrForbidden):
		return "nodes cannot be asked: " + err.Error(), true
	}
	return "", false
}
