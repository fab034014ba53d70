package abac

import (
	"regexp"
	"slices"
	"strings"
)

// subject finds rules that are for others than they seem to be.
func (l *linter) subject(s spec) {
	switch {
	case s.User == "" && s.Group == "":
		l.add(Warning, "", "for nobody: it names neither a user nor a group")
	case s.User == "*" && s.Group != "" && s.Group != "*":
		l.add(Error, "user", `with user "*", everyone authenticated is meant, whatever the group; leave out the user`)
	case s.Group == "*" && s.User != "" && s.User != "*":
		l.add(Error, "group", `with group "*", everyone authenticated is meant, whatever the user; leave out the group`)
	case s.User == anonymous && s.Group != "" && s.Group != Unauthenticated:
		l.add(Warning, "user", anonymous+" is in no group but "+Unauthenticated+": this matches nobody")
	}
	l.system(s.User, s.Group)
	l.lonelyStar("user", s.User)
	l.lonelyStar("group", s.Group)
}

// people are groups of the API server's own making that a policy may well name.
var people = []string{Authenticated, Unauthenticated, "system:serviceaccounts"}

// system finds names that no person and no tenant can bear.
func (l *linter) system(user, group string) {
	switch {
	case group == "system:masters":
		l.add(Warning, "group", "the API server lets system:masters do everything without asking: the line changes nothing")
	case strings.HasPrefix(group, "system:") && !slices.Contains(people, group) && !strings.HasPrefix(group, "system:serviceaccounts:"):
		l.add(Warning, "group", group+" is a group of the cluster's own components")
	}
	if strings.HasPrefix(user, "system:") && user != anonymous && !strings.HasPrefix(user, "system:serviceaccount:") {
		l.add(Warning, "user", user+" is a component of the cluster")
	}
}

// wide finds rules that grant to everyone what few should have.
func (l *linter) wide(r Rule) {
	all := r.Namespace == "*" && r.Resource == "*" && r.APIGroup == "*"
	switch {
	case r.User == anonymous || r.Group == Unauthenticated:
		if r.Resource != "" || !r.Readonly {
			l.add(Warning, "", "without any authentication: "+r.String())
		}
	case r.Group == Authenticated && r.User == "":
		if r.Resource != "" || !r.Readonly {
			l.add(Warning, "", "everyone authenticated: "+r.String())
		}
	case all && !r.Readonly && r.Group != "system:masters":
		l.add(Warning, "", r.subject()+" may do everything in the cluster")
	}
}

var (
	label     = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
	subdomain = regexp.MustCompile(`^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$`)
	version   = regexp.MustCompile(`^v[0-9]+((alpha|beta)[0-9]+)?$`)
)

// names finds names that nothing in Kubernetes can have: such a rule matches nothing.
func (l *linter) names(s spec) {
	if bad(s.Namespace, label) {
		l.add(Warning, "namespace", "no namespace can be called "+quoted(s.Namespace)+l.starHint(s.Namespace))
	}
	switch resource, sub, hasSub := strings.Cut(s.Resource, "/"); {
	case hasSub:
		l.add(Warning, "resource", "the format has no subresources: this matches nothing, and "+quoted(resource)+" grants "+sub+" too")
	case strings.Contains(resource, "."):
		l.add(Warning, "resource", "no resource can be called "+quoted(resource)+`; what is behind the first dot belongs into "apiGroup"`)
	case bad(resource, label):
		l.add(Warning, "resource", "no resource can be called "+quoted(resource)+l.starHint(resource))
	}
	switch {
	case s.APIGroup == "core" || version.MatchString(s.APIGroup):
		l.add(Warning, "apiGroup", `no API group is called `+quoted(s.APIGroup)+`; the core API's is ""`)
	case strings.Contains(s.APIGroup, "/"):
		l.add(Warning, "apiGroup", "no API group can be called "+quoted(s.APIGroup)+"; leave out the version")
	case bad(s.APIGroup, subdomain):
		l.add(Warning, "apiGroup", "no API group can be called "+quoted(s.APIGroup)+l.starHint(s.APIGroup))
	}
}

func bad(name string, valid *regexp.Regexp) bool {
	return name != "" && name != "*" && !valid.MatchString(name)
}

func (l *linter) starHint(name string) string {
	if strings.Contains(name, "*") {
		return `: "*" has a meaning only alone`
	}
	return ""
}

func (l *linter) lonelyStar(name, value string) {
	if strings.Contains(value, "*") && value != "*" {
		l.add(Warning, name, quoted(value)+` is only the one of exactly this name: "*" has a meaning only alone`)
	}
	if strings.TrimSpace(value) != value {
		l.add(Warning, name, quoted(value)+" has a space at its beginning or end, which counts")
	}
}

// home is where resources are that are often named without their API group.
var home = map[string]string{
	"deployments": "apps", "replicasets": "apps", "statefulsets": "apps", "daemonsets": "apps",
	"jobs": "batch", "cronjobs": "batch", "horizontalpodautoscalers": "autoscaling", "poddisruptionbudgets": "policy",
	"ingresses": "networking.k8s.io", "networkpolicies": "networking.k8s.io",
	"roles": "rbac.authorization.k8s.io", "rolebindings": "rbac.authorization.k8s.io",
	"clusterroles": "rbac.authorization.k8s.io", "clusterrolebindings": "rbac.authorization.k8s.io",
	"storageclasses": "storage.k8s.io",
}

// target finds rules for what no request asks for.
func (l *linter) target(d decoded) {
	s, path := d.spec, d.rule.NonResourcePath
	switch {
	case d.v0: // what is not said is granted
	case s.Resource == "" && path == "":
		l.add(Warning, "", "grants nothing: it names neither a resource nor a nonResourcePath")
	case s.Resource == "" && (s.Namespace != "" || s.APIGroup != ""):
		l.add(Warning, "nonResourcePath", "namespace and apiGroup have no effect without a resource: a path is in neither")
	case s.APIGroup == "" && home[s.Resource] != "":
		l.add(Warning, "resource", "matches nothing: "+s.Resource+` are in the API group "`+home[s.Resource]+`", and the line names the core API's, ""`)
	}
	if path == "" || path == "*" {
		return
	}
	if !strings.HasPrefix(path, "/") {
		l.add(Warning, "nonResourcePath", "matches nothing: paths start with a slash")
	} else if prefix, _ := pathPrefix(path); strings.Contains(prefix, "*") {
		l.add(Warning, "nonResourcePath", `matches nothing: "*" has a meaning only at the end of a path`)
	}
}
