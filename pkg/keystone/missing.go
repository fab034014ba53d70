package keystone

import (
	"fmt"
	"slices"
	"strings"
)

// Missing lists what the configuration lacks, by openstackclient's names. Of a user or
// a domain it names the name, though an id would do.
func (c *Config) Missing() []string {
	var missing []string
	need := func(field string, have ...string) {
		if strings.Join(have, "") == "" && !slices.Contains(missing, field) {
			missing = append(missing, field)
		}
	}
	need("auth_url", c.AuthURL)
	for _, method := range c.methods() {
		switch method {
		case "password", "totp":
			need("username", c.Username, c.UserID)
			need("user_domain_name", c.UserDomainName, c.UserDomainID, c.UserID)
		case "token":
			need("token", c.Token.Reveal())
		case "application_credential":
			need("application_credential_id", c.ApplicationCredentialID, c.ApplicationCredentialName)
			need("application_credential_secret", c.ApplicationCredentialSecret.Reveal())
			if c.ApplicationCredentialID == "" && c.ApplicationCredentialName != "" {
				need("username", c.Username, c.UserID)
				need("user_domain_name", c.UserDomainName, c.UserDomainID, c.UserID)
			}
		}
		switch method {
		case "password":
			need("password", c.Password.Reveal())
		case "totp":
			need("passcode", c.Passcode.Reveal())
		}
	}
	if c.AuthType == AuthMultiFactor {
		need("auth_methods", c.AuthMethods...)
	}
	if c.Scope.ProjectName != "" && c.Scope.ProjectID == "" {
		need("project_domain_name", c.Scope.ProjectDomainName, c.Scope.ProjectDomainID)
	}
	return missing
}

// methods are Keystone's names of what AuthType stands for.
func (c *Config) methods() []string {
	switch c.AuthType {
	case AuthMultiFactor:
		return c.AuthMethods
	case AuthApplicationCredential:
		return []string{"application_credential"}
	case AuthTOTP:
		return []string{"totp"}
	case AuthToken:
		return []string{"token"}
	}
	return []string{"password"}
}

func (e *IncompleteError) Error() string {
	options := make([]string, len(e.Missing))
	for i, field := range e.Missing {
		options[i] = field + " (OS_" + strings.ToUpper(field) + ")"
	}
	where := "the OS_* variables lack"
	if e.Config != nil && e.Config.Cloud != "" {
		where = fmt.Sprintf("cloud %q lacks", e.Config.Cloud)
	}
	return fmt.Sprintf("%s: %s %s", ErrIncomplete, where, strings.Join(options, ", "))
}
