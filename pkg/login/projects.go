package login

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/ystackdev/ystack/pkg/keystone"
)

// defaultDomain is the id of the domain that is left out of names.
const defaultDomain = "default"

// projectName is how a project is written: with its domain when it is not the default
// one, escaped as in the user names of Kubernetes, so that no two are the same.
func projectName(p keystone.Project) string {
	if p.Domain.ID == defaultDomain && !strings.Contains(p.Name, "@") {
		return p.Name
	}
	return p.Name + "@" + strings.NewReplacer("%", "%25", "@", "%40").Replace(first(p.Domain.Name, p.Domain.ID))
}

// projects are those that the user chose, of those that there are.
func (l *session) projects(ctx context.Context) ([]keystone.Project, error) {
	known, err := l.known(ctx)
	if err != nil {
		return nil, err
	}
	if len(known) == 0 {
		return nil, failf(ErrNoProject, "%s has no project at %s; ask for a role in one", l.pin.User(), l.pin["auth_url"])
	}
	if l.in.All {
		return known, nil
	}
	wanted := l.in.Projects
	if len(wanted) == 0 {
		return l.usual(known)
	}
	var chosen []keystone.Project
	for _, name := range wanted {
		p, err := l.find(known, name)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(chosen, func(q keystone.Project) bool { return q.ID == p.ID }) {
			chosen = append(chosen, p)
		}
	}
	return chosen, nil
}

// known are the projects that the token can be scoped to, in order of their names.
func (l *session) known(ctx context.Context) ([]keystone.Project, error) {
	if l.token.ApplicationCredential != nil || l.cfg.AuthType == keystone.AuthApplicationCredential {
		if l.token.Project == nil {
			return nil, nil
		}
		return []keystone.Project{*l.token.Project}, nil // it cannot change its scope
	}
	all, err := l.client.Projects(ctx, l.token)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(p keystone.Project) bool { return !p.Enabled })
	if err := l.nameDomains(ctx, all); err != nil {
		return nil, err
	}
	sort.Slice(all, func(i, j int) bool {
		return projectName(all[i])+"\x00"+all[i].ID < projectName(all[j])+"\x00"+all[j].ID
	})
	return all, nil
}

// maxDomains bounds how many domains are asked for by name; the others go by id.
const maxDomains = 20

// nameDomains fills in the names of the projects' domains, which a list of projects
// does not have and most users may not ask for. A token of a project has.
func (l *session) nameDomains(ctx context.Context, projects []keystone.Project) error {
	of := map[string]string{l.token.User.Domain.ID: l.token.User.Domain.Name}
	for i, p := range projects {
		name, known := of[p.Domain.ID]
		if p.Domain.Name == "" && !known && len(of) < maxDomains && p.Domain.ID != defaultDomain {
			t, err := l.client.Rescope(ctx, l.token, keystone.Scope{ProjectID: p.ID})
			if err != nil {
				return err
			}
			name = t.Project.Domain.Name
			of[p.Domain.ID] = name
		}
		projects[i].Domain.Name = first(p.Domain.Name, name)
	}
	return nil
}

// usual is the project of the configuration, or the only one.
func (l *session) usual(known []keystone.Project) ([]keystone.Project, error) {
	s := l.cfg.Scope
	for _, p := range known {
		domain := (s.ProjectDomainID == "" || s.ProjectDomainID == p.Domain.ID) &&
			(s.ProjectDomainName == "" || strings.EqualFold(s.ProjectDomainName, first(p.Domain.Name, p.Domain.ID)))
		if s.ProjectID == p.ID || s.ProjectName != "" && s.ProjectName == p.Name && domain {
			return []keystone.Project{p}, nil
		}
	}
	if want := first(s.ProjectName, s.ProjectID); want != "" {
		return nil, failf(ErrNoProject, "the configuration names project %s, in which %s has no role; choose with --project: %s", want, l.pin.User(), names(known))
	}
	if len(known) == 1 {
		return known, nil
	}
	return nil, failf(ErrNoProject, "%s has %d projects; choose with --project, or take them --all-projects: %s", l.pin.User(), len(known), names(known))
}

// find is the project of that id, full name, or name if only one has it.
func (l *session) find(known []keystone.Project, name string) (keystone.Project, error) {
	var called []keystone.Project
	for _, p := range known {
		if p.ID == name || projectName(p) == name {
			return p, nil
		}
		if p.Name == name {
			called = append(called, p)
		}
	}
	switch len(called) {
	case 0:
		return keystone.Project{}, failf(ErrNoProject, "%s has no role in a project %s; there are: %s", l.pin.User(), name, names(known))
	case 1:
		return called[0], nil
	}
	return keystone.Project{}, failf(ErrNoProject, "%d projects are called %s; say which: %s", len(called), name, names(called))
}

// names lists the first few.
func names(projects []keystone.Project) string {
	var list []string
	for i, p := range projects {
		if i == 10 {
			list = append(list, fmt.Sprintf("and %d more", len(projects)-i))
			break
		}
		list = append(list, projectName(p))
	}
	return strings.Join(list, ", ")
}
