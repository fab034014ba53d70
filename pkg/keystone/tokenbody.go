package keystone

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// tokenBody is Keystone's description of a token.
type tokenBody struct {
	Token *struct {
		Methods []string  `json:"methods"`
		User    *userBody `json:"user"`
		Project *struct {
			ID     string  `json:"id"`
			Name   string  `json:"name"`
			Domain *Domain `json:"domain"`
		} `json:"project"`
		Domain                *Domain                     `json:"domain"`
		System                map[string]bool             `json:"system"`
		Roles                 []Role                      `json:"roles"`
		Issued                keepsTime                   `json:"issued_at"`
		Expires               keepsTime                   `json:"expires_at"`
		AuditIDs              []string                    `json:"audit_ids"`
		ApplicationCredential *TokenApplicationCredential `json:"application_credential"`
		Catalog               []Service                   `json:"catalog"`
	} `json:"token"`
}

type userBody struct {
	ID              string    `json:"id"`
	Name            string    `json:"name"`
	Domain          *Domain   `json:"domain"`
	PasswordExpires keepsTime `json:"password_expires_at"`
}

// keepsTime is a time that may be null and may lack its zone, which is UTC: so Keystone
// writes when a password expires, and a token that ends with its application credential.
type keepsTime struct{ time.Time }

func (t *keepsTime) UnmarshalJSON(data []byte) error {
	text := strings.Trim(string(data), `"`)
	if text == "null" || text == "" {
		return nil
	}
	if !strings.HasSuffix(text, "Z") && strings.Count(text, ":") == 2 && !strings.Contains(text, "+") {
		text += "Z"
	}
	parsed, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return errors.New("a time that is none")
	}
	t.Time = parsed
	return nil
}

// parseToken reads a description of a token. It refuses whatever does not say clearly
// who the user is and what the token is for.
func parseToken(id Secret, data []byte) (*Token, error) {
	var body tokenBody
	if err := json.Unmarshal(data, &body); err != nil {
		// The error's text can quote the answer.
		return nil, errors.New("something that is not a token's description in whole JSON")
	}
	b := body.Token
	if b == nil || b.User == nil {
		return nil, errors.New("a description without token or user")
	}
	t := &Token{
		ID: id, Methods: b.Methods, System: b.System["all"], Roles: distinct(b.Roles), Domain: b.Domain,
		Issued: b.Issued.Time, Expires: b.Expires.Time, AuditIDs: b.AuditIDs,
		ApplicationCredential: b.ApplicationCredential, Catalog: b.Catalog,
		User: User{ID: b.User.ID, Name: b.User.Name, PasswordExpires: b.User.PasswordExpires.Time},
	}
	if b.User.Domain != nil {
		t.User.Domain = *b.User.Domain
	}
	if p := b.Project; p != nil {
		t.Project = &Project{ID: p.ID, Name: p.Name, Enabled: true}
		if p.Domain != nil {
			t.Project.Domain = *p.Domain
		}
	}
	if problem := t.incomplete(); problem != "" {
		return nil, fmt.Errorf("a token's description %s", problem)
	}
	return t, nil
}

// distinct drops roles that come twice, as those do that are implied in two ways.
func distinct(roles []Role) []Role {
	var out []Role
	for _, role := range roles {
		if !slices.Contains(out, role) {
			out = append(out, role)
		}
	}
	return out
}

// incomplete says what a description lacks.
func (t *Token) incomplete() string {
	scopes := 0
	for _, is := range []bool{t.Project != nil, t.Domain != nil, t.System} {
		if is {
			scopes++
		}
	}
	switch {
	case t.User.ID == "" || t.User.Name == "":
		return "without the user's id or name"
	case t.User.Domain.ID == "" || t.User.Domain.Name == "":
		return "without the user's domain"
	case t.Expires.IsZero() || t.Issued.IsZero():
		return "without its times"
	case t.Expires.Before(t.Issued):
		return "that ends before it begins"
	case len(t.Methods) == 0:
		return "without methods"
	case scopes > 1:
		return "with several scopes"
	case t.Project != nil && (t.Project.ID == "" || t.Project.Name == "" || t.Project.Domain.ID == ""):
		return "without the project's id, name or domain"
	case t.Domain != nil && t.Domain.ID == "":
		return "without the domain's id"
	case t.ApplicationCredential != nil && t.ApplicationCredential.ID == "":
		return "without the application credential's id"
	}
	for _, role := range t.Roles {
		if role.Name == "" {
			return "with a role that has no name"
		}
	}
	return ""
}

// notYet is how far a token may begin in our future: clocks are never quite the same.
const notYet = 5 * time.Minute

// checkTimes refuses a token that does not hold now. Keystone has just vouched for it,
// so then the clocks are wrong, or the answer is an old one.
func (c *Client) checkTimes(t *Token, a *answer, k call) error {
	expired, early := !a.at.Before(t.Expires), t.Issued.Sub(a.at) > notYet
	if !expired && !early {
		return nil
	}
	what := fmt.Sprintf("the token holds from %s to %s, and by this machine's clock it is %s",
		t.Issued.UTC().Format(time.RFC3339), t.Expires.UTC().Format(time.RFC3339), a.at.UTC().Format(time.RFC3339))
	if skew, known := a.skew(); known && expired && skew.Abs() < time.Minute {
		return c.strange(a, k, "an old answer: "+what)
	}
	return &kindError{ErrClockSkew, fmt.Sprintf("cannot %s: %s; set the clocks of this machine and of Keystone %s (NTP)%s",
		k.doing, what, c.where(), requestID(a))}
}
