package baremetal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// The states of a node that are acted on. The others it passes through, or a person has
// brought it there.
const (
	Enroll       = "enroll"
	Verifying    = "verifying"
	Manageable   = "manageable"
	Cleaning     = "cleaning"
	CleanWait    = "clean wait"
	CleanFailed  = "clean failed"
	Available    = "available"
	Deploying    = "deploying"
	DeployWait   = "wait call-back"
	DeployHold   = "deploy hold"
	DeployFailed = "deploy failed"
	Active       = "active"
	Deleting     = "deleting"
	Failed       = "error" // it could not be undeployed
)

// Node is a machine as Ironic tells it.
type Node struct {
	UUID          string         `json:"uuid"`
	Name          string         `json:"name"`
	Driver        string         `json:"driver"`
	ResourceClass string         `json:"resource_class"`
	Traits        []string       `json:"traits"`
	State         string         `json:"provision_state"`
	Changed       string         `json:"provision_updated_at"` // when it came into the state
	Power         string         `json:"power_state"`
	LastError     string         `json:"last_error"`
	Maintenance   bool           `json:"maintenance"`
	Reason        string         `json:"maintenance_reason"`
	Reservation   string         `json:"reservation"`   // the conductor that has locked it
	Instance      string         `json:"instance_uuid"` // whose it is: an allocation's id, or that of a server of Nova's
	Allocation    string         `json:"allocation_uuid"`
	Protected     bool           `json:"protected"`
	Retired       bool           `json:"retired"`
	Properties    map[string]any `json:"properties"`
	DriverInfo    map[string]any `json:"driver_info"`
	InstanceInfo  map[string]any `json:"instance_info"`
	Extra         map[string]any `json:"extra"`

	interfaces map[string]string // by kind, such as deploy
}

// UnmarshalJSON reads the interfaces beside the fields that have a name here.
func (n *Node) UnmarshalJSON(data []byte) error {
	type fields Node
	*n = Node{}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber() // so that they read as they were written
	if err := d.Decode((*fields)(n)); err != nil {
		return err
	}
	var all map[string]any
	if err := json.Unmarshal(data, &all); err != nil {
		return err
	}
	n.interfaces = map[string]string{}
	for key, value := range all {
		if kind, ok := strings.CutSuffix(key, "_interface"); ok {
			n.interfaces[kind], _ = value.(string)
		}
	}
	return nil
}

func (n *Node) String() string {
	if n.Name != "" {
		return n.Name
	}
	return n.UUID
}

// Busy says why nobody may have the node now, "" if it is free. One that is only locked
// will most often be free in a moment.
func (n *Node) Busy() string {
	switch {
	case n.Maintenance:
		return maintenance(n)
	case n.Instance != "" && n.Allocation == "":
		return "is managed by Nova (server " + n.Instance + ")"
	case n.Instance != "":
		return "is allocated (" + n.Instance + ")"
	case n.Retired:
		return "is retired"
	case n.State != Available:
		return "is " + n.State
	case n.Power == "":
		return "has no known power state"
	}
	return ""
}

func maintenance(n *Node) string {
	return strings.TrimRight("is in maintenance: "+Line(n.Reason), ": ")
}

// Node finds one by its name or id; see [Gone].
func (c *Client) Node(ctx context.Context, ident string) (*Node, error) {
	var n Node
	err := c.do(ctx, http.MethodGet, "/v1/nodes/"+url.PathEscape(ident), nil, &n)
	return &n, err
}

// Nodes lists those of a resource class; of all classes if it is empty.
func (c *Client) Nodes(ctx context.Context, resourceClass string) ([]*Node, error) {
	query := url.Values{"limit": {"500"}}
	if resourceClass != "" {
		query.Set("resource_class", resourceClass)
	}
	var all []*Node
	for {
		var page struct {
			Nodes []*Node `json:"nodes"`
			Next  string  `json:"next"`
		}
		err := c.Retry(ctx, func() error {
			return c.do(ctx, http.MethodGet, "/v1/nodes/detail?"+query.Encode(), nil, &page)
		})
		if err != nil {
			return nil, err
		}
		all = append(all, page.Nodes...)
		if page.Next == "" || len(page.Nodes) == 0 {
			return all, nil
		}
		query.Set("marker", page.Nodes[len(page.Nodes)-1].UUID)
	}
}

// Change is one operation of a JSON patch.
type Change struct {
	Op    string `json:"op"` // add, which replaces too, or remove
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}

// Patch changes a node's fields, all of them or none, and returns the node as it is then.
func (c *Client) Patch(ctx context.Context, n *Node, changes []Change) (*Node, error) {
	var now Node
	err := c.do(ctx, http.MethodPatch, "/v1/nodes/"+n.UUID, changes, &now)
	return &now, err
}

// errMoved: a node is in another state than it was when that was decided by.
var errMoved = errors.New("its state has changed meanwhile")

// Provision tells Ironic where to bring a node: active, rebuild, deleted, manage, provide.
// It begins at once and goes on for minutes.
func (c *Client) Provision(ctx context.Context, n *Node, target string, configDrive any) error {
	in := map[string]any{"target": target}
	if configDrive != nil {
		in["configdrive"] = configDrive
	}
	err := c.do(ctx, http.MethodPut, "/v1/nodes/"+n.UUID+"/states/provision", in, nil)
	if status(err) != http.StatusBadRequest {
		return err
	}
	// A request of an earlier run may have come through only after the node was looked at.
	if now, lookErr := c.Node(ctx, n.UUID); lookErr == nil && now.Changed != n.Changed {
		return fmt.Errorf("%w: %w", errMoved, err)
	}
	return err
}
