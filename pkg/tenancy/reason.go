package tenancy

import "strings"

// Explain says in words what a grant is and how it comes about: "member on web: manager
// on shop (inherited), through group shopkeepers; manager implies member".
func (s *Snapshot) Explain(g Grant) string {
	given := g.Because.Assignment
	text := s.RoleName(g.RoleID) + " on " + s.ScopeName(g.Scope) + ": "
	if given.RoleID == g.RoleID && given.Scope == g.Scope && given.GroupID == "" {
		return text + "assigned"
	}
	text += s.RoleName(given.RoleID) + " on " + s.ScopeName(given.Scope)
	if given.Inherited {
		text += " (inherited)"
	}
	if given.GroupID != "" {
		text += ", through group " + s.groupName(given.GroupID)
	}
	if len(g.Because.Implied) == 0 {
		return text
	}
	names := make([]string, len(g.Because.Implied))
	for i, role := range g.Because.Implied {
		names[i] = s.RoleName(role)
	}
	return text + "; " + strings.Join(names, " implies ")
}

// RoleName is a role's name, with its domain if it is a domain's own; its id if it is
// not known.
func (s *Snapshot) RoleName(id string) string {
	r, known := s.Roles[id]
	switch {
	case !known:
		return id
	case r.DomainID != "":
		return r.Name + " of " + s.domainName(r.DomainID)
	}
	return r.Name
}

// ScopeName is "web", "domain corp" or "system".
func (s *Snapshot) ScopeName(scope Scope) string {
	p, known := s.Projects[scope.ProjectID]
	switch {
	case scope.System:
		return "system"
	case scope.DomainID != "":
		return "domain " + s.domainName(scope.DomainID)
	case known:
		return p.Name
	}
	return s.domainName(scope.ProjectID) // a domain, taken for a project
}

func (s *Snapshot) groupName(id string) string {
	if g, known := s.Groups[id]; known {
		return g.Name
	}
	return id
}

func (s *Snapshot) domainName(id string) string {
	if d, known := s.Domains[id]; known {
		return d.Name
	}
	return id
}
