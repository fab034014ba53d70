package tui

import (
	"strconv"
	"strings"
)

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
