package keystone

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// DefaultPrefix starts the Kubernetes names of Keystone's users and groups.
const DefaultPrefix = "keystone:"

// defaultDomain is the id of Keystone's default domain.
const defaultDomain = "default"

const (
	// ProjectLabel is on the namespaces that belong to a project, and tells its id.
	ProjectLabel = "ystack.dev/project-id"
	// NamespacesExtra is the key of a user's extra that lists the namespaces of his token's
	// project. It grants nothing.
	NamespacesExtra = "ystack.dev/namespaces"
)

// Identity is who a Keystone user is to Kubernetes.
type Identity struct {
	Username string
	UID      string
	Groups   []string
	Extra    map[string][]string
}

// Identity is who the token's user is to Kubernetes. The names of two users never
// agree, nor does one with a name that Kubernetes keeps for itself: a user who would get
// such a name is an [ErrRefusedName].
//
// Groups are of the token's own scope, by ids and role names, so that a token can do no
// more than its scope allows. They start with the prefix too, and with [DefaultPrefix]
// where it is empty.
func (t *Token) Identity(prefix string) (Identity, error) {
	name, err := username(prefix, t.User.Name, t.User.Domain)
	if err != nil {
		return Identity{}, err
	}
	return Identity{Username: name, UID: t.User.ID, Groups: t.groups(prefix), Extra: t.extra()}, nil
}

// Username is the Kubernetes name of a Keystone user, as [Token.Identity] gives it.
func Username(prefix, user string, domain Domain) (string, error) {
	return username(prefix, user, domain)
}

// username joins name and domain, so that the last @ splits them again.
func username(prefix, user string, domain Domain) (string, error) {
	refuse := func(why string) (string, error) {
		return "", &kindError{ErrRefusedName, fmt.Sprintf("Keystone user %q is refused: %s", plain(user), why)}
	}
	name := user
	if domain.ID != defaultDomain || strings.Contains(user, "@") {
		name += "@" + strings.NewReplacer("%", "%25", "@", "%40").Replace(domain.Name)
	}
	switch {
	case user == "" || domain.ID == "" || domain.Name == "":
		return refuse("its name, or the id or name of its domain, is not known")
	case strings.ContainsRune(name, utf8.RuneError):
		// JSON readers make the same sign of different ones here.
		return refuse("its name holds signs that are no text")
	case strings.HasPrefix(name, "system:"), strings.HasPrefix(prefix+name, "system:"):
		return refuse("names that start with system: belong to Kubernetes")
	}
	return prefix + name, nil
}

// groups are the project and the roles of the token's scope.
func (t *Token) groups(prefix string) []string {
	if prefix == "" {
		prefix = DefaultPrefix // or they would be Kubernetes' own system: groups
	}
	scope := ""
	var groups []string
	switch {
	case t.Project != nil:
		scope = prefix + "project:" + t.Project.ID
		groups = append(groups, scope)
	case t.Domain != nil:
		scope = prefix + "domain:" + t.Domain.ID
	case t.System:
		scope = prefix + "system"
	default:
		return nil
	}
	for _, role := range t.Roles {
		groups = append(groups, scope+":role:"+role.Name)
	}
	return groups
}

// extra has the keys that the community's Keystone webhook sends, so that policies
// written for it go on working.
func (t *Token) extra() map[string][]string {
	const prefix = "alpha.kubernetes.io/identity/"
	extra := map[string][]string{prefix + "user/domain/id": {t.User.Domain.ID}}
	if t.User.Domain.Name != "" {
		extra[prefix+"user/domain/name"] = []string{t.User.Domain.Name}
	}
	if t.Project != nil {
		extra[prefix+"project/id"], extra[prefix+"project/name"] = []string{t.Project.ID}, []string{t.Project.Name}
	}
	for _, role := range t.Roles {
		extra[prefix+"roles"] = append(extra[prefix+"roles"], role.Name)
	}
	return extra
}

// ParseUsername is the inverse of the names that [Token.Identity] gives: the user's name
// and the domain's, empty for the default domain where the name does not tell it. What
// no user can be called is not ok.
func ParseUsername(prefix, name string) (user, domain string, ok bool) {
	rest, ok := strings.CutPrefix(name, prefix)
	if !ok {
		return "", "", false
	}
	of := Domain{ID: defaultDomain, Name: defaultDomain}
	user = rest
	if at := strings.LastIndex(rest, "@"); at >= 0 {
		user, domain = rest[:at], strings.NewReplacer("%40", "@", "%25", "%").Replace(rest[at+1:])
		of = Domain{ID: "some", Name: domain}
	}
	if again, err := username(prefix, user, of); err != nil || again != name {
		return "", "", false
	}
	return user, domain, true
}
