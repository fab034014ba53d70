package tui

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"github.com/ystackdev/ystack/pkg/bgp"
	"github.com/ystackdev/ystack/pkg/deploy"
	"github.com/ystackdev/ystack/pkg/pipeline"
	"github.com/ystackdev/ystack/pkg/tenancy"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares with testdata/NAME.golden.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// day is long ago, so that its times are written as dates whenever the test runs.
var day = time.Date(2024, 3, 1, 12, 3, 4, 0, time.Local)

// press types keys: each a name, or a text that is typed letter by letter.
func press(m *Model, keys ...string) (wants []Want) {
	named := map[string]rune{"enter": tea.KeyEnter, "esc": tea.KeyEscape, "tab": tea.KeyTab, "down": tea.KeyDown, "up": tea.KeyUp, "end": tea.KeyEnd, "backspace": tea.KeyBackspace}
	for _, k := range keys {
		if code, ok := named[k]; ok {
			w, _ := m.Update(tea.KeyPressMsg{Code: code})
			wants = append(wants, w...)
			continue
		}
		for _, r := range k {
			w, _ := m.Update(tea.KeyPressMsg{Code: r, Text: string(r)})
			wants = append(wants, w...)
		}
	}
	return wants
}

func aRun(state pipeline.State) pipeline.Run {
	r := pipeline.Run{
		ID: "買い物-20240301-120304-9f3c", State: state, Started: day, Message: "",
		Subject: pipeline.Subject{App: "買い物", Revision: "0123456789abcdef0123456789abcdef01234567", Dir: "/src/買い物", Namespace: "shop", By: "花子", Targets: []pipeline.Aim{
			{Target: deploy.Container, Steps: []string{"check", "resolve", "build", "publish", "deploy", "verify"}},
			{Target: "vm", Steps: []string{"check", "build", "upload", "deploy"}},
		}},
	}
	names := []string{"check", "resolve", "build", "publish", "deploy"}
	for i, name := range names {
		s := pipeline.Step{Target: deploy.Container, Name: name, State: pipeline.Succeeded, Started: day, Ended: day.Add(time.Duration(i) * time.Second), Message: "よし"}
		if i == len(names)-1 {
			s = pipeline.Step{Target: deploy.Container, Name: name, State: state, Started: day, Message: "deployment.apps/shop: 1/2 ready"}
			s.Items = append(s.Items, deploy.Item{Name: "pod/shop-1", State: "ready"}, deploy.Item{Name: "pod/shop-2", State: "starting", Detail: "pulling the image"})
		}
		r.Steps = append(r.Steps, s)
	}
	r.Steps[3].Output = map[string]string{"digest": "sha256:77aa01f3"}
	return r
}

// fill feeds a model with what the sources would send.
func fill(m *Model) {
	load := func(pane, origin, note string, rows ...Row) {
		m.Update(Loaded{Pane: pane, Origin: origin, Rows: rows, Note: note, At: day})
	}
	running, failed := aRun(pipeline.Running), aRun(pipeline.Failed)
	failed.ID, failed.Message = "hello-20240229-090000-0001", "build: exit status 1 👩‍💻 \x1b[31mred\x1b[0m\tand a tab"
	load("runs", "", "", runRow(&running, day), runRow(&failed, day))
	var nodes, pods []Row
	for i := range 30 {
		status := "Ready"
		if i == 2 {
			status = "NotReady"
		}
		nodes = append(nodes, Row{Key: fmt.Sprint(i), Cells: []Cell{
			{Text: fmt.Sprintf("ノード%02d", i)},
			{status, map[string]Tone{"Ready": Good, "NotReady": Bad}[status]},
			{Text: "worker"},
			{Text: "v1.36.3"},
			{Text: "10.0.0." + fmt.Sprint(i)},
			{Text: "2024-03-01"},
		}})
		pods = append(pods, Row{Key: fmt.Sprint(i), Cells: []Cell{
			{Text: fmt.Sprintf("shop-%02d", i)}, {Text: "開発チーム"}, {"Running", Good}, {Text: "1/1"}, {Text: "0"}, {Text: "ノード01"}, {Text: "2024-03-01"},
		}, Actions: []Action{{Key: "l", Label: "logs", Kind: openLogs, Ask: "open the logs?"}}})
	}
	app := Row{Key: "shop/shop", Cells: []Cell{{Text: "買い物"}, {Text: "開発チーム"}, {"rolling out", Busy}, {Text: "1/2"}, {Text: "0123456789ab"}, {Text: running.ID}}}
	app.Actions = []Action{{Key: "b", Label: "roll back", Kind: "rollback", Ask: "roll 買い物 back?"}}
	load("applications", "lab", "", app)
	load("nodes", "lab", "", nodes...)
	load("pods", "lab", "", pods...)
	m.Update(Failed{Pane: "events", Origin: "lab", Err: "forbidden: 花子 may not list events in the cluster; ask for a role that may", Since: day})
	for _, p := range []string{"applications", "nodes"} {
		m.Update(Failed{Pane: p, Origin: "死んだ", Err: "unreachable since " + sinceMark + ": cannot reach the API server https://192.0.2.1:6443: no answer within 5s", Since: day})
	}
	showNetwork(&feed{origin: "lab", send: func(msg any) {
		loaded := msg.(Loaded)
		loaded.At = day
		m.Update(loaded)
	}}, &bgp.Status{
		Services: []bgp.ServiceStatus{
			{Service: "shop/買い物", Address: "10.96.1.2", Meant: true, Advertised: bgp.Yes, Nodes: []string{"ノード01"}},
			{Service: "shop/api", Address: "10.96.1.3", Meant: true, Advertised: bgp.No, Why: "no router is configured"},
			{Service: "kube-system/dns", Address: "10.96.0.10", Advertised: bgp.No, Why: "no entry covers it"},
		},
		Nodes: []bgp.NodeStatus{{Name: "ノード01", Reported: true, NodeReport: bgp.NodeReport{
			BIRD: "Ready", Routes: []string{"10.96.1.2/32"},
			Sessions: []bgp.Session{{PeerIP: "192.0.2.1", State: "Established", Since: "2024-03-01"}, {PeerIP: "192.0.2.2", State: "Active"}},
		}}},
		Findings: []bgp.Finding{{Level: bgp.Warning, Text: "the router 192.0.2.2 does not answer"}},
	}, "nodes asked at 12:03:04")
	load("namespaces", "lab", "", Row{Key: "a", Cells: []Cell{{Text: "kaihatsu"}, {"active", Good}, {Text: "開発チーム"}, {Text: "Default"}, {Text: "9a1f"}}},
		Row{Key: "b", Cells: []Cell{{Text: "old"}, {"quarantined", Warn}, {Text: "旧"}, {Text: "Default"}, {Text: "77b0"}}})
	load("bindings", "lab", "", Row{Key: "a", Cells: []Cell{{Text: "kaihatsu"}, {Text: "edit"}, {Text: "group keystone:project:9a1f:role:member"}}})
	load("drift", "lab", "tenant-sync would mend it", driftRows(&tenancy.Plan{
		Changes: []tenancy.Change{{Action: tenancy.Revoke, Reason: "花子 lost the role", Object: tenancy.Object{Kind: "RoleBinding", Metadata: tenancy.Metadata{Namespace: "kaihatsu", Name: "ystack:edit"}}}},
	})...)
	load("servers", "lab", "", Row{Key: "1", Cells: []Cell{{Text: "サーバー①"}, {"ACTIVE", Good}, {Text: "198.51.100.7"}, {Text: "買い物 0123456789ab"}, {Text: "2024-03-01"}}})
	load("baremetal", "lab", "the cloud has no baremetal service")
	load("images", "lab", "")
}

func layout() Layout {
	return Layout{Contexts: []string{"lab", "死んだ"}, Clouds: []string{"lab"}, Drift: true, NoColor: true}
}

func TestFrames(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {120, 40}, {40, 12}} {
		for name, prepare := range map[string]func(*Model){
			"first":     func(*Model) {},
			"pipelines": func(m *Model) { fill(m) },
			"cluster":   func(m *Model) { fill(m); press(m, "2", "tab", "down", "down") },
			"pods":      func(m *Model) { fill(m); press(m, ":pods", "enter", "end") },
			"tenants":   func(m *Model) { fill(m); press(m, ":ten", "enter") },
			"network":   func(m *Model) { fill(m); press(m, "4") },
			"openstack": func(m *Model) { fill(m); press(m, "5") },
			"filter":    func(m *Model) { fill(m); press(m, "2", "tab", "/ノード1") },
			"ask":       func(m *Model) { fill(m); press(m, "x") },
			"help":      func(m *Model) { press(m, "?") },
			"run": func(m *Model) {
				fill(m)
				press(m, "enter")
				r := aRun(pipeline.Running)
				m.Update(Opened{Number: m.number, Lines: append(about(&r), graph(&r, m.charset)...)})
				m.Update(Opened{Number: m.number, More: []string{"build: コンパイル中", "build: \x1b[32mok\x1b[0m\r"}})
			},
		} {
			name := fmt.Sprintf("%s-%dx%d", name, size[0], size[1])
			t.Run(name, func(t *testing.T) {
				m := New(layout())
				m.Update(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
				prepare(m)
				frame := m.View()
				fits(t, m, frame)
				golden(t, name, ansi.Strip(frame)+"\n")
			})
		}
	}
}

// fits makes sure that a frame is as high as the terminal and nowhere wider.
func fits(t *testing.T, m *Model, frame string) {
	t.Helper()
	lines := strings.Split(frame, "\n")
	if len(lines) != m.height {
		t.Errorf("%d lines in a terminal of %d", len(lines), m.height)
	}
	for _, line := range lines {
		if n := m.cells(ansi.Strip(line)); n > m.width {
			t.Errorf("%d cells in a terminal of %d: %q", n, m.width, line)
		}
		if strings.ContainsAny(line, "\r\t\x07") {
			t.Errorf("control characters in %q", line)
		}
	}
}
