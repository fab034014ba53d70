// Package openstack fills the lab's Keystone: with people for ystack to meet,
// with the services of the lab, and with what the openstack client needs to
// know of both.
package openstack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
)

// Region is the lab's only one.
const Region = "RegionOne"

// errUnauthorized means that Keystone does not believe a caller.
var errUnauthorized = errors.New("not authorized")

// Client speaks to Keystone, as the administrator unless it has got a token.
type Client struct {
	URL string // ends in /v3
	Via http.RoundTripper

	token  string
	header http.Header // of every request; the version of an API, where a service wants one
}

// object is a body of JSON.
type object map[string]any

// call sends in and reads the answer into out; both may be nil.
func (c *Client) call(ctx context.Context, method, path string, in, out any) (http.Header, error) {
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			return nil, err
		}
	}
	request, err := http.NewRequestWithContext(ctx, method, c.URL+path, &body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	maps.Copy(request.Header, c.header)
	if c.token != "" {
		request.Header.Set("X-Auth-Token", c.token)
	}
	response, err := c.Via.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	switch {
	case err != nil:
		return nil, err
	case response.StatusCode == http.StatusUnauthorized:
		return nil, fmt.Errorf("%s %s: %w: %s", method, path, errUnauthorized, answer)
	case response.StatusCode >= http.StatusMultipleChoices:
		return nil, fmt.Errorf("%s %s: %s: %s", method, path, response.Status, answer)
	case out == nil:
		return response.Header, nil
	}
	return response.Header, json.Unmarshal(answer, out)
}

func (c *Client) get(ctx context.Context, path string, out any) error {
	_, err := c.call(ctx, http.MethodGet, path, nil, out)
	return err
}

func (c *Client) put(ctx context.Context, path string) error {
	_, err := c.call(ctx, http.MethodPut, path, nil, nil)
	return err
}

// create posts attributes as a thing of this kind, and returns its id.
func (c *Client) create(ctx context.Context, path, kind string, attributes object) (string, error) {
	var out map[string]struct{ ID string }
	_, err := c.call(ctx, http.MethodPost, path, object{kind: attributes}, &out)
	return out[kind].ID, err
}

// login returns a client that acts as the user in the project (in nothing, if
// that is the zero Ref).
func (c *Client) login(ctx context.Context, user Ref, password string, project Ref) (*Client, *token, error) {
	auth := object{"identity": object{
		"methods":  []string{"password"},
		"password": object{"user": object{"name": user.Name, "domain": object{"name": user.Domain}, "password": password}},
	}}
	if project != (Ref{}) {
		auth["scope"] = object{"project": object{"name": project.Name, "domain": object{"name": project.Domain}}}
	}
	var out struct{ Token token }
	header, err := c.call(ctx, http.MethodPost, "/auth/tokens", object{"auth": auth}, &out)
	if err != nil {
		return nil, nil, err
	}
	return &Client{URL: c.URL, Via: c.Via, token: header.Get("X-Subject-Token")}, &out.Token, nil
}

func (c *Client) admin(ctx context.Context) (*Client, *token, error) {
	admin := ref("Default", "admin")
	return c.login(ctx, admin, AdminPassword, admin)
}

// token is what Keystone says of one.
type token struct {
	User    struct{ ID string }
	Catalog []struct {
		Type      string
		Endpoints []struct{ Interface, URL string }
	}
}
