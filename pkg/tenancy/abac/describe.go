package abac

import "strings"

// String tells what the rule grants: "user alice may read pods in team-a".
func (r Rule) String() string {
	var targets []string
	for _, g := range r.grants() {
		targets = append(targets, g.target())
	}
	if len(targets) == 0 {
		return r.subject() + " may do nothing"
	}
	verbs := "read and write"
	if r.Readonly {
		verbs = "read"
	}
	return r.subject() + " may " + verbs + " " + strings.Join(targets, " and ")
}

func (r Rule) subject() string {
	switch {
	case r.User == "" && r.Group == "":
		return "nobody"
	case r.User == "":
		return "group " + r.Group
	case r.Group == "":
		return "user " + r.User
	}
	return "user " + r.User + " in group " + r.Group
}

// grants are the parts of the rule that real requests can ask for: these have a
// resource, or else a path. Most rules have one.
func (r Rule) grants() []Rule {
	var parts []Rule
	if r.Resource != "" {
		part := r
		part.NonResourcePath = ""
		parts = append(parts, part)
	}
	if r.NonResourcePath != "" {
		part := r
		part.Namespace, part.Resource, part.APIGroup = "", "", ""
		parts = append(parts, part)
	}
	return parts
}

// target is for a rule with one.
func (r Rule) target() string {
	if r.Resource == "" {
		return r.pathTarget()
	}
	return r.resourceTarget() + r.place()
}

func (r Rule) pathTarget() string {
	prefix, open := pathPrefix(r.NonResourcePath)
	switch {
	case !open:
		return "path " + r.NonResourcePath
	case prefix == "":
		return "every path"
	}
	return "every path that starts with " + prefix
}

func (r Rule) resourceTarget() string {
	switch {
	case r.Resource == "*" && r.APIGroup == "*":
		return "every resource"
	case r.Resource == "*" && r.APIGroup == "":
		return "every resource of the core API"
	case r.Resource == "*":
		return "every resource of " + r.APIGroup
	case r.APIGroup == "*":
		return r.Resource + " of every API group"
	case r.APIGroup == "":
		return r.Resource
	}
	return r.Resource + "." + r.APIGroup
}

func (r Rule) place() string {
	switch r.Namespace {
	case "*":
		return " in every namespace and outside"
	case "":
		return " outside of namespaces"
	}
	return " in " + r.Namespace
}
