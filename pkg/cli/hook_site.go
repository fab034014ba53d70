package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/hook"
)

// codeSite is a Site file with its code registry and the secrets that it refers to.
type codeSite struct {
	*app.Site
	routes hook.Routes
	secret hook.Secret
	token  string
}

func loadCodeSite(env Env, flag string) (*codeSite, error) {
	site, err := loadSite(env, flag)
	if err != nil {
		return nil, err
	}
	s := &codeSite{Site: site}
	if s.routes, err = hook.NewRoutes(site); err != nil {
		return nil, err
	}
	code := site.Spec.Code
	secret, err := s.refer(env, "secret", code.SecretEnv, code.SecretFile)
	if err != nil {
		return nil, err
	}
	if s.secret, err = hook.NewSecret(secret); err != nil {
		return nil, fmt.Errorf("%s: spec.code: %w", site.Path, err)
	}
	s.token, err = s.refer(env, "token", code.TokenEnv, code.TokenFile)
	return s, err
}

// registry is nil where there is no token: then nobody can be told.
func (s *codeSite) registry(env Env) *hook.Registry {
	if s.token == "" {
		return nil
	}
	return hook.NewRegistry(s.Spec.Code, s.token, "kubectl-ystack/"+env.Version)
}

// environments are the sites that routes lead to, each once.
func (s *codeSite) environments() ([]*app.Site, error) {
	var all []*app.Site
	seen := map[string]bool{}
	for _, route := range s.routes {
		if seen[route.Site] {
			continue
		}
		seen[route.Site] = true
		if route.Site == "" {
			all = append(all, s.Site)
			continue
		}
		site, err := app.LoadSite(s.Relative(route.Site))
		if err != nil {
			return nil, fmt.Errorf("the Site file of the route for %s: %w", route.Repository, err)
		}
		all = append(all, site)
	}
	return all, nil
}

// refer reads what the Site file names: a variable or a file. Naming none gives "".
func (s *codeSite) refer(env Env, what, variable, file string) (string, error) {
	if variable != "" {
		value := strings.TrimSpace(env.Getenv(variable))
		if value == "" {
			return "", fmt.Errorf("%s: spec.code.%sEnv: the variable %s is not set, or empty", s.Path, what, variable)
		}
		return value, nil
	}
	if file == "" {
		return "", nil
	}
	data, err := os.ReadFile(s.Relative(file))
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s: spec.code.%sFile: there is no file %s", s.Path, what, s.Relative(file))
	} else if err != nil {
		return "", fmt.Errorf("%s: spec.code.%sFile: %w", s.Path, what, err)
	}
	value := strings.TrimSpace(string(data))
	if value == "" {
		return "", fmt.Errorf("%s: spec.code.%sFile: the file %s is empty", s.Path, what, s.Relative(file))
	}
	return value, nil
}
