package openstack

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// The vectors of RFC 6238, of which an authenticator app shows six digits.
func TestPasscode(t *testing.T) {
	const seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" // 12345678901234567890
	for second, want := range map[int64]string{59: "287082", 1111111109: "081804", 1234567890: "005924", 20000000000: "353130"} {
		if got, err := Passcode(seed, time.Unix(second, 0)); err != nil || got != want {
			t.Errorf("%d: %s, %v; want %s", second, got, err, want)
		}
	}
	if _, err := Passcode("not base32!", time.Now()); err == nil {
		t.Error("a seed that is none was taken")
	}
	if _, err := PasscodeOf("alice", time.Now()); err == nil {
		t.Error("alice has no seed")
	}
}

// Whoever is named anywhere is there, and no password is another's.
func TestPeopleAreWhole(t *testing.T) {
	p := People()
	users, projects := map[Ref]User{}, map[Ref]bool{def("admin"): true}
	owner := map[string]string{}
	for _, u := range p.Users {
		users[u.Ref] = u
		if who := owner[u.Password]; who != "" || u.Password == "" {
			t.Errorf("%s has the password of %q", u.Name, who)
		}
		owner[u.Password] = u.Name
	}
	for _, project := range p.Projects {
		if project.Parent != "" && !projects[ref(project.Domain, project.Parent)] {
			t.Errorf("project %s comes before its parent", project.Name)
		}
		projects[project.Ref] = true
	}
	for _, g := range p.Grants {
		if (g.User != Ref{}) && users[g.User].Name == "" {
			t.Errorf("grant to %v, who is not there", g.User)
		}
		if (g.Project != Ref{}) && !projects[g.Project] {
			t.Errorf("grant on %v, which is not there", g.Project)
		}
		if named := slices.ContainsFunc(p.Groups, func(group Group) bool { return group.Ref == g.Group }); named == (g.User != Ref{}) {
			t.Errorf("grant %+v is to nobody, or to two", g)
		}
	}
	for _, c := range clouds() {
		u := users[ref(c.auth["user_domain_name"], c.auth["username"])]
		if u.Name == "" || (c.auth["password"] != "" && c.auth["password"] != u.Password) {
			t.Errorf("cloud %s: no such user, or another password", c.name)
		}
	}
}

func TestClientFiles(t *testing.T) {
	files := ClientFiles("http://127.0.0.1:1/v3")
	for _, name := range []string{"clouds.yaml", "openrc-admin", "openrc-alice", "openrc-totp", "openrc-reader"} {
		if files[name] == "" {
			t.Errorf("%s is missing", name)
		}
	}
	if rc := files["openrc-alice-corp"]; !strings.Contains(rc, "export OS_USER_DOMAIN_NAME='corp'\n") || !strings.Contains(rc, "export OS_PROJECT_NAME='web'\n") {
		t.Error(rc)
	}
}
