package tui

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"sort"
	"strings"
	"time"

	"github.com/ystackdev/ystack/pkg/kube"
)

const (
	// pollInterval is for what cannot be watched.
	pollInterval = 30 * time.Second
	// leaseGrace is how long a leader may be silent: controllers renew every few seconds.
	leaseGrace = time.Minute
)

// components are the parts of the cluster itself that its API shows: the API server's own
// checks, the leases of the leaders, and the pods of kube-system.
func (h *hub) components(name string) func(context.Context, *feed) error {
	return func(ctx context.Context, f *feed) error {
		return h.poll(ctx, f, func(ctx context.Context, _ string) ([]Row, error) {
			client, err := h.client(name)
			if err != nil {
				return nil, err
			}
			rows, err := serverChecks(ctx, client)
			if err != nil {
				return nil, err
			}
			for _, read := range []func(context.Context, *kube.Client) ([]Row, error){leaders, systemPods} {
				more, err := read(ctx, client)
				if err != nil && !errors.Is(err, kube.ErrForbidden) { // who may see less sees less
					return nil, err
				}
				rows = append(rows, more...)
			}
			return rows, nil
		})
	}
}

// poll asks again and again, and ends at a failure.
func (h *hub) poll(ctx context.Context, f *feed, load func(ctx context.Context, origin string) ([]Row, error)) error {
	for ctx.Err() == nil {
		rows, err := load(ctx, f.origin)
		if err != nil {
			return err
		}
		f.rows(rows, "")
		f.pause(ctx, pollInterval)
	}
	return ctx.Err()
}

// serverChecks is the API server with those of its checks that fail.
func serverChecks(ctx context.Context, client *kube.Client) ([]Row, error) {
	response, err := client.Open(ctx, "/readyz", url.Values{"verbose": {""}}, "")
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return nil, client.Explain(err)
	}
	var failing []string
	for line := range strings.Lines(string(body)) {
		if name, ok := strings.CutPrefix(line, "[-]"); ok {
			name, _, _ = strings.Cut(name, " ")
			failing = append(failing, name)
		}
	}
	status := Cell{"ready", Good}
	switch {
	case response.StatusCode == 401 || response.StatusCode == 403:
		status = Cell{"answers", Good}
	case len(failing) > 0:
		status = Cell{"not ready: " + strings.Join(failing, ", "), Bad}
	case response.StatusCode != 200:
		status = Cell{"not ready: " + response.Status, Bad}
	}
	return []Row{{Key: "kube-apiserver", Cells: []Cell{{Text: "kube-apiserver"}, status, {}, {}, {Text: client.Server}}}}, nil
}

// leaders are who holds the leases of kube-system, and whether they still do.
func leaders(ctx context.Context, client *kube.Client) ([]Row, error) {
	const path = "/apis/coordination.k8s.io/v1/leases"
	body, err := client.Get(ctx, inNamespace(path, "kube-system"), nil, "application/json")
	if err != nil {
		return nil, err
	}
	var list struct {
		Items []struct {
			object
			Spec struct {
				Holder string    `json:"holderIdentity"`
				Renew  time.Time `json:"renewTime"`
			} `json:"spec"`
		} `json:"items"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, err
	}
	var rows []Row
	for _, l := range list.Items {
		if l.Metadata.Labels["apiserver.kubernetes.io/identity"] != "" || strings.HasPrefix(l.Metadata.Name, "apiserver-") {
			continue // API servers, by ids that say nothing
		}
		status := Cell{"leads", Good}
		if time.Since(l.Spec.Renew) > leaseGrace {
			status = Cell{"silent since " + ago(l.Spec.Renew, time.Now()), Bad}
		}
		holder, _, _ := strings.Cut(l.Spec.Holder, "_")
		rows = append(rows, Row{
			Key: "lease/" + l.Metadata.Name, Object: thing{path, "kube-system", l.Metadata.Name},
			Cells: []Cell{{Text: l.Metadata.Name}, status, {}, {}, {Text: holder}},
		})
	}
	return rows, nil
}

func systemPods(ctx context.Context, client *kube.Client) ([]Row, error) {
	const path = "/api/v1/namespaces/kube-system/pods"
	w := &watcher{table: table{path: path, row: podRow}, client: client, rows: map[string]entry{}}
	if err := w.list(ctx); err != nil {
		return nil, err
	}
	var rows []Row
	for _, e := range w.sorted() {
		c := e.Cells
		e.Cells = []Cell{c[0], c[2], c[3], c[4], c[5]}
		rows = append(rows, e.Row)
	}
	sort.SliceStable(rows, func(i, j int) bool { return rows[i].Key < rows[j].Key })
	return rows, nil
}
