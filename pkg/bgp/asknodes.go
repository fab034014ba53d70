package bgp

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
)

const (
	labelRun    = "ystack.dev/run"
	classRoutes = "Routes"

	askedFirst = 100 // nodes; the others only when one of these has answered
	askWorkers = 16
	againAfter = time.Second      // when an answer breaks off
	leftover   = 10 * time.Minute // what a killed run has left is older than that
)

// Routes is how many nodes are asked for their routes, too. An API server takes
// as long to store those of one as the rest of what five nodes say.
type Routes int

const (
	NoRoutes   Routes = 0
	SomeRoutes Routes = 10 // of nodes that are alike
	AllRoutes  Routes = math.MaxInt
)

// AskNodes asks calico-node on each node for its state, through objects that
// it answers in; they are gone afterwards. A node that has not answered within
// wait is not in the result; when none of the first does, the others are not
// asked.
func (c *Cluster) AskNodes(ctx context.Context, nodes []string, routes Routes, wait time.Duration) (map[string]NodeReport, error) {
	if len(nodes) == 0 {
		return map[string]NodeReport{}, nil
	}
	defer c.sweep(ctx)
	q := &inquiry{
		Cluster: c, id: strings.ToLower(rand.Text()[:10]), nodes: nodes, routes: routes,
		reports: map[string]NodeReport{}, words: map[string]string{}, answered: make(chan struct{}, 1),
	}
	defer q.remove(ctx)
	listening, stop := context.WithCancel(ctx)
	stream, err := q.open(listening)
	if err != nil {
		stop()
		return nil, err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		q.listen(listening, stream)
	}()
	err = q.run(ctx, wait)
	stop()
	<-ended
	return q.reports, err
}

// inquiry is a question to many nodes: an object for each, whose changes are
// watched. So every answer is read once, as soon as it comes, and nothing is
// asked for twice.
type inquiry struct {
	*Cluster
	id     string
	nodes  []string
	routes Routes
	asked  int // of the nodes, so far

	mu       sync.Mutex
	reports  map[string]NodeReport
	words    map[string]string // that reports have in common: the nodes announce the same routes
	answered chan struct{}     // has something when there are more reports than before
}

func (q *inquiry) selector() string { return labelRun + "=" + q.id }

func (q *inquiry) run(ctx context.Context, wait time.Duration) error {
	if err := q.ask(ctx, min(len(q.nodes), askedFirst)); err != nil {
		return err
	}
	if err := q.await(ctx, 1, wait); err != nil {
		return err
	}
	if q.count() == 0 {
		return nil
	}
	if err := q.ask(ctx, len(q.nodes)); err != nil {
		return err
	}
	return q.await(ctx, len(q.nodes), wait)
}

// ask makes the objects that nodes answer in, up to one of them.
func (q *inquiry) ask(ctx context.Context, end int) error {
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(askWorkers)
	for ; q.asked < end; q.asked++ {
		i := q.asked
		group.Go(func() error {
			u := q.newObject("CalicoNodeStatus", q.name(i))
			labels := u.GetLabels()
			labels[labelRun] = q.id
			u.SetLabels(labels)
			if err := setSpec(u, map[string]any{"node": q.nodes[i], "classes": q.classes(i), "updatePeriodSeconds": int64(10)}); err != nil {
				return err
			}
			_, err := q.client.Dynamic.Resource(q.gvr("caliconodestatuses")).Create(inner, u, metav1.CreateOptions{FieldManager: manager})
			return q.client.Explain(err)
		})
	}
	return group.Wait()
}

// classes are what a node is asked for. Those asked for routes are spread over all.
func (q *inquiry) classes(i int) []string {
	classes := []string{"Agent", "BGP"}
	n := len(q.nodes)
	if k := min(n, int(q.routes)); i*k/n != (i+1)*k/n {
		classes = append(classes, classRoutes)
	}
	return classes
}

func (q *inquiry) name(i int) string { return fmt.Sprintf("ystack-%s-%d", q.id, i) }

func (q *inquiry) count() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.reports)
}

// await waits until so many nodes have answered, or no longer.
func (q *inquiry) await(ctx context.Context, many int, wait time.Duration) error {
	over := time.After(wait)
	for q.count() < many {
		select {
		case <-q.answered:
		case <-over:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// open begins to watch: what is there already comes first.
func (q *inquiry) open(ctx context.Context) (io.ReadCloser, error) {
	return q.client.Stream(ctx, q.calico("caliconodestatuses"), url.Values{"watch": {"true"}, "labelSelector": {q.selector()}})
}

// listen takes in answers until ctx ends. A watch that breaks off begins anew.
func (q *inquiry) listen(ctx context.Context, stream io.ReadCloser) {
	for {
		if stream != nil {
			q.read(stream)
			_ = stream.Close()
		}
		if pause(ctx, againAfter) != nil {
			return
		}
		stream, _ = q.open(ctx) // and if that fails, in a moment
	}
}

func (q *inquiry) read(stream io.Reader) {
	events := json.NewDecoder(stream)
	for {
		var event struct {
			Type   watch.EventType `json:"type"`
			Object statusObject    `json:"object"`
		}
		if events.Decode(&event) != nil || event.Type == watch.Error {
			return
		}
		if event.Type != watch.Deleted && event.Object.Status.LastUpdated != nil {
			q.note(&event.Object)
		}
	}
}

func (q *inquiry) note(o *statusObject) {
	q.mu.Lock()
	defer q.mu.Unlock()
	r := o.report()
	for i, route := range r.Routes {
		if _, known := q.words[route]; !known {
			q.words[route] = route
		}
		r.Routes[i] = q.words[route]
	}
	q.reports[o.Spec.Node] = r
	select {
	case q.answered <- struct{}{}:
	default:
	}
}

// remove deletes what was made, also after an interrupt: one by one, since a
// server that is to delete a collection does that too, but not at the same time.
func (q *inquiry) remove(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	var group errgroup.Group
	group.SetLimit(askWorkers)
	for i := range q.asked {
		group.Go(func() error {
			// What stays all the same, a later run sweeps.
			_ = q.client.Dynamic.Resource(q.gvr("caliconodestatuses")).Delete(ctx, q.name(i), metav1.DeleteOptions{})
			return nil
		})
	}
	_ = group.Wait()
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
