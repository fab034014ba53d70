package tenancy

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"slices"

	"github.com/ystackdev/ystack/pkg/keystone"
)

// complete gets what is named and not there yet. Domains come before projects, since
// they count as projects, and after them, for theirs.
func (r *reader) complete(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		r.completeGroups, r.completeUsers, r.completeRoles, r.completeDomains, r.completeProjects, r.completeDomains,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// completeGroups gets the groups that assignments name, with their members.
func (r *reader) completeGroups(ctx context.Context) error {
	named := names{}
	for _, a := range r.snapshot.Assignments {
		named.add(a.GroupID)
	}
	if err := complete(ctx, r, groups, r.groups, named); err != nil {
		return err
	}
	var unread []Group
	for id := range named {
		group, known := r.groups[id]
		if _, done := r.snapshot.Groups[id]; known && !done {
			unread = append(unread, group)
		}
	}
	return r.readMembers(ctx, unread)
}

func (r *reader) readMembers(ctx context.Context, unread []Group) error {
	g, ctx := r.group(ctx)
	for _, group := range unread {
		g.Go(func() error {
			members, err := r.membersOf(ctx, group)
			if errors.Is(err, keystone.ErrNotFound) { // deleted since
				return nil
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			for _, u := range members {
				r.snapshot.Users[u.ID] = u
				group.Members = append(group.Members, u.ID)
			}
			slices.Sort(group.Members)
			r.snapshot.Groups[group.ID] = group
			return err
		})
	}
	return g.Wait()
}

func (r *reader) membersOf(ctx context.Context, g Group) ([]User, error) {
	if !r.members {
		return nil, nil
	}
	q := question{path: "/v3/groups/" + url.PathEscape(g.ID) + "/users", what: "list the members of group " + g.Name, right: "list_users_in_group"}
	return list(ctx, r, q, users.many, users.decode)
}

func (r *reader) completeUsers(ctx context.Context) error {
	named := names{}
	for _, a := range r.snapshot.Assignments {
		named.add(a.UserID)
	}
	return complete(ctx, r, users, r.snapshot.Users, named)
}

func (r *reader) completeRoles(ctx context.Context) error {
	named := names{}
	for _, a := range r.snapshot.Assignments {
		named.add(a.RoleID)
	}
	for prior, implied := range r.snapshot.Implied {
		named.add(prior)
		named.add(implied...)
	}
	return complete(ctx, r, roles, r.snapshot.Roles, named)
}

// completeProjects gets what is named of projects, then what is above these. A domain
// is a project too, but not in the list.
func (r *reader) completeProjects(ctx context.Context) error {
	for {
		named := names{}
		for _, a := range r.snapshot.Assignments {
			named.add(a.Scope.ProjectID)
		}
		for _, p := range r.snapshot.Projects {
			if p.ParentID != p.DomainID {
				named.add(p.ParentID)
			}
		}
		for id := range r.snapshot.Domains {
			delete(named, id)
		}
		before := len(r.snapshot.Projects)
		if err := complete(ctx, r, projects, r.snapshot.Projects, named); err != nil || len(r.snapshot.Projects) == before {
			return err
		}
	}
}

func (r *reader) completeDomains(ctx context.Context) error {
	named, s := names{}, r.snapshot
	for _, a := range s.Assignments {
		named.add(a.Scope.DomainID)
	}
	for _, p := range s.Projects {
		named.add(p.DomainID)
	}
	for _, u := range s.Users {
		named.add(u.DomainID)
	}
	for _, g := range s.Groups {
		named.add(g.DomainID)
	}
	for _, x := range s.Roles {
		named.add(x.DomainID)
	}
	return complete(ctx, r, domains, s.Domains, named)
}

// names are ids that something names.
type names map[string]bool

func (n names) add(ids ...string) {
	for _, id := range ids {
		if id != "" {
			n[id] = true
		}
	}
}

// complete gets those of a kind that are named and not known. Of a kind whose list has
// everyone, it lists all again, for those who are new, and insists.
func complete[T any](ctx context.Context, r *reader, k kind[T], known map[string]T, named names) error {
	lacking := r.lacking(k.one, named, func(id string) bool { _, there := known[id]; return there })
	if len(lacking) > 0 && k.everyone != nil {
		again, err := all(ctx, r, k)
		if err != nil {
			return err
		}
		maps.Copy(known, again)
		lacking = slices.DeleteFunc(lacking, func(id string) bool { _, there := again[id]; return there })
	}
	g, ctx := r.group(ctx)
	for _, id := range lacking {
		g.Go(func() error {
			one, err := single(ctx, r, k.get(id), k.one, k.decode)
			r.mu.Lock()
			defer r.mu.Unlock()
			switch {
			case errors.Is(err, keystone.ErrNotFound):
				r.gone[k.one+" "+id] = true
				return nil
			case err != nil:
				return err
			case k.id(one) != id:
				return k.get(id).partial("the answer is another %s", k.one)
			case k.everyone != nil && k.everyone(one):
				return k.list().partial("the list lacks %s %s, which Keystone has", k.one, id)
			}
			known[id] = one
			return nil
		})
	}
	return g.Wait()
}

// lacking are the names that are neither known nor known to be gone.
func (r *reader) lacking(kind string, named names, known func(string) bool) []string {
	var ids []string
	for id := range named {
		if !known(id) && !r.gone[kind+" "+id] {
			ids = append(ids, id)
		}
	}
	return ids
}
