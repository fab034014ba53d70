package tui

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

const (
	ourLabel           = "app.kubernetes.io/managed-by=ystack"
	labelName          = "app.kubernetes.io/name"
	annotationRevision = "ystack.dev/revision"
	annotationRun      = "ystack.dev/run"
)

// clusterTables are the kinds of the screen of the cluster that are followed.
var clusterTables = []table{
	{pane: "applications", path: "/apis/apps/v1/deployments", selector: ourLabel, namespaced: true, whole: true, row: applicationRow},
	{pane: "nodes", path: "/api/v1/nodes", row: nodeRow},
	{pane: "pods", path: "/api/v1/pods", namespaced: true, row: podRow},
	{
		pane: "events", path: "/api/v1/events", namespaced: true, whole: true, row: eventRow, most: 300,
		less: func(a, b *entry) bool { return a.at.After(b.at) },
	},
}

// rollback goes to the revision before the current one.
var rollback = Action{Key: "b", Label: "roll back", Kind: "rollback"}

func applicationRow(o object, _ map[string]string) (entry, bool) {
	var d struct {
		Spec struct {
			Replicas *int32 `json:"replicas"`
			Template struct {
				Spec struct {
					Containers []struct {
						Image string `json:"image"`
					} `json:"containers"`
				} `json:"spec"`
			} `json:"template"`
		} `json:"spec"`
		Status deploymentStatus `json:"status"`
	}
	if json.Unmarshal(o.raw, &d) != nil {
		return entry{}, false
	}
	wanted := int32(1)
	if d.Spec.Replicas != nil {
		wanted = *d.Spec.Replicas
	}
	name := o.Metadata.Labels[labelName]
	if name == "" {
		name = o.Metadata.Name
	}
	row := Row{Cells: []Cell{
		{Text: name},
		{Text: o.Metadata.Namespace},
		d.Status.health(wanted),
		{Text: fmt.Sprintf("%d/%d", d.Status.Ready, wanted)},
		{Text: short(o.Metadata.Annotations[annotationRevision])},
		{Text: o.Metadata.Annotations[annotationRun]},
	}}
	back := rollback
	back.Ask = fmt.Sprintf("roll %s in namespace %s back to the revision before?", name, o.Metadata.Namespace)
	row.Actions = []Action{back}
	if c := d.Spec.Template.Spec.Containers; len(c) > 0 {
		if _, digest, ok := strings.Cut(c[0].Image, "@"); ok {
			row.Actions = append(row.Actions, copyDigest(digest))
		}
	}
	return entry{Row: row}, true
}

func copyDigest(digest string) Action {
	return Action{Key: "y", Label: "copy digest", Kind: "copy " + digest, Ask: "copy " + digest + " to the clipboard?"}
}

type deploymentStatus struct {
	Replicas   int32 `json:"replicas"`
	Updated    int32 `json:"updatedReplicas"`
	Ready      int32 `json:"readyReplicas"`
	Available  int32 `json:"availableReplicas"`
	Conditions []struct {
		Type    string `json:"type"`
		Status  string `json:"status"`
		Reason  string `json:"reason"`
		Message string `json:"message"`
	} `json:"conditions"`
}

func (s *deploymentStatus) health(wanted int32) Cell {
	for _, c := range s.Conditions {
		if c.Type == "Progressing" && c.Status == "False" || c.Type == "ReplicaFailure" && c.Status == "True" {
			return Cell{"failed: " + c.Reason, Bad}
		}
	}
	switch {
	case wanted == 0:
		return Cell{"scaled to none", Faint}
	case s.Updated == wanted && s.Available == wanted && s.Replicas == wanted:
		return Cell{"healthy", Good}
	case s.Updated < wanted || s.Replicas > s.Updated:
		return Cell{"rolling out", Busy}
	}
	return Cell{"not available", Bad}
}

func nodeRow(o object, c map[string]string) (entry, bool) {
	tone := Bad
	switch {
	case c["Status"] == "Ready":
		tone = Good
	case strings.HasPrefix(c["Status"], "Ready"): // Ready,SchedulingDisabled
		tone = Warn
	}
	return entry{Row: Row{Cells: []Cell{
		{Text: o.Metadata.Name},
		{c["Status"], tone},
		{Text: c["Roles"]},
		{Text: c["Version"]},
		{Text: c["Internal-IP"]},
		{Text: ago(o.Metadata.Created, time.Now())},
	}}}, true
}

// podTone knows the words of kubectl's column.
func podTone(status, ready string) Tone {
	have, want, _ := strings.Cut(ready, "/")
	switch status {
	case "Running":
		if have == want {
			return Good
		}
		return Warn
	case "Completed", "Succeeded":
		return Faint
	case "Pending", "ContainerCreating", "PodInitializing", "Terminating":
		return Busy
	}
	if strings.HasPrefix(status, "Init:") && !strings.Contains(status, "Err") && !strings.Contains(status, "BackOff") {
		return Busy
	}
	return Bad
}

func podRow(o object, c map[string]string) (entry, bool) {
	logs := Action{Key: "l", Label: "logs", Kind: openLogs, Ask: "open the logs of pod " + o.Metadata.Name + "?"}
	return entry{Row: Row{
		Cells: []Cell{
			{Text: o.Metadata.Name},
			{Text: o.Metadata.Namespace},
			{c["Status"], podTone(c["Status"], c["Ready"])},
			{Text: c["Ready"]},
			{Text: c["Restarts"]},
			{Text: c["Node"]},
			{Text: ago(o.Metadata.Created, time.Now())},
		},
		Actions: []Action{logs},
	}}, true
}

func eventRow(o object, _ map[string]string) (entry, bool) {
	var e struct {
		Last     time.Time `json:"lastTimestamp"`
		Time     time.Time `json:"eventTime"`
		Type     string    `json:"type"`
		Reason   string    `json:"reason"`
		Message  string    `json:"message"`
		Count    int       `json:"count"`
		Involved struct {
			Kind      string `json:"kind"`
			Namespace string `json:"namespace"`
			Name      string `json:"name"`
		} `json:"involvedObject"`
		Series struct {
			Count int       `json:"count"`
			Last  time.Time `json:"lastObservedTime"`
		} `json:"series"`
	}
	if json.Unmarshal(o.raw, &e) != nil {
		return entry{}, false
	}
	last := e.Last
	for _, t := range []time.Time{e.Time, e.Series.Last, o.Metadata.Created} {
		if t.After(last) {
			last = t
		}
	}
	tone := Plain
	if e.Type != "Normal" {
		tone = Warn
	}
	return entry{Row{Cells: []Cell{
		{Text: ago(last, time.Now())},
		{e.Type, tone},
		{Text: e.Reason},
		{Text: strings.ToLower(e.Involved.Kind) + "/" + e.Involved.Name},
		{Text: fmt.Sprint(max(e.Count, e.Series.Count, 1))},
		{Text: e.Message},
	}}, last}, true
}

// short cuts a full commit; one that says "dirty" is short already.
func short(revision string) string {
	if len(revision) == 40 || len(revision) == 64 {
		return revision[:12]
	}
	return revision
}
