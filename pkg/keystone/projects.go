package keystone

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// maxPages ends a list whose pages never end.
const maxPages = 1000

// Projects lists the projects that the user of a token may scope to. Of their domains
// Keystone tells only the ids.
func (c *Client) Projects(ctx context.Context, t *Token) ([]Project, error) {
	k := call{
		method: http.MethodGet, path: "/auth/projects", token: t.ID, limit: listLimit,
		doing: "list the projects of " + t.User.Name,
	}
	var all []Project
	seen := map[string]bool{}
	for page := 0; k.path != ""; page++ {
		if page == maxPages || seen[k.path] {
			return nil, &kindError{ErrServer, fmt.Sprintf("cannot %s: Keystone %s sends pages without end", k.doing, c.where())}
		}
		seen[k.path] = true
		some, next, err := c.projectPage(ctx, k)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
		k.path = next
	}
	return all, nil
}

type projectList struct {
	Projects []struct {
		ID       string `json:"id"`
		Name     string `json:"name"`
		DomainID string `json:"domain_id"`
		ParentID string `json:"parent_id"`
		Enabled  bool   `json:"enabled"`
	} `json:"projects"`
	Links struct {
		Next string `json:"next"`
	} `json:"links"`
	Truncated bool `json:"truncated"`
}

// projectPage is one page, and the path of the next one.
func (c *Client) projectPage(ctx context.Context, k call) ([]Project, string, error) {
	a, err := c.do(ctx, k)
	if err != nil {
		return nil, "", err
	}
	if a.status != http.StatusOK {
		return nil, "", c.explainStatus(a, k)
	}
	var list projectList
	if json.Unmarshal(a.body, &list) != nil || list.Projects == nil {
		return nil, "", c.strange(a, k, "something that is not a list of projects in whole JSON")
	}
	if list.Truncated {
		return nil, "", c.strange(a, k, "only a part of the list (its list_limit is too low)")
	}
	var some []Project
	for _, p := range list.Projects {
		if p.ID == "" || p.Name == "" || p.DomainID == "" {
			return nil, "", c.strange(a, k, "a project without id, name or domain")
		}
		some = append(some, Project{ID: p.ID, Name: p.Name, Domain: Domain{ID: p.DomainID}, ParentID: p.ParentID, Enabled: p.Enabled})
	}
	next, err := c.nextPath(list.Links.Next)
	if err != nil {
		return nil, "", c.strange(a, k, "a next page that is none of its own")
	}
	return some, next, nil
}

// nextPath is the part of a page's address below /v3; its host is not ours to follow.
func (c *Client) nextPath(next string) (string, error) {
	if next == "" {
		return "", nil
	}
	u, err := url.Parse(next)
	if err != nil {
		return "", err
	}
	_, path, found := strings.Cut(u.EscapedPath(), "/v3/")
	if !found {
		return "", fmt.Errorf("no page of the API's version 3")
	}
	path = "/" + path
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	return path, nil
}
