package tui

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"sort"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ystackdev/ystack/pkg/kube"
)

// asTable asks the API server for rows as kubectl shows them: it knows what matters of
// each kind, and sends little of the rest.
const asTable = "application/json;as=Table;g=meta.k8s.io;v=v1,application/json"

const (
	pageSize = "500"
	// settle is how long changes are collected before they are shown.
	settle = 200 * time.Millisecond
)

// table is a kind of object, and how it becomes rows.
type table struct {
	pane, path, selector string
	// namespaced kinds are read from the context's namespace, where others are forbidden.
	namespaced bool
	// whole asks for whole objects, where the API server's table lacks something.
	whole bool
	row   func(o object, cells map[string]string) (entry, bool)
	// less orders the rows; by key if nil.
	less func(a, b *entry) bool
	// most is how many are kept, the first by less; 0: all.
	most int
}

// startTables begins to follow kinds of one cluster.
func (h *hub) startTables(screen, context string, tables []table) {
	for _, t := range tables {
		h.start(screen, t.pane, context, h.follow(context, t))
	}
}

// follow lists a kind and then watches it.
func (h *hub) follow(name string, t table) func(context.Context, *feed) error {
	return func(ctx context.Context, f *feed) error {
		client, err := h.client(name)
		if err != nil {
			return err
		}
		w := &watcher{table: t, client: client, feed: f, rows: map[string]entry{}}
		err = w.list(ctx)
		if errors.Is(err, kube.ErrForbidden) && t.namespaced {
			w.path = inNamespace(t.path, client.Namespace)
			w.note = "of namespace " + client.Namespace + " only"
			err = w.list(ctx)
		}
		if err != nil {
			return err
		}
		w.show()
		return w.watch(ctx)
	}
}

// watcher holds the rows of a kind as they are now.
type watcher struct {
	table
	client  *kube.Client
	feed    *feed
	rows    map[string]entry // by UID
	columns []string
	version string
	note    string
}

func (w *watcher) query() url.Values {
	q := url.Values{}
	if w.selector != "" {
		q.Set("labelSelector", w.selector)
	}
	return q
}

func (w *watcher) accept() string {
	if w.whole {
		return "application/json"
	}
	return asTable
}

func (w *watcher) list(ctx context.Context) error {
	q := w.query()
	q.Set("limit", pageSize)
	for {
		body, err := w.client.Get(ctx, w.path, q, w.accept())
		if err != nil {
			return err
		}
		var p page
		if err := json.Unmarshal(body, &p); err != nil {
			return err
		}
		w.add(&p)
		w.trim()
		w.version = p.Metadata.ResourceVersion
		if p.Metadata.Continue == "" {
			return nil
		}
		q.Set("continue", p.Metadata.Continue)
	}
}

// add takes in the rows of a table or the items of a list.
func (w *watcher) add(p *page) {
	if len(p.Columns) > 0 {
		w.columns = nil
		for _, c := range p.Columns {
			w.columns = append(w.columns, c.Name)
		}
	}
	for i := range p.Rows {
		cells := map[string]string{}
		for j, v := range p.Rows[i].Cells {
			if j < len(w.columns) {
				cells[w.columns[j]] = textOf(v)
			}
		}
		w.put(p.Rows[i].Object, cells)
	}
	for _, raw := range p.Items {
		w.putWhole(raw)
	}
}

func (w *watcher) putWhole(raw json.RawMessage) {
	o := object{raw: raw}
	if json.Unmarshal(raw, &o) == nil {
		w.put(o, nil)
	}
}

func (w *watcher) put(o object, cells map[string]string) {
	e, ok := w.row(o, cells)
	if !ok {
		delete(w.rows, o.Metadata.UID)
		return
	}
	if e.at.IsZero() {
		e.at = o.Metadata.Created
	}
	e.Key = o.Metadata.Namespace + "/" + o.Metadata.Name
	e.Object = thing{w.path, o.Metadata.Namespace, o.Metadata.Name}
	w.rows[o.Metadata.UID] = e
}

// watch shows each change until the watch ends, which is no failure: it is begun anew.
func (w *watcher) watch(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	q := w.query()
	q.Set("watch", "1")
	q.Set("resourceVersion", w.version)
	response, err := w.client.Open(ctx, w.path, q, w.accept())
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != 200 {
		body, _ := io.ReadAll(io.LimitReader(response.Body, 1<<20))
		return w.client.Explain(kube.StatusError(response, body))
	}
	events, failed := make(chan change), make(chan error, 1)
	go func() { failed <- readChanges(ctx, response.Body, events) }()
	return w.apply(ctx, events, failed)
}

// apply takes changes in, and shows them when no more have come for a moment.
func (w *watcher) apply(ctx context.Context, events <-chan change, failed <-chan error) error {
	var later <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.feed.refresh:
			return nil
		case err := <-failed:
			return w.ended(err)
		case <-later:
			later = nil
			w.trim()
			w.show()
		case c := <-events:
			if err := w.change(c); err != nil {
				return err
			}
			if later == nil {
				later = time.After(settle)
			}
		}
	}
}

// ended is why a watch is over: the server ends each after some minutes.
func (w *watcher) ended(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return nil
	}
	return w.client.Explain(err)
}

// change is an event of a watch.
type change struct {
	Type   string          `json:"type"`
	Object json.RawMessage `json:"object"`
}

func readChanges(ctx context.Context, body io.Reader, events chan<- change) error {
	decoder := json.NewDecoder(body)
	for {
		var c change
		if err := decoder.Decode(&c); err != nil {
			return err
		}
		select {
		case events <- c:
		case <-ctx.Done():
			return nil
		}
	}
}

func (w *watcher) change(c change) error {
	if c.Type == "ERROR" {
		var status metav1.Status
		if json.Unmarshal(c.Object, &status) == nil && status.Code != 410 { // 410: too old, list anew
			return w.client.Explain(&apierrors.StatusError{ErrStatus: status})
		}
		return nil
	}
	var p page
	if !w.whole {
		if err := json.Unmarshal(c.Object, &p); err != nil {
			return err
		}
	} else {
		p.Items = []json.RawMessage{c.Object}
	}
	if c.Type != "DELETED" {
		w.add(&p)
		return nil
	}
	for i := range p.Rows {
		delete(w.rows, p.Rows[i].Object.Metadata.UID)
	}
	for _, raw := range p.Items {
		var o object
		if json.Unmarshal(raw, &o) == nil {
			delete(w.rows, o.Metadata.UID)
		}
	}
	return nil
}

func (w *watcher) sorted() []entry {
	all := make([]entry, 0, len(w.rows))
	for _, e := range w.rows {
		all = append(all, e)
	}
	sort.Slice(all, func(i, j int) bool {
		if w.less != nil && !all[i].at.Equal(all[j].at) {
			return w.less(&all[i], &all[j])
		}
		return all[i].Key < all[j].Key
	})
	return all
}

// trim forgets what is too much.
func (w *watcher) trim() {
	if w.most == 0 || len(w.rows) <= w.most {
		return
	}
	all := w.sorted()
	keep := map[string]bool{}
	for _, e := range all[:w.most] {
		keep[e.Key] = true
	}
	for uid, e := range w.rows {
		if !keep[e.Key] {
			delete(w.rows, uid)
		}
	}
}

func (w *watcher) show() {
	all := w.sorted()
	rows := make([]Row, len(all))
	for i := range all {
		rows[i] = all[i].Row
	}
	w.feed.rows(rows, w.note)
}
