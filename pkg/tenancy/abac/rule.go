package abac

import (
	"slices"
	"strings"
)

// Groups that the API server gives to every request by itself.
const (
	Authenticated   = "system:authenticated"
	Unauthenticated = "system:unauthenticated"
	anonymous       = "system:anonymous"
)

// Rule is one line, as the API server understands it: "*" for a user or a group has
// become the group of all who are authenticated. "*" stands for every namespace,
// resource, API group or path.
type Rule struct {
	User            string `json:"user,omitempty"`
	Group           string `json:"group,omitempty"`
	Namespace       string `json:"namespace,omitempty"`
	APIGroup        string `json:"apiGroup,omitempty"`
	Resource        string `json:"resource,omitempty"`
	NonResourcePath string `json:"nonResourcePath,omitempty"`
	Readonly        bool   `json:"readonly,omitempty"`
	Line            int    `json:"-"` // in the file it was read from, from 1
}

// Request is what an authorizer is asked. The format knows neither names nor
// subresources, so nothing here says them.
type Request struct {
	User       string   `json:"user"`
	Groups     []string `json:"groups,omitempty"`
	Verb       string   `json:"verb"`
	IsResource bool     `json:"-"`
	Namespace  string   `json:"namespace,omitempty"`
	APIGroup   string   `json:"apiGroup,omitempty"`
	Resource   string   `json:"resource,omitempty"`
	Path       string   `json:"path,omitempty"` // of a request for no resource
}

// readOnly tells reading from writing as the format does. HEAD for a path is writing:
// only resources have it turned into get.
func (q Request) readOnly() bool { return q.Verb == "get" || q.Verb == "list" || q.Verb == "watch" }

// everybody makes "*" what the API server makes of it: a rule for all who are
// authenticated, whatever else it says about its subject.
func (r Rule) everybody() Rule {
	if r.User == "*" || r.Group == "*" {
		r.User, r.Group = "", Authenticated
	}
	return r
}

func (r Rule) forSubject(q Request) bool {
	if r.User == "" && r.Group == "" {
		return false
	}
	return (r.User == "" || r.User == q.User) && (r.Group == "" || slices.Contains(q.Groups, r.Group))
}

func (r Rule) forVerb(q Request) bool { return !r.Readonly || q.readOnly() }

func (r Rule) forTarget(q Request) bool {
	if q.IsResource {
		return oneOrAll(r.Namespace, q.Namespace) && oneOrAll(r.Resource, q.Resource) && oneOrAll(r.APIGroup, q.APIGroup)
	}
	return r.forPath(q.Path)
}

func (r Rule) forPath(path string) bool {
	prefix, open := pathPrefix(r.NonResourcePath)
	return path == prefix || open && strings.HasPrefix(path, prefix)
}

// allows is the whole meaning of a line; an index finds the same faster.
func (r Rule) allows(q Request) bool { return r.forSubject(q) && r.forVerb(q) && r.forTarget(q) }

func oneOrAll(rule, asked string) bool { return rule == "*" || rule == asked }

// pathPrefix splits a path that ends in "*", which stands for any rest.
func pathPrefix(path string) (prefix string, open bool) {
	if !strings.HasSuffix(path, "*") {
		return path, false
	}
	return strings.TrimRight(path, "*"), true
}
