package tui

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// tableOf is an answer of the API server in its form for people.
func tableOf(columns bool, names ...string) json.RawMessage {
	text := `{"kind":"Table","metadata":{"resourceVersion":"7"},`
	if columns {
		text += `"columnDefinitions":[{"name":"Name"},{"name":"Ready"},{"name":"Status"},{"name":"Restarts"},{"name":"Node"}],`
	}
	text += `"rows":[`
	for i, name := range names {
		if i > 0 {
			text += ","
		}
		text += fmt.Sprintf(`{"cells":["%s","1/1","Running",0,null],"object":{"metadata":{"name":"%s","namespace":"shop","uid":"uid-%s","creationTimestamp":"2024-03-01T12:00:00Z"}}}`, name, name, name)
	}
	return json.RawMessage(text + "]}")
}

func TestWatcherFollowsChanges(t *testing.T) {
	var last []string
	f := &feed{pane: "pods", send: func(msg any) {
		last = nil
		for _, r := range msg.(Loaded).Rows {
			last = append(last, r.Cells[0].Text+" "+r.Cells[2].Text+" "+r.Cells[4].Text)
		}
	}}
	w := &watcher{table: table{pane: "pods", path: "/api/v1/pods", row: podRow}, feed: f, rows: map[string]entry{}}
	var p page
	if err := json.Unmarshal(tableOf(true, "b", "a"), &p); err != nil {
		t.Fatal(err)
	}
	w.add(&p)
	for _, step := range []struct {
		change change
		want   []string
	}{
		{change{"ADDED", tableOf(false, "c")}, []string{"a Running 0", "b Running 0", "c Running 0"}},
		{change{"MODIFIED", tableOf(false, "c")}, []string{"a Running 0", "b Running 0", "c Running 0"}},
		{change{"DELETED", tableOf(false, "b")}, []string{"a Running 0", "c Running 0"}},
		{change{"DELETED", tableOf(false, "never")}, []string{"a Running 0", "c Running 0"}},
		{change{"ERROR", json.RawMessage(`{"kind":"Status","code":410,"message":"too old"}`)}, []string{"a Running 0", "c Running 0"}},
	} {
		if err := w.change(step.change); err != nil {
			t.Fatal(err)
		}
		w.show()
		if diff := cmp.Diff(step.want, last); diff != "" {
			t.Errorf("%s: %s", step.change.Type, diff)
		}
	}
	if got := w.rows["uid-a"].Object.(thing).url(); got != "/api/v1/namespaces/shop/pods/a" {
		t.Errorf("its path is %s", got)
	}
}

func TestEventsAreBoundedToTheNewest(t *testing.T) {
	w := &watcher{table: clusterTables[3], feed: &feed{send: func(any) {}}, rows: map[string]entry{}}
	for i := range 1000 {
		w.putWhole(json.RawMessage(fmt.Sprintf(`{"metadata":{"name":"e%d","namespace":"shop","uid":"%d"},"type":"Warning","reason":"r%d","count":2,
			"lastTimestamp":"%s","involvedObject":{"kind":"Pod","name":"p"}}`, i, i, i, day.Add(time.Duration(i)*time.Second).Format(time.RFC3339))))
	}
	w.trim()
	all := w.sorted()
	if len(all) != 300 || all[0].Cells[2].Text != "r999" || all[299].Cells[2].Text != "r700" {
		t.Errorf("%d events, from %v to %v", len(all), all[0].Cells, all[len(all)-1].Cells)
	}
}

func TestPaths(t *testing.T) {
	for _, tc := range [][3]string{
		{"/api/v1/pods", "shop", "/api/v1/namespaces/shop/pods"},
		{"/apis/apps/v1/deployments", "shop", "/apis/apps/v1/namespaces/shop/deployments"},
		{"/api/v1/nodes", "", "/api/v1/nodes"},
		{"/api/v1/namespaces/kube-system/pods", "kube-system", "/api/v1/namespaces/kube-system/pods"},
	} {
		if got := inNamespace(tc[0], tc[1]); got != tc[2] {
			t.Errorf("%s in %q: %s, want %s", tc[0], tc[1], got, tc[2])
		}
	}
}

func TestApplicationHealth(t *testing.T) {
	for _, tc := range []struct {
		status string
		want   Cell
	}{
		{`{"replicas":2,"updatedReplicas":2,"readyReplicas":2,"availableReplicas":2}`, Cell{"healthy", Good}},
		{`{"replicas":3,"updatedReplicas":1,"readyReplicas":2,"availableReplicas":2}`, Cell{"rolling out", Busy}},
		{`{"replicas":2,"updatedReplicas":2,"readyReplicas":1,"availableReplicas":1}`, Cell{"not available", Bad}},
		{`{"replicas":2,"updatedReplicas":1,"conditions":[{"type":"Progressing","status":"False","reason":"ProgressDeadlineExceeded"}]}`, Cell{"failed: ProgressDeadlineExceeded", Bad}},
		{`{}`, Cell{"rolling out", Busy}},
	} {
		e, ok := applicationRow(object{raw: json.RawMessage(`{"spec":{"replicas":2},"status":` + tc.status + `}`)}, nil)
		if !ok || e.Cells[2] != tc.want {
			t.Errorf("%s: %v, want %v", tc.status, e.Cells, tc.want)
		}
	}
}
