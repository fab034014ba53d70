package openstack

import (
	"context"
	"encoding/json"
	"strings"
)

// world is what Keystone has, by name.
type world struct {
	domains, projects, groups, roles map[Ref]string // ids
	users                            map[Ref]item
	grants                           map[string]bool // by the path that makes them
	implied                          map[[2]string]bool
	seeded                           map[string]bool // ids of users with a seed of one-time passwords
}

// item has what the lists of Keystone tell, each a part of it.
type item struct {
	ID, Name  string
	DomainID  string         `json:"domain_id"`
	Expires   string         `json:"password_expires_at"`
	Options   map[string]any // of a user
	UserID    string         `json:"user_id"`
	Links     struct{ Assignment string }
	PriorRole struct{ Name string } `json:"prior_role"`
	Implies   []struct{ Name string }
}

// list gets all there is of a kind.
func (c *Client) list(ctx context.Context, path, kind string) ([]item, error) {
	var out map[string]json.RawMessage
	if err := c.get(ctx, path, &out); err != nil {
		return nil, err
	}
	var items []item
	return items, json.Unmarshal(out[kind], &items)
}

// look takes stock, in one request for each kind of thing.
func (c *Client) look(ctx context.Context) (*world, error) {
	lists := map[string][]item{}
	for path, kind := range map[string]string{
		"/domains": "domains", "/projects": "projects", "/groups": "groups", "/users": "users", "/roles": "roles",
		"/role_assignments": "role_assignments", "/role_inferences": "role_inferences", "/credentials?type=totp": "credentials",
	} {
		var err error
		if lists[kind], err = c.list(ctx, path, kind); err != nil {
			return nil, err
		}
	}
	for _, domain := range lists["domains"] { // a domain's own roles are listed by it alone
		own, err := c.list(ctx, "/roles?domain_id="+domain.ID, "roles")
		if err != nil {
			return nil, err
		}
		lists["roles"] = append(lists["roles"], own...)
	}
	return newWorld(lists, c.URL), nil
}

func newWorld(lists map[string][]item, url string) *world {
	names := map[string]string{} // of domains, by id
	for _, d := range lists["domains"] {
		names[d.ID] = d.Name
	}
	ids := func(items []item) map[Ref]string {
		m := map[Ref]string{}
		for _, i := range items {
			m[ref(names[i.DomainID], i.Name)] = i.ID
		}
		return m
	}
	w := &world{
		domains: ids(lists["domains"]), projects: ids(lists["projects"]), groups: ids(lists["groups"]), roles: ids(lists["roles"]),
		users: map[Ref]item{}, grants: map[string]bool{}, implied: map[[2]string]bool{}, seeded: map[string]bool{},
	}
	for _, u := range lists["users"] {
		w.users[ref(names[u.DomainID], u.Name)] = u
	}
	for _, g := range lists["role_assignments"] {
		w.grants[strings.TrimPrefix(g.Links.Assignment, url)] = true
	}
	for _, r := range lists["role_inferences"] {
		for _, i := range r.Implies {
			w.implied[[2]string{r.PriorRole.Name, i.Name}] = true
		}
	}
	for _, c := range lists["credentials"] {
		w.seeded[c.UserID] = true
	}
	return w
}
