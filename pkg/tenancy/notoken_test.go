package tenancy

import "testing"

func TestNoToken(t *testing.T) {
	s := &Snapshot{
		Domains: map[string]Domain{"on": {"on", "on", true}, "off": {"off", "off", false}},
		Projects: map[string]Project{
			"on": {ID: "on", DomainID: "on", Enabled: true}, "off": {ID: "off", DomainID: "on"}, "behind": {ID: "behind", DomainID: "off", Enabled: true},
		},
		Users: map[string]User{"on": {"on", "on", "on", true}, "off": {"off", "off", "on", false}, "behind": {"behind", "behind", "off", true}},
	}
	for _, test := range []struct {
		user  string
		scope Scope
		want  string
	}{
		{"on", Scope{ProjectID: "on"}, ""},
		{"on", Scope{DomainID: "on"}, ""},
		{"on", Scope{System: true}, ""},
		{"off", Scope{ProjectID: "on"}, "the user is disabled"},
		{"behind", Scope{System: true}, "the user's domain is disabled"},
		{"gone", Scope{ProjectID: "on"}, "the user does not exist"},
		{"on", Scope{ProjectID: "off"}, "the project is disabled"},
		{"on", Scope{ProjectID: "behind"}, "the project's domain is disabled"},
		{"on", Scope{DomainID: "off"}, "the domain is disabled"},
		{"on", Scope{ProjectID: "gone"}, "no project has this id; Keystone keeps assignments on a domain as if it were one"},
	} {
		if got := s.NoToken(test.user, test.scope); got != test.want {
			t.Errorf("%s on %+v: %q", test.user, test.scope, got)
		}
	}
}
