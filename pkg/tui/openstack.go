package tui

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sort"
	"strings"
	"time"

	"github.com/ystackdev/ystack/pkg/keystone"
)

const (
	// cloudPage is how many things one request asks for, cloudMost how many are shown.
	cloudPage, cloudMost = 500, 5000
	// ironicVersion has resource classes, and is in every release since Stein.
	ironicVersion = "1.50"
)

// cloudKind is a kind of thing in a cloud.
type cloudKind struct {
	service, path string
	list          string // the field of the answer that holds the list
	row           func(raw json.RawMessage) (Row, error)
}

var cloudKinds = map[string]cloudKind{
	"servers":   {"compute", "/v2.1/servers/detail?", "servers", serverRow},
	"baremetal": {"baremetal", "/v1/nodes?fields=uuid,name,provision_state,power_state,resource_class,instance_uuid,maintenance,maintenance_reason,last_error&", "nodes", bareMetalRow},
	"images":    {"image", "/v2/images?", "images", imageRow},
}

// cloud polls a kind of thing of a cloud.
func (h *hub) cloud(kind cloudKind) func(context.Context, *feed) error {
	return func(ctx context.Context, f *feed) error {
		session, err := h.session(f.origin)
		if err != nil {
			return err
		}
		for ctx.Err() == nil {
			rows, err := kind.all(ctx, session)
			note := ""
			if errors.Is(err, keystone.ErrNoEndpoint) {
				err, note = nil, "the cloud has no "+kind.service+" service"
			}
			if err != nil {
				return err
			}
			f.rows(rows, note)
			f.pause(ctx, pollInterval)
		}
		return ctx.Err()
	}
}

// all reads page by page.
func (k cloudKind) all(ctx context.Context, s *keystone.Session) ([]Row, error) {
	rows := []Row{}
	for marker := ""; len(rows) < cloudMost; {
		path := k.path + fmt.Sprintf("limit=%d", cloudPage)
		if marker != "" {
			path += "&marker=" + marker
		}
		items, err := k.page(ctx, s, path)
		if err != nil {
			return nil, err
		}
		for _, raw := range items {
			row, err := k.row(raw)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", k.service, err)
			}
			row.Object, marker = raw, row.Key
			rows = append(rows, row)
		}
		if len(items) < cloudPage {
			break
		}
	}
	sort.SliceStable(rows, func(i, j int) bool { return rows[i].Cells[0].Text < rows[j].Cells[0].Text })
	return rows, nil
}

func (k cloudKind) page(ctx context.Context, s *keystone.Session, path string) ([]json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, pollInterval)
	defer cancel()
	response, body, err := s.Call(ctx, keystone.ServiceCall{
		Method: http.MethodGet, Service: k.service, Path: path, Header: http.Header{"X-Openstack-Ironic-Api-Version": {ironicVersion}}, Limit: 64 << 20,
	})
	if err != nil {
		return nil, err
	}
	switch {
	case response.StatusCode == http.StatusForbidden:
		return nil, fmt.Errorf("forbidden: the %s service does not let this user list %s", k.service, k.list)
	case response.StatusCode >= 300:
		return nil, fmt.Errorf("the %s service answers %s to GET %s", k.service, response.Status, response.Request.URL.Path)
	}
	var answer map[string]json.RawMessage
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("the %s service's answer: %w", k.service, err)
	}
	var items []json.RawMessage
	return items, json.Unmarshal(answer[k.list], &items)
}

func serverRow(raw json.RawMessage) (Row, error) {
	var s struct {
		ID        string    `json:"id"`
		Name      string    `json:"name"`
		Status    string    `json:"status"`
		Created   time.Time `json:"created"`
		Addresses map[string][]struct {
			Addr string `json:"addr"`
		} `json:"addresses"`
		Image    any               `json:"image"` // "" when it boots from a volume
		Metadata map[string]string `json:"metadata"`
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		return Row{}, err
	}
	tone := map[string]Tone{"ACTIVE": Good, "ERROR": Bad, "BUILD": Busy, "REBUILD": Busy, "REBOOT": Busy, "RESIZE": Busy, "SHUTOFF": Faint}
	t, known := tone[s.Status]
	if !known {
		t = Warn
	}
	var addresses []string
	for _, list := range s.Addresses {
		for _, a := range list {
			addresses = append(addresses, a.Addr)
		}
	}
	sort.Strings(addresses)
	from := "volume"
	if image, ok := s.Image.(map[string]any); ok {
		from, _ = image["id"].(string)
	}
	if app := s.Metadata["ystack_app"]; app != "" {
		from = app + " " + short(s.Metadata["ystack_revision"])
	}
	return Row{Key: s.ID, Cells: []Cell{
		{Text: s.Name}, {s.Status, t}, {Text: strings.Join(addresses, ",")}, {Text: from}, {Text: ago(s.Created, time.Now())},
	}}, nil
}

func bareMetalRow(raw json.RawMessage) (Row, error) {
	var n struct {
		UUID        string `json:"uuid"`
		Name        string `json:"name"`
		State       string `json:"provision_state"`
		Power       string `json:"power_state"`
		Class       string `json:"resource_class"`
		Instance    string `json:"instance_uuid"`
		Maintenance bool   `json:"maintenance"`
	}
	if err := json.Unmarshal(raw, &n); err != nil {
		return Row{}, err
	}
	state := Cell{n.State, Busy}
	switch {
	case n.Maintenance:
		state = Cell{n.State + ", maintenance", Warn}
	case strings.Contains(n.State, "fail") || n.State == "error":
		state.Tone = Bad
	case n.State == "active":
		state.Tone = Good
	case n.State == "available" || n.State == "manageable" || n.State == "enroll":
		state.Tone = Faint
	}
	name := n.Name
	if name == "" {
		name = n.UUID
	}
	return Row{Key: n.UUID, Cells: []Cell{{Text: name}, state, {Text: n.Power}, {Text: n.Class}, {Text: n.Instance}}}, nil
}

func imageRow(raw json.RawMessage) (Row, error) {
	var i struct {
		ID       string    `json:"id"`
		Name     string    `json:"name"`
		Status   string    `json:"status"`
		Size     int64     `json:"size"`
		Created  time.Time `json:"created_at"`
		Revision string    `json:"ystack_revision"`
		Digest   string    `json:"ystack_sha256"`
	}
	if err := json.Unmarshal(raw, &i); err != nil {
		return Row{}, err
	}
	t := Busy
	switch i.Status {
	case "active":
		t = Good
	case "killed", "deleted", "deactivated":
		t = Bad
	}
	row := Row{Key: i.ID, Cells: []Cell{
		{Text: i.Name}, {i.Status, t}, {Text: short(i.Revision)}, {Text: size(i.Size)}, {Text: ago(i.Created, time.Now())},
	}}
	if i.Digest != "" {
		row.Actions = []Action{copyDigest("sha256:" + strings.TrimPrefix(i.Digest, "sha256:"))}
	}
	return row, nil
}

func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%d B", n)
}
