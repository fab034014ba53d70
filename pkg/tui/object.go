package tui

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// object is what all kinds have, and the rest where whole objects are asked for.
type object struct {
	Metadata struct {
		Name        string            `json:"name"`
		Namespace   string            `json:"namespace"`
		UID         string            `json:"uid"`
		Created     time.Time         `json:"creationTimestamp"`
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
	raw json.RawMessage
}

// entry is a row with what it is sorted by; the time of creation if it says none.
type entry struct {
	Row
	at time.Time
}

// page is a list, or an event of a watch, in either form.
type page struct {
	Metadata struct {
		Continue        string `json:"continue"`
		ResourceVersion string `json:"resourceVersion"`
	} `json:"metadata"`
	Columns []struct {
		Name string `json:"name"`
	} `json:"columnDefinitions"`
	Rows []struct {
		Cells  []any  `json:"cells"`
		Object object `json:"object"`
	} `json:"rows"`
	Items []json.RawMessage `json:"items"`
}

// thing is an object of a cluster, as its row knows it: path is that of its kind.
type thing struct{ path, namespace, name string }

// url is the path of the object itself.
func (t thing) url() string { return inNamespace(t.path, t.namespace) + "/" + t.name }

// inNamespace is a kind's path within a namespace.
func inNamespace(path, namespace string) string {
	if namespace == "" || strings.Contains(path, "/namespaces/") {
		return path
	}
	i := strings.LastIndex(path, "/")
	return path[:i] + "/namespaces/" + namespace + path[i:]
}

// textOf is a value of the API server's table.
func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case nil:
		return ""
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}
