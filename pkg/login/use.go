package login

import (
	"context"
	"slices"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// Use makes the context of a project the current one, and returns its name. A project
// goes by its name, NAME@DOMAIN, id, or by the name of its context.
func (s *Service) Use(ctx context.Context, access clientcmd.ConfigAccess, project string) (string, error) {
	b, err := s.openBook(ctx, access)
	if err != nil {
		return "", err
	}
	all := b.ours()
	found := b.matching(all, project)
	switch len(found) {
	case 0:
		return "", failf(ErrNoProject, "no context of keystone-login in %s is for project %s; there are: %s; `kubectl ystack keystone-login --project %s` adds one",
			b.file(), project, first(contextNames(all), "none"), quote(project))
	case 1:
	default:
		return "", failf(ErrNoProject, "%d contexts are for project %s; say which: %s", len(found), project, contextNames(found))
	}
	name := found[0].name
	return name, b.modify(ctx, s, func(config *api.Config) { config.CurrentContext = name })
}

// matching prefers a context of that very name, and otherwise those on the cluster and
// of the login that are in use.
func (b *book) matching(all []ourContext, project string) []ourContext {
	var found []ourContext
	for _, c := range all {
		if c.name == project {
			return []ourContext{c}
		}
		if p := c.project(); slices.Contains([]string{p.ID, p.Name, projectName(p)}, project) {
			found = append(found, c)
		}
	}
	current, err := b.find("")
	if err != nil || len(found) < 2 {
		return found
	}
	for _, same := range []func(ourContext) bool{
		func(c ourContext) bool { return c.context.Cluster == current.context.Cluster },
		func(c ourContext) bool { return c.pin.Login() == current.pin.Login() },
	} {
		if near := slices.DeleteFunc(slices.Clone(found), func(c ourContext) bool { return !same(c) }); len(near) > 0 {
			found = near
		}
	}
	return found
}
