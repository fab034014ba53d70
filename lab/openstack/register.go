package openstack

import (
	"context"
	"fmt"
)

// Register gives a service its user and its place in Keystone's catalogue.
// The endpoints come last, so they stand for all of it.
func (c *Client) Register(ctx context.Context, name, kind, url string) error {
	admin, token, err := c.admin(ctx)
	if err != nil || token.has(kind, url) {
		return err
	}
	w, err := admin.look(ctx)
	if err != nil {
		return err
	}
	s := &seeder{Client: admin, world: w}
	user := User{Ref: def(name), Password: ServicePassword}
	if err := s.seedUser(ctx, user); err != nil {
		return fmt.Errorf("register %s: %w", name, err)
	}
	grants := []Grant{{Role: role("service"), User: user.Ref, Project: def("service")}, {Role: role("admin"), User: user.Ref, Project: def("service")}}
	if err := s.seedGrants(ctx, Content{Grants: grants}); err != nil {
		return fmt.Errorf("register %s: %w", name, err)
	}
	return admin.enter(ctx, name, kind, url)
}

func interfaces() []string { return []string{"public", "internal", "admin"} }

// has reports whether the token's catalogue has all interfaces there.
func (t *token) has(kind, url string) bool {
	count := 0
	for _, service := range t.Catalog {
		for _, endpoint := range service.Endpoints {
			if service.Type == kind && endpoint.URL == url {
				count++
			}
		}
	}
	return count >= len(interfaces())
}

// enter makes the service and its endpoints, instead of what there may be.
func (c *Client) enter(ctx context.Context, name, kind, url string) error {
	old, err := c.list(ctx, "/services?type="+kind, "services")
	if err != nil {
		return err
	}
	for _, service := range old {
		if _, err := c.call(ctx, "DELETE", "/services/"+service.ID, nil, nil); err != nil {
			return err
		}
	}
	id, err := c.create(ctx, "/services", "service", object{"name": name, "type": kind})
	if err != nil {
		return err
	}
	for _, side := range interfaces() {
		if _, err := c.create(ctx, "/endpoints", "endpoint", object{"service_id": id, "interface": side, "region_id": Region, "url": url}); err != nil {
			return err
		}
	}
	return nil
}
