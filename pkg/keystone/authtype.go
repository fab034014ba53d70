package keystone

import (
	"slices"
	"strings"
)

// The ways to authenticate.
const (
	AuthPassword              = "password"
	AuthToken                 = "token"
	AuthApplicationCredential = "v3applicationcredential"
	AuthTOTP                  = "v3totp"
	AuthMultiFactor           = "v3multifactor"
)

// authTypes are the spellings of each type. The v3oidc* types have their place here,
// their settings in [authFields] and their way in methods, when they come.
func authTypes() map[string]string {
	return map[string]string{
		"password": AuthPassword, "v3password": AuthPassword,
		"token": AuthToken, "v3token": AuthToken,
		"v3applicationcredential": AuthApplicationCredential,
		"v3totp":                  AuthTOTP,
		"v3multifactor":           AuthMultiFactor,
	}
}

func supported() string {
	return "password, v3password, token, v3token, v3applicationcredential, v3totp, v3multifactor"
}

// factors are the methods that a v3multifactor may combine, as Keystone names them.
func factors() map[string]string {
	return map[string]string{
		"v3password": "password", "password": "password",
		"v3totp": "totp", "totp": "totp",
		"v3token": "token", "token": "token",
	}
}

// authType settles AuthType and AuthMethods.
func (b *binding) authType() {
	c := b.cfg
	version := b.option("identity_api_version")
	if strings.HasPrefix(version, "2") {
		b.fail(b.top["identity_api_version"].node, "identity_api_version", "OpenStack has removed version 2 of the Identity API; remove this line or write 3")
	}
	named := b.option("auth_type")
	if named == "" {
		c.AuthType = c.inferred()
	} else if c.AuthType = authTypes()[named]; c.AuthType == "" {
		why := ""
		if strings.HasPrefix(named, "v2") {
			why = "; OpenStack has removed version 2 of the Identity API"
		}
		b.fail(b.top["auth_type"].node, "auth_type", "%q is not supported%s; supported are %s", clip(named), why, supported())
	}
	if c.AuthType == AuthMultiFactor {
		b.methods()
	}
}

// inferred is the type when none is given, by what it would use. openstackclient takes
// password there, whatever else is given.
func (c *Config) inferred() string {
	switch {
	case c.Username != "" && c.ApplicationCredentialSecret == "", c.UserID != "" && c.ApplicationCredentialSecret == "":
		return AuthPassword
	case c.Password != "":
		return AuthPassword
	case c.ApplicationCredentialSecret != "":
		return AuthApplicationCredential
	case c.Token != "":
		return AuthToken
	}
	return AuthPassword
}

// methods reads a list, or names with commas.
func (b *binding) methods() {
	v := b.settings.auth["auth_methods"]
	if !v.is() {
		return
	}
	items := v.items
	if v.kind != listNode {
		items = nil
		for name := range strings.SplitSeq(b.auth("auth_methods"), ",") {
			items = append(items, &node{kind: stringNode, quoted: true, text: strings.TrimSpace(name), origin: v.origin})
		}
	}
	b.cfg.Origin["auth_methods"] = v.origin
	for _, item := range items {
		name := b.text("auth_methods", value{item})
		method := factors()[name]
		switch {
		case method == "":
			b.fail(item, "auth_methods", "%q is not supported; supported are v3password, v3totp, v3token", clip(name))
		case !slices.Contains(b.cfg.AuthMethods, method):
			b.cfg.AuthMethods = append(b.cfg.AuthMethods, method)
		}
	}
}

// defaultDomain fills in the domains of user and project, where openstackclient does:
// OS_DEFAULT_DOMAIN_ID and …_NAME for password and token, OS_DEFAULT_DOMAIN (an id,
// "default" unless it is set) where the API's version is said to be 3.
func (b *binding) defaultDomain() {
	c := b.cfg
	id, name := b.versionDomain(), ""
	if id == "" && (c.AuthType == AuthPassword || c.AuthType == AuthToken) {
		id, name = b.auth("default_domain_id"), b.auth("default_domain_name")
	}
	if c.UserDomainID == "" && c.UserDomainName == "" && c.Username != "" {
		c.UserDomainID, c.UserDomainName = id, name
	}
	if c.Scope.ProjectDomainID == "" && c.Scope.ProjectDomainName == "" && c.Scope.ProjectName != "" {
		c.Scope.ProjectDomainID, c.Scope.ProjectDomainName = id, name
	}
}

func (b *binding) versionDomain() string {
	if b.option("identity_api_version") != "3" || b.cfg.AuthType != AuthPassword && b.cfg.AuthType != AuthTOTP {
		return ""
	}
	if domain := b.option("default_domain"); domain != "" {
		return domain
	}
	return "default"
}

// clip shortens what a user wrote for a message.
func clip(text string) string {
	const most = 60
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
