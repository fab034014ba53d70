package keystone

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// Validate asks Keystone who a token is, with nothing but the token itself. The error
// is an [ErrNotFound] when it is no valid token, and an [ErrForbidden] when the cloud's
// policy does not let a token ask about itself.
func (c *Client) Validate(ctx context.Context, id Secret) (*Token, error) {
	k := call{method: http.MethodGet, path: "/auth/tokens?nocatalog", token: id, subject: id, doing: "validate a token"}
	if !sendable(id) {
		return nil, &kindError{ErrNotFound, "cannot validate a token: it is empty or has signs that no token has"}
	}
	a, err := c.do(ctx, k)
	if err != nil {
		return nil, err
	}
	switch a.status {
	case http.StatusOK:
	case http.StatusNotFound, http.StatusUnauthorized:
		return nil, c.invalid(a, k)
	case http.StatusForbidden:
		return nil, &kindError{ErrForbidden, fmt.Sprintf("Keystone %s does not let a token ask about itself; its policy for identity:validate_token "+
			"must include rule:token_subject, as Keystone's default does%s", c.where(), requestID(a))}
	default:
		return nil, c.explainStatus(a, k)
	}
	if subject := a.header.Get("X-Subject-Token"); subject != "" && subject != id.Reveal() {
		return nil, c.strange(a, k, "the description of another token")
	}
	t, err := parseToken(id, a.body)
	if err != nil {
		return nil, c.strange(a, k, err.Error())
	}
	if err := c.checkTimes(t, a, k); err != nil {
		return nil, err
	}
	return t, nil
}

// invalid is for a token that does not hold, if it is Keystone that says so: a proxy
// that knows no such page is no reason to call a token invalid.
func (c *Client) invalid(a *answer, k call) error {
	if a.message(k) == "" {
		return c.notKeystone(a)
	}
	return &kindError{ErrNotFound, fmt.Sprintf("Keystone %s knows no such token, or not any more%s", c.where(), requestID(a))}
}

// sendable tells whether a token can stand in a header.
func sendable(id Secret) bool {
	return id != "" && !strings.ContainsFunc(id.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' })
}

// Revoke makes Keystone forget a token. One that is already invalid is no error.
func (c *Client) Revoke(ctx context.Context, id Secret) error {
	k := call{method: http.MethodDelete, path: "/auth/tokens", token: id, subject: id, doing: "revoke a token"}
	if !sendable(id) {
		return nil
	}
	a, err := c.do(ctx, k)
	switch {
	case err != nil:
		return err
	case a.status == http.StatusNoContent:
		return nil
	case (a.status == http.StatusNotFound || a.status == http.StatusUnauthorized) && a.message(k) != "":
		return nil
	}
	return c.explainStatus(a, k)
}
