//go:build e2e

package tenancy

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ystackdev/ystack/pkg/keystone"
)

// The first list that is read, and the last before details are asked for, with one
// request at a time.
const (
	firstList = `^/v3/role_assignments$`
	lastList  = `^/v3/groups$`
)

// readWhile reads, and changes Keystone when it has answered with a list.
func readWhile(t *testing.T, list string, change func()) *Snapshot {
	t.Helper()
	var once sync.Once
	s, err := Read(t.Context(), throughProxy(t, list, func(r *http.Response, _ map[string]any) {
		if r.Request.URL.RawQuery == "" {
			once.Do(change)
		}
	}), ReadOptions{Concurrency: 1})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// has tells whether a user has a role somewhere.
func (s *Snapshot) has(user, role string, scope Scope) bool {
	return slices.ContainsFunc(s.Expand().On(scope), func(g Grant) bool { return g.UserID == user && g.RoleID == role })
}

// TestLabChanging: Keystone changes while it is read.
func TestLabChanging(t *testing.T) {
	a := newAdmin(t)
	domain := a.make("domain", "domains", attributes{"name": "d"})
	project := a.make("project", "projects", attributes{"name": "p", "domain_id": domain})
	role := a.make("role", "roles", attributes{"name": "r"})
	user := a.make("user", "users", attributes{"name": "u", "domain_id": domain})
	group := a.make("group", "groups", attributes{"name": "g", "domain_id": domain})
	here := Scope{ProjectID: project}
	direct, through := Assignment{UserID: user, RoleID: role, Scope: here}, Assignment{GroupID: group, RoleID: role, Scope: here}
	revoke := func(given Assignment) {
		a.must(http.MethodDelete, strings.TrimPrefix(given.question().path, "/v3"), nil)
	}
	membership := "/groups/" + group + "/users/" + user
	reread := func(t *testing.T) *Snapshot {
		t.Helper()
		s, err := Read(t.Context(), a.s, ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}

	t.Run("into a group", func(t *testing.T) {
		a.assign(direct)
		s := readWhile(t, firstList, func() {
			a.assign(through)
			a.must(http.MethodPut, membership, nil)
			revoke(direct)
		})
		if !s.has(user, role, here) || !reread(t).has(user, role, here) {
			t.Error("the user, who has had the role all the time, seems to have lost it")
		}
	})
	t.Run("out of a group", func(t *testing.T) {
		s := readWhile(t, firstList, func() {
			a.assign(direct)
			a.must(http.MethodDelete, membership, nil)
		})
		if !s.has(user, role, here) || !reread(t).has(user, role, here) {
			t.Error("the user, who has had the role all the time, seems to have lost it")
		}
	})
	t.Run("revoked", func(t *testing.T) {
		s := readWhile(t, firstList, func() { revoke(direct) })
		if !s.has(user, role, here) {
			t.Error("what is taken away while reading is to be seen once more")
		}
		if reread(t).has(user, role, here) {
			t.Error("and not twice")
		}
	})
	for _, list := range []string{firstList, lastList} {
		t.Run("all new after "+list, func(t *testing.T) {
			suffix := map[string]string{firstList: "1", lastList: "2"}[list]
			var user2, role2, below string
			s := readWhile(t, list, func() {
				middle := a.make("project", "projects", attributes{"name": "new" + suffix, "domain_id": domain, "parent_id": project})
				below = a.make("project", "projects", attributes{"name": "newer" + suffix, "domain_id": domain, "parent_id": middle})
				role2 = a.make("role", "roles", attributes{"name": "new" + suffix})
				user2 = a.make("user", "users", attributes{"name": "new" + suffix, "domain_id": domain})
				group := a.make("group", "groups", attributes{"name": "new" + suffix, "domain_id": domain})
				a.must(http.MethodPut, "/groups/"+group+"/users/"+user2, nil)
				a.assign(Assignment{GroupID: group, RoleID: role, Scope: here, Inherited: true})
				a.assign(Assignment{UserID: user2, RoleID: role, Scope: Scope{ProjectID: below}})
				a.assign(Assignment{UserID: user2, RoleID: role2, Scope: Scope{ProjectID: below}})
			})
			if !s.has(user2, role, Scope{ProjectID: below}) {
				t.Error("the second list of assignments names it all, but it is not there")
			}
			if s := reread(t); !s.has(user2, role, Scope{ProjectID: below}) || !s.has(user2, role2, Scope{ProjectID: below}) {
				t.Error("the next reading lacks it too")
			}
		})
	}
	t.Run("all gone", func(t *testing.T) {
		project := a.make("project", "projects", attributes{"name": "old", "domain_id": domain})
		user := a.make("user", "users", attributes{"name": "old", "domain_id": domain})
		group := a.make("group", "groups", attributes{"name": "old", "domain_id": domain})
		a.assign(Assignment{UserID: user, RoleID: role, Scope: Scope{ProjectID: project}})
		a.assign(Assignment{GroupID: group, RoleID: role, Scope: here})
		readWhile(t, firstList, func() {
			for _, path := range []string{"/projects/" + project, "/users/" + user, "/groups/" + group} {
				a.must(http.MethodDelete, path, nil)
			}
		})
		s := reread(t)
		if s.Projects[project].ID+s.Users[user].ID+s.Groups[group].ID != "" {
			t.Error("what is gone is still there in the next reading")
		}
	})
}

// TestLabRights: who sees only a part is refused, and told what is missing.
func TestLabRights(t *testing.T) {
	for cloud, want := range map[string]struct {
		kind error
		text string
	}{
		"lab-auditor": {nil, ""},
		"lab-chief":   {ErrPartial, "domain corp"},
		"lab-nobody":  {ErrPartial, "nothing"},
		"lab-bob":     {keystone.ErrForbidden, "identity:list_"},
	} {
		t.Run(cloud, func(t *testing.T) {
			// lab-auditor's catalogue is that of every token.
			_, err := Read(context.Background(), session(t, labConfig(t, cloud)), ReadOptions{})
			if !errors.Is(err, want.kind) || err != nil && !strings.Contains(err.Error(), want.text) {
				t.Errorf("got %v", err)
			}
			t.Log(err)
		})
	}
}
