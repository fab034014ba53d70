//go:build e2e

package tenancy

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ystackdev/ystack/pkg/keystone"
)

// cast is a part of Keystone with every kind of assignment.
type cast struct {
	domain, domain2, domainOff                 string
	top, middle, leaf, other, off, far, behind string
	users                                      map[string]string // ids by name
	one, two, twoB, three, four, ownRole       string
}

func newCast(a *admin) *cast {
	c := &cast{users: map[string]string{}}
	c.domain = a.make("domain", "domains", attributes{"name": "a"})
	c.domain2 = a.make("domain", "domains", attributes{"name": "b"})
	c.domainOff = a.make("domain", "domains", attributes{"name": "off"})
	project := func(name, domain, parent string) string {
		return a.make("project", "projects", attributes{"name": name, "domain_id": domain, "parent_id": parent, "tags": []string{"x"}, "ID": "an attribute of its own", "Enabled": false})
	}
	c.top = project("top", c.domain, c.domain)
	c.middle = project("middle", c.domain, c.top)
	c.leaf = project("leaf", c.domain, c.middle)
	c.other = project("other", c.domain, c.domain)
	c.off = project("off", c.domain, c.domain)
	c.far = project("far", c.domain2, c.domain2)
	c.behind = project("behind", c.domainOff, c.domainOff)

	role := func(name string, domain any) string {
		return a.make("role", "roles", attributes{"name": name, "domain_id": domain})
	}
	c.one, c.two, c.twoB, c.three, c.four = role("one", nil), role("two", nil), role("two-b", nil), role("three", nil), role("four", nil)
	c.ownRole = role("own", c.domain)
	for _, rule := range [][2]string{{c.one, c.two}, {c.one, c.twoB}, {c.two, c.three}, {c.twoB, c.three}, {c.ownRole, c.three}} {
		path := "/roles/" + rule[0] + "/implies/" + rule[1]
		a.must(http.MethodPut, path, nil)
		// On sqlite Keystone keeps the rules of a role that goes, and cannot list any from then on.
		a.t.Cleanup(func() { a.must(http.MethodDelete, path, nil) })
	}
	c.assign(a)
	a.must(http.MethodPatch, "/projects/"+c.off, attributes{"project": attributes{"enabled": false}})
	a.must(http.MethodPatch, "/users/"+c.users["disabled"], attributes{"user": attributes{"enabled": false}})
	a.must(http.MethodPatch, "/domains/"+c.domainOff, attributes{"domain": attributes{"enabled": false}})
	return c
}

func (c *cast) assign(a *admin) {
	user := func(name, domain string) string {
		id := a.make("user", "users", attributes{"name": name, "domain_id": domain, "password": password, "Enabled": false, "NAME": "another"})
		c.users[name] = id
		return id
	}
	group := func(name string, members ...string) string {
		id := a.make("group", "groups", attributes{"name": name, "domain_id": c.domain})
		for _, m := range members {
			a.must(http.MethodPut, "/groups/"+id+"/users/"+m, nil)
		}
		return id
	}
	project := func(id string) Scope { return Scope{ProjectID: id} }
	domain := func(id string) Scope { return Scope{DomainID: id} }
	direct, heir, ofDomain, cross, disabled := user("direct", c.domain), user("heir", c.domain), user("of-domain", c.domain), user("cross", c.domain2), user("disabled", c.domain)
	grouped, twice, system, outside := user("grouped", c.domain), user("twice", c.domain), user("system", c.domain), user("outside", c.domainOff)
	user("nothing", c.domain)
	team, heirs, admins, operators := group("team", grouped, disabled, cross, twice), group("heirs", grouped, twice), group("admins", grouped), group("operators", grouped, system)
	for _, given := range []Assignment{
		{UserID: direct, RoleID: c.one, Scope: project(c.top)},
		{UserID: direct, RoleID: c.three, Scope: project(c.top)},
		{UserID: direct, RoleID: c.four, Scope: project(c.off)},
		{UserID: direct, RoleID: c.four, Scope: project(c.behind)},
		{UserID: heir, RoleID: c.two, Scope: project(c.top), Inherited: true},
		{UserID: heir, RoleID: c.four, Scope: project(c.middle), Inherited: true},
		{UserID: ofDomain, RoleID: c.three, Scope: domain(c.domain)},
		{UserID: ofDomain, RoleID: c.one, Scope: domain(c.domain), Inherited: true},
		{UserID: ofDomain, RoleID: c.four, Scope: domain(c.domain2), Inherited: true},
		{UserID: cross, RoleID: c.ownRole, Scope: project(c.leaf)},
		{UserID: direct, RoleID: c.ownRole, Scope: project(c.leaf), Inherited: true},
		{UserID: twice, RoleID: c.twoB, Scope: project(c.leaf)},
		{UserID: disabled, RoleID: c.one, Scope: project(c.other)},
		{UserID: outside, RoleID: c.one, Scope: project(c.other)},
		{UserID: system, RoleID: c.one, Scope: Scope{System: true}},
		{GroupID: team, RoleID: c.three, Scope: project(c.other)},
		{GroupID: heirs, RoleID: c.one, Scope: project(c.middle), Inherited: true},
		{GroupID: heirs, RoleID: c.four, Scope: domain(c.domain), Inherited: true},
		{GroupID: admins, RoleID: c.four, Scope: domain(c.domain)},
		{GroupID: operators, RoleID: c.two, Scope: Scope{System: true}},
		{GroupID: group("empty"), RoleID: c.one, Scope: project(c.other)},
		{UserID: heir, RoleID: c.one, Scope: project(c.domain2), Inherited: true}, // a domain is a project too
		{UserID: heir, RoleID: c.two, Scope: project(c.domain2)},
	} {
		a.assign(given)
	}
}

// TestLabEffective: what we work out is what Keystone says is effective, for everybody
// in the lab.
func TestLabEffective(t *testing.T) {
	a := newAdmin(t)
	c := newCast(a)
	for _, cloud := range []string{"lab", "lab-system"} {
		t.Run(cloud, func(t *testing.T) {
			s := session(t, labConfig(t, cloud))
			var diff string
			for range 5 { // other tests change Keystone too
				snapshot, err := Read(t.Context(), s, ReadOptions{})
				if err != nil {
					t.Fatal(err)
				}
				effective, err := newReader(s, ReadOptions{}).assignments(t.Context(), "?effective")
				if err != nil {
					t.Fatal(err)
				}
				if diff = cmp.Diff(sorted(plain(effective)), computed(snapshot)); diff == "" {
					t.Logf("%d assignments, %d in effect", len(snapshot.Assignments), len(computed(snapshot)))
					return
				}
			}
			t.Errorf("Keystone's effective assignments (-) and ours (+):\n%s", diff)
		})
	}
	t.Run("tokens", func(t *testing.T) { c.compareTokens(t, a) })
	t.Run("reasons", func(t *testing.T) { c.compareReasons(t, a) })
}

// plain leaves out how an assignment came about.
func plain(list []Assignment) []Assignment {
	for i := range list {
		list[i].Inherited = false
	}
	return list
}

// computed are our grants as assignments, without those on the system, which Keystone's
// list leaves out.
func computed(s *Snapshot) []Assignment {
	var list []Assignment
	for g := range s.Expand().All() {
		if !g.Scope.System {
			list = append(list, Assignment{UserID: g.UserID, RoleID: g.RoleID, Scope: g.Scope})
		}
	}
	return sorted(list)
}

// compareTokens logs everybody in everywhere: the token has the roles that we say, or
// there is none where we say so.
func (c *cast) compareTokens(t *testing.T, a *admin) {
	snapshot, err := Read(t.Context(), a.s, ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	access := snapshot.Expand()
	scopes := map[string]Scope{
		"system": {System: true}, "domain": {DomainID: c.domain}, "domain2": {DomainID: c.domain2},
		"top": {ProjectID: c.top}, "middle": {ProjectID: c.middle}, "leaf": {ProjectID: c.leaf}, "other": {ProjectID: c.other},
		"off": {ProjectID: c.off}, "far": {ProjectID: c.far}, "behind": {ProjectID: c.behind}, "domain2 as project": {ProjectID: c.domain2},
	}
	for name, scope := range scopes {
		roles := map[string][]string{}
		for _, g := range access.On(scope) {
			if snapshot.NoToken(g.UserID, scope) == "" {
				roles[g.UserID] = append(roles[g.UserID], g.RoleID)
			}
		}
		for user, id := range c.users {
			slices.Sort(roles[id])
			if got := tokenRoles(t, id, scope); !slices.Equal(got, roles[id]) {
				t.Errorf("%s on %s: the token has %d roles, we say %d (%q)", user, name, len(got), len(roles[id]), snapshot.NoToken(id, scope))
			}
		}
	}
}

func tokenRoles(t *testing.T, user string, scope Scope) []string {
	t.Helper()
	cfg := labConfig(t, "lab")
	cfg.Username, cfg.UserID, cfg.UserDomainID, cfg.UserDomainName, cfg.Password = "", user, "", "", password
	cfg.Scope = keystone.Scope{ProjectID: scope.ProjectID, DomainID: scope.DomainID, System: scope.System}
	token, err := session(t, cfg).Token(t.Context())
	if errors.Is(err, keystone.ErrUnauthorized) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, role := range token.Roles {
		ids[role.ID] = true
	}
	return slices.Sorted(maps.Keys(ids))
}

// compareReasons has reasons that a person understands.
func (c *cast) compareReasons(t *testing.T, a *admin) {
	snapshot, err := Read(t.Context(), a.s, ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	access := snapshot.Expand()
	for _, scope := range []Scope{{ProjectID: c.top}, {ProjectID: c.leaf}, {DomainID: c.domain}, {System: true}} {
		for _, g := range access.On(scope) {
			if user := snapshot.Users[g.UserID]; strings.HasPrefix(user.Name, a.prefix) {
				lines = append(lines, fmt.Sprintf("%s: %s\n", user.Name, snapshot.Explain(g)))
			}
		}
	}
	slices.Sort(lines)
	golden(t, "explain", strings.ReplaceAll(strings.Join(lines, ""), a.prefix, ""))
}
