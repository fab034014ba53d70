package tenancy

// NoToken says why Keystone gives a user no token for a scope where he has roles, or ""
// if it does. What is switched off keeps its assignments, and they hold again when it is
// switched on.
func (s *Snapshot) NoToken(userID string, scope Scope) string {
	user, known := s.Users[userID]
	switch {
	case !known:
		return "the user does not exist"
	case !user.Enabled:
		return "the user is disabled"
	case !s.Domains[user.DomainID].Enabled:
		return "the user's domain is disabled"
	}
	project, known := s.Projects[scope.ProjectID]
	switch {
	case known && !project.Enabled:
		return "the project is disabled"
	case known && !s.Domains[project.DomainID].Enabled:
		return "the project's domain is disabled"
	case scope.DomainID != "" && !s.Domains[scope.DomainID].Enabled:
		return "the domain is disabled"
	case scope.ProjectID != "" && !known:
		return "no project has this id; Keystone keeps assignments on a domain as if it were one"
	}
	return ""
}
