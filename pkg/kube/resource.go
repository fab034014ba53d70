package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Resource is what the API server calls a kind of object.
type Resource struct {
	schema.GroupVersionResource
	Kind       string
	Namespaced bool
}

// Served is a resource with what can be done with it.
type Served struct {
	Resource
	Verbs []string
	// Subresources are its own, such as log, with the verbs of each.
	Subresources map[string][]string
}

// Resource finds what the server calls a kind: from a table for the usual ones,
// otherwise with one request for everything the server knows.
func (c *Client) Resource(ctx context.Context, kind schema.GroupVersionKind) (Resource, error) {
	if r, ok := usual(kind); ok {
		return r, nil
	}
	known, err := c.discover(ctx, kind.Group)
	if err != nil {
		return Resource{}, err
	}
	for _, r := range known {
		if r.Kind == kind.Kind && r.Group == kind.Group && r.Version == kind.Version {
			return r.Resource, nil
		}
	}
	return Resource{}, &Error{ErrNotFound, fmt.Sprintf("the cluster %s knows no kind %s of %s; "+
		"check apiVersion, or install the CustomResourceDefinition first",
		c.where(), kind.Kind, kind.GroupVersion()), ErrNotFound}
}

// Resources are all that the server has, of each group in the version that it prefers.
func (c *Client) Resources(ctx context.Context) ([]Served, error) {
	var all []Served
	for _, group := range []string{"", "apps"} { // one of each answer
		known, err := c.discover(ctx, group)
		if err != nil {
			return nil, err
		}
		all = append(all, known...)
	}
	seen := map[schema.GroupResource]bool{}
	return slices.DeleteFunc(all, func(r Served) bool {
		was := seen[r.GroupResource()]
		seen[r.GroupResource()] = true
		return was
	}), nil
}

// aggregated asks for all groups in one answer (Kubernetes 1.27 and newer).
const aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList," +
	"application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"

// discover lists the resources of the core group, or of all others.
func (c *Client) discover(ctx context.Context, group string) ([]Served, error) {
	path := "/apis"
	if group == "" {
		path = "/api"
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.discovery[path]; ok {
		return known, nil
	}
	body, err := c.Get(ctx, path, nil, aggregated)
	if err != nil {
		return nil, err
	}
	known, err := parseDiscovery(body)
	if err != nil {
		return nil, fmt.Errorf("API server %s: discovery: %w", c.where(), err)
	}
	if c.discovery == nil {
		c.discovery = map[string][]Served{}
	}
	c.discovery[path] = known
	return known, nil
}

// parseDiscovery reads an APIGroupDiscoveryList.
func parseDiscovery(body []byte) ([]Served, error) {
	var list struct {
		Items []struct {
			Metadata struct {
				Name string `json:"name"`
			} `json:"metadata"`
			Versions []struct {
				Version   string `json:"version"`
				Resources []struct {
					Resource     string `json:"resource"`
					Scope        string `json:"scope"`
					ResponseKind struct {
						Kind string `json:"kind"`
					} `json:"responseKind"`
					Verbs        []string `json:"verbs"`
					Subresources []struct {
						Subresource string   `json:"subresource"`
						Verbs       []string `json:"verbs"`
					} `json:"subresources"`
				} `json:"resources"`
			} `json:"versions"`
		} `json:"items"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, err
	}
	var known []Served
	for _, group := range list.Items {
		for _, version := range group.Versions {
			for _, r := range version.Resources {
				subresources := map[string][]string{}
				for _, s := range r.Subresources {
					subresources[s.Subresource] = s.Verbs
				}
				known = append(known, Served{Resource{
					GroupVersionResource: schema.GroupVersionResource{
						Group: group.Metadata.Name, Version: version.Version, Resource: r.Resource,
					},
					Kind: r.ResponseKind.Kind, Namespaced: r.Scope == "Namespaced",
				}, r.Verbs, subresources})
			}
		}
	}
	return known, nil
}
