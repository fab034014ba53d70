package baremetal

import (
	"context"
	"net/http"
	"net/url"
)

// The states of an allocation.
const (
	Allocating      = "allocating"
	AllocationError = "error" // no node was found
)

// Allocation says that a node is somebody's. Ironic finds the node.
type Allocation struct {
	UUID          string         `json:"uuid,omitempty"`
	Name          string         `json:"name"` // no two have the same
	State         string         `json:"state,omitempty"`
	LastError     string         `json:"last_error,omitempty"`
	Node          string         `json:"node_uuid,omitempty"`
	ResourceClass string         `json:"resource_class"`
	Traits        []string       `json:"traits,omitempty"`
	Extra         map[string]any `json:"extra,omitempty"`
}

// Allocations lists them all.
func (c *Client) Allocations(ctx context.Context) ([]*Allocation, error) {
	query := url.Values{"limit": {"500"}}
	var all []*Allocation
	for {
		var page struct {
			Allocations []*Allocation `json:"allocations"`
			Next        string        `json:"next"`
		}
		err := c.Retry(ctx, func() error {
			return c.do(ctx, http.MethodGet, "/v1/allocations?"+query.Encode(), nil, &page)
		})
		if err != nil {
			return nil, err
		}
		all = append(all, page.Allocations...)
		if page.Next == "" || len(page.Allocations) == 0 {
			return all, nil
		}
		query.Set("marker", page.Allocations[len(page.Allocations)-1].UUID)
	}
}

// Allocation finds one by its name or id; see [Gone].
func (c *Client) Allocation(ctx context.Context, ident string) (*Allocation, error) {
	var a Allocation
	err := c.do(ctx, http.MethodGet, "/v1/allocations/"+url.PathEscape(ident), nil, &a)
	return &a, err
}

// Allocate asks for a node. The answer is an allocation that has none yet. One of the name
// that has come to be meanwhile, by a request of an earlier run, will do.
func (c *Client) Allocate(ctx context.Context, a Allocation) error {
	err := c.do(ctx, http.MethodPost, "/v1/allocations", a, nil)
	if status(err) != http.StatusConflict {
		return err
	}
	if _, lookErr := c.Allocation(ctx, a.Name); lookErr != nil {
		return err
	}
	return nil
}

// Deallocate gives the node back, which must not be active.
func (c *Client) Deallocate(ctx context.Context, a *Allocation) error {
	err := c.do(ctx, http.MethodDelete, "/v1/allocations/"+a.UUID, nil, nil)
	if Gone(err) {
		return nil
	}
	return err
}
