package keystone

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"
)

// ApplicationCredentialRequest describes an application credential to be made for a
// token's user and project.
type ApplicationCredentialRequest struct {
	Name, Description string
	// Roles are names; none stands for all of the token's.
	Roles []string
	// Expires is zero for never.
	Expires time.Time
	// AccessRules limit what a token made with it may call; none stands for no limit.
	AccessRules []AccessRule
	// Unrestricted allows making further application credentials and trusts.
	Unrestricted bool
}

// AccessRule allows one kind of request to one service.
type AccessRule struct {
	Service string `json:"service"` // type in the catalogue, as identity
	Method  string `json:"method"`
	Path    string `json:"path"`
}

// ApplicationCredential is one that was made. Keystone tells the secret just this once.
type ApplicationCredential struct {
	ID, Name string
	Secret   Secret
	Expires  time.Time // zero for never
}

// CreateApplicationCredential makes one for the token's user in the token's project. It
// is not tried twice: after an error it may exist all the same.
func (c *Client) CreateApplicationCredential(ctx context.Context, t *Token, req ApplicationCredentialRequest) (*ApplicationCredential, error) {
	k := call{
		method: http.MethodPost, path: applicationCredentials(t), token: t.ID,
		body:  map[string]any{"application_credential": req.body()},
		doing: "make application credential " + req.Name,
	}
	a, err := c.do(ctx, k)
	if err != nil {
		return nil, err
	}
	if a.status != http.StatusCreated {
		return nil, c.explainStatus(a, k)
	}
	var made struct {
		Credential struct {
			ID      string    `json:"id"`
			Name    string    `json:"name"`
			Secret  string    `json:"secret"`
			Expires keepsTime `json:"expires_at"`
		} `json:"application_credential"`
	}
	if json.Unmarshal(a.body, &made) != nil || made.Credential.ID == "" || made.Credential.Secret == "" {
		return nil, c.strange(a, k, "something that is not an application credential in whole JSON")
	}
	m := made.Credential
	return &ApplicationCredential{m.ID, m.Name, Secret(m.Secret), m.Expires.Time}, nil
}

func (r ApplicationCredentialRequest) body() map[string]any {
	body := map[string]any{"name": r.Name, "unrestricted": r.Unrestricted}
	if r.Description != "" {
		body["description"] = r.Description
	}
	if len(r.Roles) > 0 {
		roles := make([]map[string]string, len(r.Roles))
		for i, name := range r.Roles {
			roles[i] = map[string]string{"name": name}
		}
		body["roles"] = roles
	}
	if !r.Expires.IsZero() {
		body["expires_at"] = r.Expires.UTC().Format("2006-01-02T15:04:05.000000Z")
	}
	if len(r.AccessRules) > 0 {
		body["access_rules"] = r.AccessRules
	}
	return body
}

// DeleteApplicationCredential removes one of the token's user. One that is gone is no
// error.
func (c *Client) DeleteApplicationCredential(ctx context.Context, t *Token, id string) error {
	k := call{
		method: http.MethodDelete, path: applicationCredentials(t) + "/" + url.PathEscape(id), token: t.ID,
		doing: "delete application credential " + id,
	}
	a, err := c.do(ctx, k)
	switch {
	case err != nil:
		return err
	case a.status == http.StatusNoContent, a.status == http.StatusNotFound && a.message(k) != "":
		return nil
	}
	return c.explainStatus(a, k)
}

func applicationCredentials(t *Token) string {
	return "/users/" + url.PathEscape(t.User.ID) + "/application_credentials"
}
