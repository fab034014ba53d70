package keystone

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// discover is the address of the API's version 3. Where the configured one has no
// version, Keystone is asked, and its answer kept.
func (c *Client) discover(ctx context.Context) (*url.URL, error) {
	c.mu.Lock()
	known := c.endpoint
	c.mu.Unlock()
	if known != nil {
		return known, nil
	}
	k := call{method: http.MethodGet, path: "/", doing: "find version 3 of the Identity API"}
	a, err := c.send(ctx, c.base, k)
	if err != nil {
		return nil, err
	}
	path, err := c.versionPath(a, k)
	if err != nil {
		return nil, err
	}
	endpoint := *c.base
	endpoint.Path = path
	c.mu.Lock() // not while asking: who gives up need not wait for who does not
	defer c.mu.Unlock()
	c.endpoint = &endpoint
	return c.endpoint, nil
}

type version struct {
	ID    string `json:"id"`
	Links []struct {
		Rel  string `json:"rel"`
		Href string `json:"href"`
	} `json:"links"`
}

// versionPath finds version 3 in the list of versions, or in the description of a
// single one. Only the path of its address is taken: behind a proxy Keystone often does
// not know its own scheme and host, and no password shall go to where the user did not
// say.
func (c *Client) versionPath(a *answer, k call) (string, error) {
	var found struct {
		Versions struct {
			Values []version `json:"values"`
		} `json:"versions"`
		Version version `json:"version"`
	}
	if a.status >= 500 { // of Keystone's or of a proxy before it, for a while
		return "", c.explainStatus(a, k)
	}
	if a.status >= 400 || json.Unmarshal(a.body, &found) != nil {
		return "", c.notKeystone(a)
	}
	for _, v := range append(found.Versions.Values, found.Version) {
		if v.ID != "v3" && !strings.HasPrefix(v.ID, "v3.") {
			continue
		}
		for _, link := range v.Links {
			if u, err := url.Parse(link.Href); err == nil && link.Rel == "self" && strings.HasSuffix(strings.TrimRight(u.Path, "/"), "/v3") {
				return strings.TrimRight(u.Path, "/"), nil
			}
		}
		return c.base.Path + "/v3", nil
	}
	if len(found.Versions.Values) > 0 || found.Version.ID != "" {
		return "", &kindError{ErrServer, fmt.Sprintf("the Keystone at %s has no version 3 of the Identity API%s", c.where(), requestID(a))}
	}
	return "", c.notKeystone(a)
}

func (c *Client) notKeystone(a *answer) error {
	return &kindError{ErrServer, fmt.Sprintf("what answers at %s (HTTP %d) is no Keystone; check auth_url, which usually ends in :5000/v3%s",
		c.where(), a.status, requestID(a))}
}
