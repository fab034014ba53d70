package tui

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/ystackdev/ystack/pkg/tenancy"
)

const (
	labelProject     = "ystack.dev/project-id"
	labelQuarantined = "ystack.dev/quarantined"
	ofTenantSync     = "app.kubernetes.io/component=tenant-sync"
)

var tenantTables = []table{
	{pane: "namespaces", path: "/api/v1/namespaces", selector: labelProject, row: tenantRow},
	{pane: "bindings", path: "/apis/rbac.authorization.k8s.io/v1/rolebindings", selector: ofTenantSync, namespaced: true, whole: true, row: bindingRow},
}

func tenantRow(o object, c map[string]string) (entry, bool) {
	state := Cell{"active", Good}
	switch {
	case c["Status"] == "Terminating":
		state = Cell{"terminating", Busy}
	case o.Metadata.Labels[labelQuarantined] != "":
		state = Cell{"quarantined", Warn}
	}
	a := o.Metadata.Annotations
	return entry{Row: Row{Cells: []Cell{
		{Text: o.Metadata.Name},
		state,
		{Text: a["ystack.dev/project"]},
		{Text: a["ystack.dev/domain"]},
		{Text: o.Metadata.Labels[labelProject]},
	}}}, true
}

func bindingRow(o object, _ map[string]string) (entry, bool) {
	var b struct {
		RoleRef struct {
			Name string `json:"name"`
		} `json:"roleRef"`
		Subjects []struct {
			Kind string `json:"kind"`
			Name string `json:"name"`
		} `json:"subjects"`
	}
	if json.Unmarshal(o.raw, &b) != nil {
		return entry{}, false
	}
	var subjects []string
	for _, s := range b.Subjects {
		subjects = append(subjects, strings.ToLower(s.Kind)+" "+s.Name)
	}
	return entry{Row: Row{Cells: []Cell{
		{Text: o.Metadata.Namespace}, {Text: b.RoleRef.Name}, {Text: strings.Join(subjects, ", ")},
	}}}, true
}

// drift compares the cluster with Keystone and the TenantSync, as tenant-sync --diff
// does: when what ystack made changes, and every minute, since Keystone does not tell.
func (h *hub) drift(ctx context.Context, f *feed) error {
	client, err := h.client(f.origin)
	if err != nil {
		return err
	}
	session, err := h.session(h.TenantCloud)
	if err != nil {
		return err
	}
	ours := []kindPath{
		{"/api/v1/namespaces", labelProject},
		{"/apis/rbac.authorization.k8s.io/v1/rolebindings", ofTenantSync},
	}
	for ctx.Err() == nil {
		config, err := h.TenantSync()
		if err != nil {
			return err
		}
		marks := mark(ctx, client, ours)
		plan, err := tenancy.Prepare(ctx, session, client, config, tenancy.PlanOptions{})
		if err != nil {
			return err
		}
		note := "none"
		rows := driftRows(plan)
		if len(rows) > 0 {
			note = "tenant-sync would mend it"
		}
		f.rows(rows, note+", compared at "+time.Now().Format(clock))
		f.await(ctx, client, marks, askAgain)
	}
	return ctx.Err()
}

func driftRows(p *tenancy.Plan) []Row {
	var rows []Row
	add := func(what string, t Tone, object, reason, all string) {
		rows = append(rows, Row{Key: what + all, Object: []Line{{all, t}}, Cells: []Cell{{what, t}, {Text: object}, {Text: reason}}})
	}
	for _, c := range p.Changes {
		add(string(c.Action), Warn, c.Object.String(), c.Reason, c.String())
	}
	for _, c := range p.Held {
		add("held back", Bad, c.Object.String(), c.Reason, "held back: "+c.String()+"; "+p.Caps)
	}
	for _, c := range p.Conflicts {
		add("left alone", Warn, "", c, c)
	}
	return rows
}
