package keystone

import "slices"

// value is a setting with its origin.
type value struct{ *node }

// settings are a cloud's, by openstackclient's names: top ones and those of auth.
type settings struct{ top, auth map[string]value }

func newSettings() *settings {
	return &settings{top: map[string]value{}, auth: map[string]value{}}
}

func (s *settings) lay(over *settings) {
	for key, v := range over.top {
		s.top[key] = v
	}
	for key, v := range over.auth {
		s.auth[key] = v
	}
}

// is tells whether a value says something: an empty one counts as absent.
func (v value) is() bool {
	return v.node != nil && v.kind != nullNode && (v.kind != stringNode || v.text != "")
}

// has tells whether a setting is given anywhere.
func (s *settings) has(key string) bool { return s.top[key].is() || s.auth[key].is() }

func (s *settings) drop(keys ...string) {
	for _, key := range keys {
		delete(s.top, key)
		delete(s.auth, key)
	}
}

// override lays flags over all else. What openstackclient does not: a flag by name
// replaces an id from below, and a flag's scope a scope of another kind. There the
// cloud's project_id silently beats --os-project-name.
func (s *settings) override(flags map[string]value) {
	groups := [][]string{
		{"project_id", "project_name", "tenant_id", "tenant_name"},
		{"project_domain_id", "project_domain_name"},
		{"user_id", "username", "user_name"},
		{"user_domain_id", "user_domain_name"},
		{"domain_id", "domain_name"},
		{"application_credential_id", "application_credential_name"},
		{"auth_type", "auth_plugin"},
		{"interface", "endpoint_type"},
	}
	for _, group := range groups {
		if hasAny(flags, group...) {
			s.drop(group...)
		}
	}
	switch project := []string{"project_id", "project_name", "tenant_id", "tenant_name"}; {
	case hasAny(flags, project...):
		s.drop("system_scope")
	case hasAny(flags, "system_scope"), hasAny(flags, "domain_id", "domain_name"):
		s.drop(project...)
		if !hasAny(flags, "system_scope") {
			s.drop("system_scope")
		} else {
			s.drop("domain_id", "domain_name")
		}
	}
	for key, v := range flags {
		s.top[key] = v
	}
}

func hasAny(from map[string]value, keys ...string) bool {
	return slices.ContainsFunc(keys, func(key string) bool { return from[key].is() })
}

// normalise brings what has several names and places under one, in the auth section,
// as openstacksdk's magic_fixes does. The last of the names wins, and at each name the
// top level before the auth section: that is where variables and flags are. (In
// openstacksdk of old it was the other way round, so that they did nothing.)
func (s *settings) normalise() {
	for _, names := range [][]string{
		{"domain_id"},
		{"domain_name"},
		{"user_domain_id"},
		{"user_domain_name"},
		{"project_domain_id"},
		{"project_domain_name"},
		{"auth_token", "token"},
		{"passcode"},
		{"tenant_id", "project_id"},
		{"tenant_name", "project_name"},
		{"user_name", "username"},
		{"user_id"},
		{"password"},
		{"auth_url"},
		{"system_scope"},
		{"trust_id"},
		{"default_domain_id"},
		{"default_domain_name"},
		{"application_credential_id"},
		{"application_credential_name"},
		{"application_credential_secret"},
		{"auth_methods"},
	} {
		s.gather(names)
	}
	for _, names := range [][2]string{{"auth_plugin", "auth_type"}, {"endpoint_type", "interface"}} {
		if old := s.top[names[0]]; old.is() && !s.top[names[1]].is() {
			s.top[names[1]] = old
		}
	}
	s.domainShorthand()
}

// gather moves what the names say to the auth section, under the last of them.
func (s *settings) gather(names []string) {
	var winner value
	for _, name := range names {
		for _, section := range []map[string]value{s.auth, s.top} {
			if v := section[name]; v.is() {
				winner = v
			}
		}
		s.drop(name)
	}
	if winner.node != nil {
		s.auth[names[len(names)-1]] = winner
	}
}

// domainShorthand: with a project, a domain is that of user and project; without one
// it is the scope.
func (s *settings) domainShorthand() {
	if !hasAny(s.auth, "project_id", "project_name") {
		return
	}
	for _, kind := range []string{"id", "name"} {
		domain, ok := s.auth["domain_"+kind]
		if !ok {
			continue
		}
		for _, of := range []string{"user_domain_", "project_domain_"} {
			if _, known := s.auth[of+kind]; !known {
				s.auth[of+kind] = domain
			}
		}
		delete(s.auth, "domain_"+kind)
	}
}
