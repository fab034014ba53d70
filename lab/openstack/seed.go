package openstack

import (
	"context"
	"fmt"
)

// Seed brings into Keystone what is missing of the content. Expire is called
// with the id of a user whose password is to be too old, since Keystone has no
// request for that.
func (c *Client) Seed(ctx context.Context, content Content, expire func(context.Context, string) error) error {
	admin, _, err := c.admin(ctx)
	if err != nil {
		return err
	}
	w, err := admin.look(ctx)
	if err != nil {
		return err
	}
	s := &seeder{Client: admin, anonymous: c, world: w, expire: expire}
	for _, step := range []func(context.Context, Content) error{
		s.seedDomains, s.seedProjects, s.seedRoles, s.seedUsers, s.seedGroups, s.seedGrants, s.seedAppCreds, s.lock,
	} {
		if err := step(ctx, content); err != nil {
			return fmt.Errorf("seed: %w", err)
		}
	}
	return nil
}

type seeder struct {
	*Client
	anonymous *Client
	world     *world
	expire    func(context.Context, string) error
}

// ensure creates a thing unless its id is known, and notes the id.
func (s *seeder) ensure(ctx context.Context, ids map[Ref]string, name Ref, path, kind string, attributes object) error {
	if ids[name] != "" {
		return nil
	}
	attributes["name"] = name.Name
	if name.Domain != "" {
		attributes["domain_id"] = s.domain(name.Domain)
	}
	id, err := s.create(ctx, path, kind, attributes)
	ids[name] = id
	return err
}

func (s *seeder) domain(name string) string { return s.world.domains[ref("", name)] }

func (s *seeder) seedDomains(ctx context.Context, content Content) error {
	for _, name := range content.Domains {
		if err := s.ensure(ctx, s.world.domains, ref("", name), "/domains", "domain", object{}); err != nil {
			return err
		}
	}
	return nil
}

func (s *seeder) seedProjects(ctx context.Context, content Content) error {
	for _, p := range content.Projects {
		attributes := object{}
		if p.Parent != "" {
			attributes["parent_id"] = s.world.projects[ref(p.Domain, p.Parent)]
		}
		if err := s.ensure(ctx, s.world.projects, p.Ref, "/projects", "project", attributes); err != nil {
			return err
		}
	}
	return nil
}

func (s *seeder) seedRoles(ctx context.Context, content Content) error {
	for _, name := range content.Roles {
		if err := s.ensure(ctx, s.world.roles, name, "/roles", "role", object{}); err != nil {
			return err
		}
	}
	for _, pair := range content.Implied {
		if s.world.implied[pair] {
			continue
		}
		if err := s.put(ctx, "/roles/"+s.world.roles[role(pair[0])]+"/implies/"+s.world.roles[role(pair[1])]); err != nil {
			return err
		}
	}
	return nil
}

func (s *seeder) seedGroups(ctx context.Context, content Content) error {
	for _, g := range content.Groups {
		if err := s.ensure(ctx, s.world.groups, g.Ref, "/groups", "group", object{}); err != nil {
			return err
		}
		path := "/groups/" + s.world.groups[g.Ref] + "/users"
		members, err := s.list(ctx, path, "users")
		if err != nil {
			return err
		}
		in := map[string]bool{}
		for _, m := range members {
			in[m.ID] = true
		}
		for _, name := range g.Members {
			if id := s.world.users[ref(g.Domain, name)].ID; !in[id] {
				if err := s.put(ctx, path+"/"+id); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (s *seeder) seedGrants(ctx context.Context, content Content) error {
	for _, g := range content.Grants {
		if path := s.world.path(g); !s.world.grants[path] {
			if err := s.put(ctx, path); err != nil {
				return fmt.Errorf("grant %+v: %w", g, err)
			}
		}
	}
	return nil
}

// path of the request that makes the grant, which is its name too.
func (w *world) path(g Grant) string {
	target := "/system"
	switch {
	case g.Domain != "":
		target = "/domains/" + w.domains[ref("", g.Domain)]
	case !g.System:
		target = "/projects/" + w.projects[g.Project]
	}
	actor := "/groups/" + w.groups[g.Group]
	if g.User != (Ref{}) {
		actor = "/users/" + w.users[g.User].ID
	}
	path := target + actor + "/roles/" + w.roles[g.Role]
	if g.Inherited {
		path = "/OS-INHERIT" + path + "/inherited_to_projects"
	}
	return path
}
