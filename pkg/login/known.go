package login

import (
	"context"
	"slices"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/ystackdev/ystack/pkg/keystone"
)

// KnownProjects names the projects of a login as far as they are known without logging in:
// all of them while a token of it is kept, otherwise those that contexts are for.
func (s *Service) KnownProjects(ctx context.Context, pin Pin, access clientcmd.ConfigAccess) ([]string, error) {
	all, err := s.listed(ctx, pin)
	if len(all) > 0 {
		return all, nil
	}
	written, berr := s.WrittenProjects(access)
	if len(written) > 0 {
		err = berr
	}
	return written, err
}

// WrittenProjects names the projects that contexts are for.
func (s *Service) WrittenProjects(access clientcmd.ConfigAccess) ([]string, error) {
	config, err := access.GetStartingConfig()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, c := range (&book{access, config}).ours() {
		names = append(names, projectName(c.project()))
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// listed asks Keystone with a token that is kept; nil without one.
func (s *Service) listed(ctx context.Context, pin Pin) ([]string, error) {
	cfg, err := s.configure(keystone.LoadOptions{Cloud: pin["cloud"], Getenv: s.Getenv, Dir: s.Dir, Overrides: pin.overrides()})
	if err != nil {
		return nil, err
	}
	token, domains := s.keptToken(pinOf(cfg).Login())
	if token == nil {
		return nil, nil
	}
	client, err := keystone.NewClient(cfg, s.UserAgent)
	if err != nil {
		return nil, err
	}
	projects, err := client.Projects(ctx, token)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, p := range projects {
		p.Domain.Name = domains[p.Domain.ID]
		switch name := projectName(p); {
		case !p.Enabled:
		case p.Domain.ID == defaultDomain || p.Domain.Name != "":
			names = append(names, name)
		default: // the name of its domain takes another token
			names = append(names, p.ID+"\t"+p.Name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// keptToken is any good token of a login, with the names of the domains that tokens tell.
func (s *Service) keptToken(login string) (token *keystone.Token, domains map[string]string) {
	domains = map[string]string{}
	all, _ := s.tokens().All()
	for _, e := range all {
		p := Pin(e.Pin)
		domains[p["project_domain_id"]] = p["project_domain_name"]
		if p.Login() == login && time.Now().Before(e.RenewAt()) {
			token = &keystone.Token{ID: keystone.Secret(e.Token), Expires: e.Expires, User: keystone.User{Name: p.User()}}
		}
	}
	return token, domains
}
