package keystone

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func user(name, domain string) *Token {
	id := "id-of-" + domain
	if domain == "Default" {
		id = "default"
	}
	return &Token{User: User{ID: "u-" + name + "/" + domain, Name: name, Domain: Domain{ID: id, Name: domain}}}
}

func TestUsername(t *testing.T) {
	tests := []struct{ prefix, user, domain, want string }{
		{"keystone:", "alice", "Default", "keystone:alice"},
		{"keystone:", "alice", "corp", "keystone:alice@corp"},
		{"keystone:", "alice@corp", "Default", "keystone:alice@corp@Default"},
		{"keystone:", "alice", "a@b%", "keystone:alice@a%40b%25"},
		{"keystone:", "alice%40", "corp", "keystone:alice%40@corp"},
		{"keystone:", "kubernetes-admin", "Default", "keystone:kubernetes-admin"},
		{"keystone:", "keystone:x", "Default", "keystone:keystone:x"},
		{"keystone:", "system:admin", "Default", ""},
		{"keystone:", "system:admin", "corp", ""},
		{"keystone:", "System:admin", "Default", "keystone:System:admin"},
		{"", "alice", "Default", "alice"},
		{"", "system:admin", "corp", ""},
		{"sys", "tem:admin", "Default", ""},
		{"system:", "alice", "Default", ""},
		{"keystone:", "", "Default", ""},
		{"keystone:", "alice", "", ""},
		{"keystone:", "al\ufffdice", "Default", ""},
	}
	for _, test := range tests {
		got, err := user(test.user, test.domain).Identity(test.prefix)
		if got.Username != test.want || (err == nil) != (test.want != "") || err != nil && !errors.Is(err, ErrRefusedName) {
			t.Errorf("%q of %q: got %q, %v, want %q", test.user, test.domain, got.Username, err, test.want)
		}
		if err != nil {
			t.Log(err)
		}
	}
}

func TestIdentity(t *testing.T) {
	roles := []Role{{"r1", "member"}, {"r2", "reader"}}
	project := user("alice", "corp")
	project.Project, project.Roles = &Project{ID: "p1", Name: "blue", Domain: Domain{"d1", "D"}}, roles
	domain := user("alice", "corp")
	domain.Domain, domain.Roles = &Domain{"d1", "D"}, roles[:1]
	system := user("alice", "corp")
	system.System, system.Roles = true, roles[:1]
	const key = "alpha.kubernetes.io/identity/"
	extra := func(more map[string][]string) map[string][]string {
		all := map[string][]string{key + "user/domain/id": {"id-of-corp"}, key + "user/domain/name": {"corp"}}
		for k, v := range more {
			all[key+k] = v
		}
		return all
	}
	tests := []struct {
		name, prefix string
		token        *Token
		want         Identity
	}{
		{"project", "keystone:", project, Identity{
			"keystone:alice@corp", "u-alice/corp",
			[]string{"keystone:project:p1", "keystone:project:p1:role:member", "keystone:project:p1:role:reader"},
			extra(map[string][]string{"project/id": {"p1"}, "project/name": {"blue"}, "roles": {"member", "reader"}}),
		}},
		{"domain", "east:", domain, Identity{"east:alice@corp", "u-alice/corp", []string{"east:domain:d1:role:member"}, extra(map[string][]string{"roles": {"member"}})}},
		{"system", "keystone:", system, Identity{"keystone:alice@corp", "u-alice/corp", []string{"keystone:system:role:member"}, extra(map[string][]string{"roles": {"member"}})}},
		{"system, no prefix", "", system, Identity{"alice@corp", "u-alice/corp", []string{"keystone:system:role:member"}, extra(map[string][]string{"roles": {"member"}})}},
		{"unscoped", "keystone:", user("alice", "corp"), Identity{"keystone:alice@corp", "u-alice/corp", nil, extra(nil)}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.token.Identity(test.prefix)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// names are short and full of what matters, so that they collide if they can.
func names() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringOfN(rapid.RuneFrom([]rune("a@%420:")), 1, 6, -1),
		rapid.SampledFrom([]string{"alice", "alice@corp", "corp", "Default", "default", "system:admin", "system:", "keystone:x", "%40", "%2540"}),
		rapid.StringN(1, 20, -1),
	)
}

// TestNamesAreInjective: two users never have one name, and a name says whose it is.
func TestNamesAreInjective(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		prefix := rapid.SampledFrom([]string{"keystone:", "", "east:", "a", "sys", "a@b:"}).Draw(t, "prefix")
		user1, domain1 := names().Draw(t, "user1"), names().Draw(t, "domain1")
		user2, domain2 := names().Draw(t, "user2"), names().Draw(t, "domain2")
		one, err1 := user(user1, domain1).Identity(prefix)
		two, err2 := user(user2, domain2).Identity(prefix)
		if err1 == nil && err2 == nil && (one.Username == two.Username) != (user1 == user2 && domain1 == domain2) {
			t.Fatalf("%q of %q and %q of %q: %q and %q", user1, domain1, user2, domain2, one.Username, two.Username)
		}
		if err1 != nil {
			return
		}
		if !strings.HasPrefix(one.Username, prefix) || strings.HasPrefix(one.Username, "system:") || strings.HasPrefix(one.Username[len(prefix):], "system:") {
			t.Fatalf("%q is Kubernetes' own", one.Username)
		}
		who, where, ok := ParseUsername(prefix, one.Username)
		if where == "" {
			where = "Default"
		}
		if !ok || who != user1 || where != domain1 {
			t.Fatalf("%q comes back as %q of %q, %v", one.Username, who, where, ok)
		}
	})
}

// TestParsedNamesComeBack: whatever ParseUsername takes for a user's name is one.
func TestParsedNamesComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{"", "keystone:", "system:"}).Draw(t, "start") + names().Draw(t, "name")
		who, where, ok := ParseUsername("keystone:", name)
		if !ok {
			return
		}
		if where == "" {
			where = "Default"
		} else if where == "Default" {
			where = "Other" // a default domain that was given another name
			name = strings.TrimSuffix(name, "Default") + "Other"
		}
		got, err := user(who, where).Identity("keystone:")
		if err != nil || got.Username != name {
			t.Fatalf("%q is %q of %q, who is %q: %v", name, who, where, got.Username, err)
		}
	})
}

// TestGroupsAreNotKubernetes: no token gets into one of Kubernetes' own groups.
func TestGroupsAreNotKubernetes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		token := user("alice", "corp")
		token.Roles = []Role{{"r", names().Draw(t, "role")}}
		switch rapid.IntRange(0, 2).Draw(t, "scope") {
		case 0:
			token.Project = &Project{ID: names().Draw(t, "id")}
		case 1:
			token.Domain = &Domain{ID: names().Draw(t, "id")}
		case 2:
			token.System = true
		}
		prefix := rapid.SampledFrom([]string{"", "keystone:", "a:"}).Draw(t, "prefix")
		got, err := token.Identity(prefix)
		if err != nil {
			t.Fatal(err)
		}
		for _, group := range got.Groups {
			if strings.HasPrefix(group, "system:") || prefix != "" && !strings.HasPrefix(group, prefix) {
				t.Fatalf("group %q", group)
			}
		}
	})
}
