package login

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"strings"

	"github.com/ystackdev/ystack/pkg/keystone"
)

// Pin holds on to an identity and a scope, by openstackclient's names of the options
// (auth_url, username …). An entry of the kubeconfig is one: whatever OS_* variables
// are set later, it stays who it is. It never holds a secret.
type Pin map[string]string

// Options lists what a Pin can hold, in the order in which it is written. Their flags
// are --os-auth-url and so on.
func Options() []string {
	return []string{
		"cloud", "auth_url", "auth_type", "auth_methods",
		"username", "user_id", "user_domain_name", "user_domain_id",
		"application_credential_id", "application_credential_name",
		"project_id", "project_name", "project_domain_name", "project_domain_id",
		"domain_id", "domain_name", "system_scope",
		"cacert", "cert", "key", "insecure",
	}
}

// Flag is the flag of an option.
func Flag(option string) string { return "os-" + strings.ReplaceAll(option, "_", "-") }

// Args writes the pin as flags.
func (p Pin) Args() []string {
	var args []string
	for _, o := range Options() {
		if p[o] != "" {
			args = append(args, "--"+Flag(o)+"="+p[o])
		}
	}
	return args
}

// parsePin reads back what Args wrote, from an entry of a kubeconfig.
func parsePin(args []string) Pin {
	p := Pin{}
	for _, a := range args {
		name, value, _ := strings.Cut(strings.TrimPrefix(a, "--"), "=")
		for _, o := range Options() {
			if name == Flag(o) {
				p[o] = value
			}
		}
	}
	return p
}

// Complete reports whether the pin says where, who and as what without any other
// configuration.
func (p Pin) Complete() bool {
	who := p["username"] != "" || p["user_id"] != "" || p["application_credential_id"] != ""
	return p["auth_url"] != "" && p["auth_type"] != "" && who
}

// pinOf is the identity and scope of a configuration.
func pinOf(c *keystone.Config) Pin {
	p := Pin{
		"cloud": c.Cloud, "auth_url": strings.TrimRight(c.AuthURL, "/"), "auth_type": c.AuthType,
		"auth_methods": strings.Join(c.AuthMethods, ","),
		"username":     c.Username, "user_id": c.UserID,
		"user_domain_name": c.UserDomainName, "user_domain_id": c.UserDomainID,
		"application_credential_id": c.ApplicationCredentialID, "application_credential_name": c.ApplicationCredentialName,
	}
	p.scope(c.Scope)
	for option, value := range map[string]string{"cacert": c.CACert, "cert": c.Cert, "key": c.Key} {
		if given(c, option) { // a cloud's own settings are read again each time
			p[option] = value
		}
	}
	if c.Insecure && (given(c, "insecure") || given(c, "verify")) {
		p["insecure"] = "true"
	}
	return p.compact()
}

// given reports whether a value is of a variable or a flag, rather than of clouds.yaml.
func given(c *keystone.Config, option string) bool {
	origin := c.Origin[option]
	return strings.HasPrefix(origin, "OS_") || strings.HasPrefix(origin, "--")
}

func (p Pin) scope(s keystone.Scope) {
	p["project_id"], p["project_name"] = s.ProjectID, s.ProjectName
	p["project_domain_id"], p["project_domain_name"] = s.ProjectDomainID, s.ProjectDomainName
	p["domain_id"], p["domain_name"] = s.DomainID, s.DomainName
	p["system_scope"] = ""
	if s.System {
		p["system_scope"] = "all"
	}
}

// Scope is what the pin's tokens are good for.
func (p Pin) Scope() keystone.Scope {
	if p["auth_type"] == keystone.AuthApplicationCredential {
		return keystone.Scope{} // it has a project by itself
	}
	if p["project_id"] != "" { // the name may have changed since
		return keystone.Scope{ProjectID: p["project_id"]}
	}
	return keystone.Scope{
		ProjectName: p["project_name"], ProjectDomainID: p["project_domain_id"], ProjectDomainName: p["project_domain_name"],
		DomainID: p["domain_id"], DomainName: p["domain_name"], System: p["system_scope"] != "",
	}
}

// forProject is the same identity in a project.
func (p Pin) forProject(project keystone.Project) Pin {
	q := p.unscoped()
	q["project_id"], q["project_name"], q["project_domain_id"] = project.ID, project.Name, project.Domain.ID
	q["project_domain_name"] = project.Domain.Name
	return q.compact()
}

// unscoped is the same identity without a scope.
func (p Pin) unscoped() Pin {
	q := p.clone()
	q.scope(keystone.Scope{})
	return q.compact()
}

func (p Pin) clone() Pin {
	q := Pin{}
	maps.Copy(q, p)
	return q
}

func (p Pin) compact() Pin {
	for k, v := range p {
		if v == "" {
			delete(p, k)
		}
	}
	return p
}

// Key names the pin's token in the cache: a hash of all that decides what it is.
func (p Pin) Key() string {
	q := p.login()
	q["auth_type"], q["auth_methods"] = p["auth_type"], p["auth_methods"]
	q.scope(p.Scope())
	return q.hash()
}

// session names the unscoped token from which a login's others are made.
func (p Pin) session() string {
	q := p.login()
	q["auth_type"], q["auth_methods"], q["unscoped"] = p["auth_type"], p["auth_methods"], "yes"
	return q.hash()
}

// Login names who logs in where, whatever the project and the way.
func (p Pin) Login() string { return p.login().hash() }

func (p Pin) login() Pin {
	q := Pin{}
	for _, o := range identity() {
		q[o] = p[o]
	}
	return q
}

// identity lists the options that say where and who, where first.
func identity() []string {
	return []string{
		"auth_url", "username", "user_id", "user_domain_name", "user_domain_id",
		"application_credential_id", "application_credential_name",
	}
}

func (p Pin) hash() string {
	data, _ := json.Marshal(p.compact()) // of a map of strings: sorted, and cannot fail
	sum := sha256.Sum256(append([]byte("ystack login 1\n"), data...))
	return hex.EncodeToString(sum[:])
}

// User is how a person writes who it is.
func (p Pin) User() string {
	name := first(p["username"], p["user_id"])
	if name == "" {
		return "application credential " + first(p["application_credential_name"], p["application_credential_id"])
	}
	if domain := first(p["user_domain_name"], p["user_domain_id"]); domain != "" {
		return name + " (domain " + domain + ")"
	}
	return name
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
