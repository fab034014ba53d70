package tenancy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ystackdev/ystack/pkg/app"
)

// choose are the projects that a selector means.
func choose(selector app.ProjectSelector, s *Snapshot) ([]Project, error) {
	domains, exclude := globs(selector.Domains), globs(selector.Exclude)
	for i, g := range domains {
		found := false
		for _, d := range s.Domains {
			found = found || g.MatchString(d.Name) || g.MatchString(d.ID)
		}
		if !found {
			return nil, fmt.Errorf("spec.projects.domains[%d]: no domain is called %s, or has this id", i, quoted(selector.Domains[i]))
		}
	}
	var chosen []Project
	for _, p := range s.Projects {
		missing := func(tag string) bool { return !slices.Contains(p.Tags, tag) }
		switch {
		case len(domains) > 0 && !anyMatches(domains, s.domainName(p.DomainID), p.DomainID):
		case slices.ContainsFunc(selector.Tags, missing):
		case anyMatches(exclude, p.Name, p.ID):
		default:
			chosen = append(chosen, p)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("spec.projects chooses none of Keystone's %d projects", len(s.Projects))
	}
	return chosen, nil
}

// globs have * and ? for any characters and any one.
func globs(patterns []string) []*regexp.Regexp {
	all := make([]*regexp.Regexp, len(patterns))
	for i, p := range patterns {
		p = strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(p))
		all[i] = regexp.MustCompile("(?s)^" + p + "$")
	}
	return all
}

func anyMatches(globs []*regexp.Regexp, names ...string) bool {
	return slices.ContainsFunc(globs, func(g *regexp.Regexp) bool { return slices.ContainsFunc(names, g.MatchString) })
}
