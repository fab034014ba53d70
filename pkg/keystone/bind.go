package keystone

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

func (l *loader) fail(at *node, field, format string, args ...any) {
	l.problems = append(l.problems, &ConfigError{at.origin, field, fmt.Sprintf(format, args...)})
}

// binding makes a Config of settings and notes where each value came from.
type binding struct {
	*loader
	*settings
	cfg *Config
}

// bind makes a Config; what is wrong goes to the loader's problems.
func (l *loader) bind(s *settings) *Config {
	b := &binding{l, s, &Config{Origin: map[string]string{}, Endpoints: map[string]string{}}}
	c := b.cfg
	c.AuthURL = b.auth("auth_url")
	b.url()
	c.Username, c.UserID = b.auth("username"), b.auth("user_id")
	c.UserDomainName, c.UserDomainID = b.auth("user_domain_name"), b.auth("user_domain_id")
	c.Password, c.Passcode, c.Token = Secret(b.auth("password")), Secret(b.auth("passcode")), Secret(b.auth("token"))
	c.ApplicationCredentialID, c.ApplicationCredentialName = b.auth("application_credential_id"), b.auth("application_credential_name")
	c.ApplicationCredentialSecret = Secret(b.auth("application_credential_secret"))
	b.authType()
	b.scope()
	b.defaultDomain()
	b.place()
	b.tls()
	return c
}

// text is a scalar as openstackclient reads it. What YAML takes for something else than
// it looks like (0123 is 83, yes is true) must be quoted.
func (l *loader) text(field string, v value) string {
	switch {
	case !v.is():
		return ""
	case v.kind >= listNode:
		l.fail(v.node, field, "expected is a string, not %s", v.kind)
	case v.kind == boolNode, !v.quoted && ambiguous(v):
		l.fail(v.node, field, "YAML readers differ on what this is; put it in quotes")
	case strings.ContainsRune(v.text, 0):
		l.fail(v.node, field, "holds a NUL character")
	default:
		return v.text
	}
	return ""
}

// ambiguous tells whether YAML 1.1, which openstackclient reads, makes something else
// than a string or a plain decimal number of an unquoted scalar.
func ambiguous(v value) bool {
	digits := strings.TrimLeft(v.text, "0123456789")
	if v.kind == numberNode {
		return digits != "" || len(v.text) > 1 && v.text[0] == '0'
	}
	if slices.Contains([]string{"yes", "no", "on", "off", "true", "false"}, strings.ToLower(v.text)) {
		return true
	}
	sexagesimal := strings.Trim(v.text, "0123456789:_") == "" && strings.ContainsAny(v.text, "0123456789")
	return sexagesimal
}

// auth is a setting of the auth section.
func (b *binding) auth(field string) string { return b.take(b.settings.auth, field) }

// option is a setting of the top level.
func (b *binding) option(field string) string { return b.take(b.top, field) }

func (b *binding) take(section map[string]value, field string) string {
	v := section[field]
	text := b.text(field, v)
	if text != "" {
		b.cfg.Origin[field] = v.origin
	}
	return text
}

// url checks AuthURL, and fills in what it leaves open: https://{region_name}.example.
func (b *binding) url() {
	v := b.settings.auth["auth_url"]
	if b.cfg.AuthURL == "" {
		return
	}
	text := b.cfg.AuthURL
	for field := range b.top {
		if mark := "{" + field + "}"; strings.Contains(text, mark) {
			text = strings.ReplaceAll(text, mark, b.text(field, b.top[field]))
		}
	}
	b.cfg.AuthURL = text
	if problem := checkURL(text); problem != "" {
		b.fail(v.node, "auth_url", "%s", problem)
	}
}

// checkURL says what is wrong with an auth_url, without showing one that may hold a
// password.
func checkURL(text string) string {
	u, err := url.Parse(text)
	path := ""
	if err == nil {
		path = strings.TrimRight(u.Path, "/")
	}
	switch {
	case strings.Contains(text, "@"):
		return "must not hold a user name or password; give them as username and password"
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return "is no http or https URL; expected is one like https://keystone.example:5000/v3"
	case u.RawQuery != "" || u.Fragment != "" || strings.ContainsAny(text, "{}"):
		return "expected is a URL like https://keystone.example:5000/v3, with nothing after the path"
	case strings.HasSuffix(path, "/v2.0") || strings.HasSuffix(path, "/v2"):
		return "is of the Identity API version 2, which OpenStack has removed; use the one that ends in /v3"
	}
	return ""
}

// scope is one of project, domain and system.
func (b *binding) scope() {
	s := &b.cfg.Scope
	s.ProjectID, s.ProjectName = b.auth("project_id"), b.auth("project_name")
	s.ProjectDomainID, s.ProjectDomainName = b.auth("project_domain_id"), b.auth("project_domain_name")
	s.DomainID, s.DomainName = b.auth("domain_id"), b.auth("domain_name")
	if v := b.settings.auth["system_scope"]; v.is() {
		if b.auth("system_scope") != "all" {
			b.fail(v.node, "system_scope", `the only value that is allowed is "all"`)
		}
		s.System = true
	}
	if v := b.settings.auth["trust_id"]; v.is() {
		b.fail(v.node, "trust_id", "trusts are not supported; use an application credential, which does for one user what a trust does for two")
	}
	if problem := s.conflict(); problem != "" {
		b.problems = append(b.problems, &ConfigError{b.originOf("system_scope", "domain_id", "domain_name"), "", problem})
	}
}

// conflict says that a scope is several.
func (s Scope) conflict() string {
	var kinds []string
	if s.ProjectID != "" || s.ProjectName != "" {
		kinds = append(kinds, "a project")
	}
	if s.DomainID != "" || s.DomainName != "" {
		kinds = append(kinds, "a domain")
	}
	if s.System {
		kinds = append(kinds, "the system")
	}
	if s.Unscoped {
		kinds = append(kinds, "no scope")
	}
	if len(kinds) < 2 {
		return ""
	}
	return "a token is for a project, a domain or the system, but this asks for " + strings.Join(kinds, " and ") + "; remove all but one"
}

func (b *binding) originOf(fields ...string) string {
	for _, field := range fields {
		if origin := b.cfg.Origin[field]; origin != "" {
			return origin
		}
	}
	return ""
}

// place is what says which endpoints are meant.
func (b *binding) place() {
	c := b.cfg
	c.Region, c.Interface = b.option("region_name"), strings.TrimSuffix(b.option("interface"), "URL")
	switch c.Interface {
	case "":
		c.Interface = "public"
	case "public", "internal", "admin":
	default:
		b.fail(b.top["interface"].node, "interface", "unknown interface %q; allowed: public, internal, admin", c.Interface)
	}
	for field, v := range b.top {
		if service, ok := strings.CutSuffix(field, "_endpoint_override"); ok && service != "" && v.is() {
			c.Endpoints[strings.ReplaceAll(service, "_", "-")] = b.endpoint(field, v)
		}
	}
}

func (b *binding) endpoint(field string, v value) string {
	address := b.option(field)
	if !isAddress(address) {
		b.fail(v.node, field, "is no http or https URL, or holds a user name or password")
		return ""
	}
	return address
}

// isAddress tells whether a text is the URL of a service.
func isAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil
}

func (b *binding) tls() {
	c := b.cfg
	for field, path := range map[string]*string{"cacert": &c.CACert, "cert": &c.Cert, "key": &c.Key} {
		if *path = b.option(field); *path != "" {
			*path = b.absolute(*path)
		}
	}
	if c.Key != "" && c.Cert == "" {
		b.fail(b.top["key"].node, "key", "a key needs its certificate; add cert")
	}
	c.Insecure = b.boolean("insecure", false) || !b.boolean("verify", true)
}

func (b *binding) boolean(field string, otherwise bool) bool {
	v := b.top[field]
	if !v.is() {
		return otherwise
	}
	switch text := strings.ToLower(v.text); {
	case v.kind >= listNode:
	case text == "true", !v.quoted && (text == "yes" || text == "on"):
		b.cfg.Origin[field] = v.origin
		return true
	case text == "false", !v.quoted && (text == "no" || text == "off"):
		b.cfg.Origin[field] = v.origin
		return false
	}
	b.fail(v.node, field, "expected is true or false")
	return otherwise
}
