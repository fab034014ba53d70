package login

import (
	"maps"
	"slices"
	"strings"

	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/ystackdev/ystack/pkg/keystone"
)

// ourContext is a context that logs in through Keystone, as the kubeconfig has it.
type ourContext struct {
	name    string
	context *api.Context
	pin     Pin
	file    string // of its application credential
}

// ours are the contexts that log in through Keystone, by name.
func (b *book) ours() []ourContext {
	var list []ourContext
	for _, name := range slices.Sorted(maps.Keys(b.config.Contexts)) {
		c := b.config.Contexts[name]
		user := b.config.AuthInfos[c.AuthInfo]
		if !ours(user) {
			continue
		}
		o := ourContext{name: name, context: c, pin: parsePin(user.Exec.Args)}
		for _, a := range user.Exec.Args {
			if path, ok := strings.CutPrefix(a, "--application-credential-file="); ok {
				o.file = path
			}
		}
		list = append(list, o)
	}
	return list
}

// find is the context of that name, or the current one.
func (b *book) find(name string) (ourContext, error) {
	all := b.ours()
	if name == "" {
		name = b.config.CurrentContext
	}
	for _, c := range all {
		if c.name == name {
			return c, nil
		}
	}
	hint := "`kubectl ystack keystone-login` writes some"
	if len(all) > 0 {
		hint = "those that do: " + contextNames(all)
	}
	switch {
	case name == "":
		return ourContext{}, failf(ErrNotOurs, "%s has no current context; choose one with --context; %s", b.file(), hint)
	case b.config.Contexts[name] == nil:
		return ourContext{}, failf(ErrNotOurs, "%s has no context %q; %s", b.file(), name, hint)
	}
	return ourContext{}, failf(ErrNotOurs, "context %q of %s does not log in through Keystone; %s", name, b.file(), hint)
}

func contextNames(all []ourContext) string {
	var list []string
	for _, c := range all {
		list = append(list, c.name)
	}
	return strings.Join(list, ", ")
}

// project is the context's project, as far as the kubeconfig tells.
func (c ourContext) project() keystone.Project {
	return keystone.Project{
		ID: c.pin["project_id"], Name: c.pin["project_name"],
		Domain: keystone.Domain{ID: c.pin["project_domain_id"], Name: c.pin["project_domain_name"]},
	}
}
