package tenancy

import (
	"cmp"
	"sort"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/keystone"
)

// subjectsUsers names users one by one, for API servers whose webhook does not send our
// groups. What a token is scoped to does not matter then.
const subjectsUsers = "users"

func namesUsers(config *app.TenantSync) bool { return config.Spec.Identity.Subjects == subjectsUsers }

// groupPrefix starts the names of groups, also where users have no prefix: see
// [keystone.Token.Identity].
func groupPrefix(config *app.TenantSync) string {
	return cmp.Or(config.Spec.Identity.Prefix, keystone.DefaultPrefix)
}

// usersByRole are the users who have a role in a scope and may log in there, by role,
// sorted; nothing if groups are named.
func (s *Snapshot) usersByRole(config *app.TenantSync, access *Access, scope Scope) map[string][]Subject {
	if !namesUsers(config) {
		return nil
	}
	users := map[string][]Subject{}
	for _, g := range access.On(scope) {
		user, known := s.Users[g.UserID]
		if !known || s.NoToken(g.UserID, scope) != "" {
			continue
		}
		name, err := keystone.Username(config.Spec.Identity.Prefix, user.Name, keystone.Domain{ID: user.DomainID, Name: s.domainName(user.DomainID)})
		if err != nil {
			continue // the webhook refuses him too
		}
		users[g.RoleID] = append(users[g.RoleID], Subject{Kind: "User", APIGroup: rbacGroup, Name: name})
	}
	for _, some := range users {
		sort.Slice(some, func(i, j int) bool { return some[i].Name < some[j].Name })
	}
	return users
}
