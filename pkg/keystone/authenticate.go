package keystone

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Authenticate makes a token for who the configuration says. The scope is an argument
// of its own, so that one login serves several projects; usually it is cfg.Scope. An
// application credential brings its own scope: there it must be zero. When the user
// needs more methods than were tried and the configuration has what they need, it goes
// on with them; otherwise the error is an [MFAError].
func (c *Client) Authenticate(ctx context.Context, cfg *Config, scope Scope) (*Token, error) {
	who := cfg.who()
	k := call{doing: "log in as " + who + scope.describe()}
	if missing := cfg.Missing(); len(missing) > 0 {
		return nil, &IncompleteError{missing, cfg}
	}
	if cfg.AuthType == AuthApplicationCredential && scope != (Scope{}) {
		return nil, &ConfigError{cfg.scopeOrigin(), "", "an application credential has a project of its own; remove project, domain and system scope"}
	}
	if problem := scope.conflict(); problem != "" {
		return nil, &ConfigError{cfg.scopeOrigin(), "", problem}
	}
	return c.login(ctx, k, cfg, cfg.methods(), scope, "")
}

// Rescope makes a token of another scope from one.
func (c *Client) Rescope(ctx context.Context, t *Token, scope Scope) (*Token, error) {
	if problem := scope.conflict(); problem != "" {
		return nil, &ConfigError{Problem: problem}
	}
	k := call{doing: "get a token of " + t.User.Name + scope.describe()}
	return c.login(ctx, k, &Config{AuthType: AuthToken, Token: t.ID}, []string{"token"}, scope, "")
}

// login sends methods. With a receipt, they add to those that it stands for.
func (c *Client) login(ctx context.Context, k call, cfg *Config, methods []string, scope Scope, receipt Secret) (*Token, error) {
	k.method, k.path, k.receipt = http.MethodPost, "/auth/tokens", receipt
	identity := map[string]any{"methods": methods}
	for _, method := range methods {
		identity[method] = cfg.proof(method)
	}
	auth := map[string]any{"identity": identity}
	if body := scope.body(); body != nil {
		auth["scope"] = body
	}
	k.body = map[string]any{"auth": auth}
	k.secrets = []Secret{cfg.Password, cfg.Passcode, cfg.Token, cfg.ApplicationCredentialSecret}
	// The other side may just be closing an idle connection. A question is asked again
	// then (see send); a login is not, so it gets a connection of its own.
	c.http.CloseIdleConnections()
	a, err := c.do(ctx, k)
	if err != nil {
		return nil, err
	}
	if a.status != http.StatusCreated {
		return c.refused(ctx, a, k, cfg, methods, scope)
	}
	id := Secret(a.header.Get("X-Subject-Token"))
	if id == "" {
		return nil, c.strange(a, k, "no token")
	}
	t, err := parseToken(id, a.body)
	if err != nil {
		return nil, c.strange(a, k, err.Error())
	}
	if err := c.fits(t, a, k, scope); err != nil {
		return nil, err
	}
	return t, nil
}

// fits makes sure that the token is what was asked for, and holds now.
func (c *Client) fits(t *Token, a *answer, k call, scope Scope) error {
	wrong := scope.System != t.System && scope != (Scope{}) ||
		scope.ProjectID != "" && (t.Project == nil || t.Project.ID != scope.ProjectID) ||
		scope.ProjectName != "" && t.Project == nil ||
		scope.DomainID != "" && (t.Domain == nil || t.Domain.ID != scope.DomainID) ||
		scope.DomainName != "" && t.Domain == nil ||
		scope.Unscoped && (t.Project != nil || t.Domain != nil)
	if wrong {
		return c.strange(a, k, "a token of another scope")
	}
	return c.checkTimes(t, a, k)
}

// proof is what a method sends.
func (c *Config) proof(method string) map[string]any {
	switch method {
	case "token":
		return map[string]any{"id": c.Token.Reveal()}
	case "application_credential":
		credential := map[string]any{"secret": c.ApplicationCredentialSecret.Reveal()}
		if c.ApplicationCredentialID != "" {
			credential["id"] = c.ApplicationCredentialID
		} else {
			credential["name"], credential["user"] = c.ApplicationCredentialName, c.user()
		}
		return credential
	}
	user := c.user()
	if method == "totp" {
		user["passcode"] = c.Passcode.Reveal()
	} else {
		user["password"] = c.Password.Reveal()
	}
	return map[string]any{"user": user}
}

func (c *Config) user() map[string]any {
	if c.UserID != "" {
		return map[string]any{"id": c.UserID}
	}
	return map[string]any{"name": c.Username, "domain": idOrName(c.UserDomainID, c.UserDomainName)}
}

func idOrName(id, name string) map[string]any {
	if id != "" {
		return map[string]any{"id": id}
	}
	return map[string]any{"name": name}
}

// body is the scope in a request; nil leaves it to Keystone.
func (s Scope) body() any {
	switch {
	case s.ProjectID != "":
		return map[string]any{"project": map[string]any{"id": s.ProjectID}}
	case s.ProjectName != "":
		project := map[string]any{"name": s.ProjectName, "domain": idOrName(s.ProjectDomainID, s.ProjectDomainName)}
		return map[string]any{"project": project}
	case s.DomainID != "", s.DomainName != "":
		return map[string]any{"domain": idOrName(s.DomainID, s.DomainName)}
	case s.System:
		return map[string]any{"system": map[string]any{"all": true}}
	case s.Unscoped:
		return "unscoped"
	}
	return nil
}

// describe continues "log in as alice".
func (s Scope) describe() string {
	switch {
	case s.ProjectID != "":
		return " to project " + s.ProjectID
	case s.ProjectName != "":
		return fmt.Sprintf(" to project %q of domain %q", s.ProjectName, s.ProjectDomainID+s.ProjectDomainName)
	case s.DomainID != "":
		return " to domain " + s.DomainID
	case s.DomainName != "":
		return fmt.Sprintf(" to domain %q", s.DomainName)
	case s.System:
		return " to the system"
	}
	return ""
}

// who names the user in messages, with the domain as it was given.
func (c *Config) who() string {
	switch {
	case c.AuthType == AuthToken:
		return "the token's user"
	case c.ApplicationCredentialID != "" && c.AuthType == AuthApplicationCredential:
		return "application credential " + c.ApplicationCredentialID
	case c.UserID != "":
		return "user " + c.UserID
	case c.UserDomainID != "":
		return fmt.Sprintf("user %q of the domain with id %q", c.Username, c.UserDomainID)
	}
	return fmt.Sprintf("user %q of domain %q", c.Username, c.UserDomainName)
}

func (c *Config) scopeOrigin() string {
	for _, field := range []string{"project_id", "project_name", "domain_id", "domain_name", "system_scope"} {
		if origin := c.Origin[field]; origin != "" {
			return origin
		}
	}
	return ""
}

// totpStep is for how long a code holds; Keystone takes the one before too.
const totpStep = 30 * time.Second

// refused goes on with what a receipt asks for, or words why Keystone said no.
func (c *Client) refused(ctx context.Context, a *answer, k call, cfg *Config, methods []string, scope Scope) (*Token, error) {
	switch {
	case a.status == http.StatusNotFound && a.message(k) == "":
		return nil, c.notKeystone(a)
	case a.status == http.StatusNotFound && slices.Equal(methods, []string{"token"}): // what it says of a token
	case a.status != http.StatusUnauthorized:
		return nil, c.explainStatus(a, k)
	}
	if r := parseReceipt(a); r != nil {
		if more := r.next(cfg); len(more) > 0 && k.receipt == "" {
			return c.login(ctx, k, cfg, more, scope, r.id)
		}
		return nil, c.needMore(a, k, r)
	}
	return nil, c.unauthorized(a, k, cfg, methods, scope)
}

// unauthorized words a refusal. Keystone says why only where that gives nothing away.
func (c *Client) unauthorized(a *answer, k call, cfg *Config, methods []string, scope Scope) error {
	said := a.message(k)
	fail := func(kind error, what string) error {
		return &kindError{kind, fmt.Sprintf("cannot %s at Keystone %s: %s%s", k.doing, c.where(), what, requestID(a))}
	}
	switch lower := strings.ToLower(said); {
	case strings.Contains(lower, "password is expired"):
		return fail(ErrPasswordExpired, "the password has expired; change it (openstack user password set, or the dashboard), then log in again")
	case strings.Contains(lower, "account is locked"):
		return fail(ErrLocked, "the user is locked after too many failed logins; wait, or ask an administrator")
	case strings.Contains(lower, "account is disabled"):
		return fail(ErrUserDisabled, "the user is disabled; ask an administrator")
	}
	hint := cfg.doubts(methods, scope)
	if slices.Contains(methods, "totp") {
		if remark := a.skewText(totpStep); remark != "" {
			hint += "; " + remark + ", and if the device that makes the codes has the same clock, they are for another time"
		}
	}
	if origins := cfg.origins(methods); origins != "" {
		hint += " (" + origins + ")"
	}
	return fail(ErrUnauthorized, hint)
}

// doubts lists what can be wrong, for Keystone does not tell which it is.
func (c *Config) doubts(methods []string, scope Scope) string {
	var wrong []string
	for _, method := range methods {
		switch method {
		case "password":
			wrong = append(wrong, "user name", "user domain", "password")
		case "totp":
			wrong = append(wrong, "user name", "user domain", "passcode (a code holds for 30 s and only once: take the next one)")
		case "token":
			return "it does not accept the token: it has expired or was revoked, or its user has no role there; log in again"
		case "application_credential":
			return "it does not accept the application credential: its id or secret is wrong, it has expired or was deleted, or its user is disabled"
		}
	}
	kept := map[string]bool{}
	wrong = slices.DeleteFunc(wrong, func(what string) bool { was := kept[what]; kept[what] = true; return was })
	text := "it does not accept one of " + strings.Join(wrong, ", ") + ", or the user is disabled or locked"
	if scope != (Scope{}) && !scope.Unscoped {
		text += ", or the user has no role" + strings.Replace(scope.describe(), " to ", " in ", 1)
	}
	return text + "; Keystone does not say which"
}

// origins tells where the values that were tried came from.
func (c *Config) origins(methods []string) string {
	user := []string{"username", "user_id", "user_domain_name", "user_domain_id"}
	of := map[string][]string{
		"password": slices.Concat(user, []string{"password"}),
		"totp":     slices.Concat(user, []string{"passcode"}),
		"token":    {"token"},
		"application_credential": {
			"application_credential_id", "application_credential_name", "application_credential_secret",
		},
	}
	var parts []string
	for _, method := range methods {
		for _, field := range of[method] {
			part := field + " from " + c.Origin[field]
			if c.Origin[field] != "" && !slices.Contains(parts, part) {
				parts = append(parts, part)
			}
		}
	}
	return strings.Join(parts, ", ")
}
