package rbac

import (
	"slices"
	"strings"
)

// Rule is one of a role's, as the API server has it.
type Rule struct {
	Verbs           []string `json:"verbs"`
	APIGroups       []string `json:"apiGroups,omitempty"`
	Resources       []string `json:"resources,omitempty"`
	ResourceNames   []string `json:"resourceNames,omitempty"`
	NonResourceURLs []string `json:"nonResourceURLs,omitempty"`
}

// Request is what the authorizer is asked. Resource has its subresource behind a slash;
// Path is for what is no resource.
type Request struct {
	Verb, Namespace, APIGroup, Resource, Name string
	Path                                      string
}

func (r Rule) allows(q Request) bool {
	if !oneOrAll(r.Verbs, q.Verb) {
		return false
	}
	if q.Path != "" {
		return slices.ContainsFunc(r.NonResourceURLs, func(url string) bool { return matchesPath(url, q.Path) })
	}
	return oneOrAll(r.APIGroups, q.APIGroup) && r.forResource(q.Resource) &&
		(len(r.ResourceNames) == 0 || slices.Contains(r.ResourceNames, q.Name))
}

// forResource knows "*/scale" as the API server does: that subresource of everything.
func (r Rule) forResource(resource string) bool {
	if oneOrAll(r.Resources, resource) {
		return true
	}
	_, sub, has := strings.Cut(resource, "/")
	return has && slices.Contains(r.Resources, "*/"+sub)
}

func oneOrAll(names []string, name string) bool {
	return slices.Contains(names, "*") || slices.Contains(names, name)
}

func matchesPath(url, path string) bool {
	prefix, open := strings.CutSuffix(url, "*")
	return url == path || open && strings.HasPrefix(path, prefix)
}
