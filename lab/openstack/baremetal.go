package openstack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Node is a machine of metal, or what passes for one.
type Node struct {
	Name, Class string
	Traits      []string
	Deploy      string // the deploy interface, if it is not the hardware type's own
}

// ironicVersion is the version of Ironic's API that is spoken.
const ironicVersion = "1.61"

// SeedNodes makes the nodes that are not there, and brings them to where they can be
// deployed to.
func (c *Client) SeedNodes(ctx context.Context, url string, nodes []Node) error {
	ironic, err := c.at(ctx, url)
	if err != nil {
		return err
	}
	ironic.header = http.Header{"X-Openstack-Ironic-Api-Version": {ironicVersion}}
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, errors.New("the nodes do not become available"))
	defer cancel()
	for {
		waiting := false
		for _, n := range nodes {
			done, err := ironic.advance(ctx, n)
			if err != nil {
				return fmt.Errorf("node %s: %w", n.Name, err)
			}
			waiting = waiting || !done
		}
		if !waiting {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// advance does what comes next on a node's way, and tells whether nothing does.
func (c *Client) advance(ctx context.Context, n Node) (done bool, err error) {
	var all struct {
		Nodes []struct {
			Name, UUID string
			State      string `json:"provision_state"`
			Power      string `json:"power_state"`
			LastError  string `json:"last_error"`
		}
	}
	if err := c.get(ctx, "/v1/nodes?fields=name,uuid,provision_state,power_state,last_error&resource_class="+n.Class, &all); err != nil {
		return false, err
	}
	for _, there := range all.Nodes {
		if there.Name != n.Name {
			continue
		}
		switch there.State {
		case "enroll":
			if there.LastError != "" {
				return false, errors.New(there.LastError)
			}
			if _, err := c.call(ctx, http.MethodPut, "/v1/nodes/"+there.UUID+"/traits", object{"traits": append([]string{}, n.Traits...)}, nil); err != nil {
				return false, err
			}
			return false, c.provision(ctx, there.UUID, "manage")
		case "manageable":
			if there.Power == "" { // without one it would never be allocated
				_, err := c.call(ctx, http.MethodPut, "/v1/nodes/"+there.UUID+"/states/power", object{"target": "power off"}, nil)
				return false, err
			}
			return false, c.provision(ctx, there.UUID, "provide")
		case "verifying", "cleaning":
			return false, nil
		}
		return true, nil
	}
	node := object{
		"name": n.Name, "driver": "fake-hardware", "resource_class": n.Class,
		"properties": object{"cpus": 4, "memory_mb": 8192, "local_gb": 100, "cpu_arch": "x86_64"},
	}
	if n.Deploy != "" {
		node["deploy_interface"], node["automated_clean"] = n.Deploy, false // an agent on it would have to
	}
	_, err = c.call(ctx, http.MethodPost, "/v1/nodes", node, nil)
	return false, err
}

func (c *Client) provision(ctx context.Context, uuid, target string) error {
	_, err := c.call(ctx, http.MethodPut, "/v1/nodes/"+uuid+"/states/provision", object{"target": target}, nil)
	return err
}
