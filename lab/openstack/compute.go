package openstack

import (
	"context"
	"fmt"
	"net/http"
	"os"
)

// Network is one that machines can be in.
type Network struct {
	Name, Physical, CIDR string
	First, Last          string // addresses that Neutron gives away
}

// Flavor is a size of machines.
type Flavor struct {
	Name      string
	MemoryMiB int
	DiskGiB   int
}

// at is the administrator's client of another service.
func (c *Client) at(ctx context.Context, url string) (*Client, error) {
	admin, _, err := c.admin(ctx)
	if err != nil {
		return nil, err
	}
	return &Client{URL: url, Via: c.Via, token: admin.token}, nil
}

// SeedNetworks makes the network that everybody may use, the one of floating addresses,
// and the router between them, which has that address in the first.
func (c *Client) SeedNetworks(ctx context.Context, url string, private, public Network, router string) error {
	neutron, err := c.at(ctx, url)
	if err != nil {
		return err
	}
	inside, err := neutron.network(ctx, private, "shared")
	if err != nil {
		return err
	}
	outside, err := neutron.network(ctx, public, "router:external")
	if err != nil {
		return err
	}
	return neutron.router(ctx, inside, outside, router)
}

// network makes a network with its addresses, and returns its id.
func (c *Client) network(ctx context.Context, n Network, property string) (string, error) {
	networks, err := c.list(ctx, "/v2.0/networks?name="+n.Name, "networks")
	if err != nil {
		return "", err
	}
	id := ""
	if len(networks) > 0 {
		id = networks[0].ID
	} else if id, err = c.create(ctx, "/v2.0/networks", "network", object{
		"name": n.Name, property: true, "provider:network_type": "flat", "provider:physical_network": n.Physical,
	}); err != nil {
		return "", err
	}
	subnets, err := c.list(ctx, "/v2.0/subnets?network_id="+id, "subnets")
	if err != nil || len(subnets) > 0 {
		return id, err
	}
	_, err = c.create(ctx, "/v2.0/subnets", "subnet", object{
		"name": n.Name, "network_id": id, "ip_version": 4, "cidr": n.CIDR, "gateway_ip": nil,
		"allocation_pools": []object{{"start": n.First, "end": n.Last}},
	})
	return id, err
}

// router makes the one without which no port can have a floating address.
func (c *Client) router(ctx context.Context, inside, outside, address string) error {
	routers, err := c.list(ctx, "/v2.0/routers?name=lab", "routers")
	if err != nil {
		return err
	}
	id := ""
	if len(routers) > 0 {
		id = routers[0].ID
	} else if id, err = c.create(ctx, "/v2.0/routers", "router", object{
		"name": "lab", "external_gateway_info": object{"network_id": outside},
	}); err != nil {
		return err
	}
	ports, err := c.list(ctx, "/v2.0/ports?device_id="+id+"&network_id="+inside, "ports")
	if err != nil || len(ports) > 0 {
		return err
	}
	if ports, err = c.list(ctx, "/v2.0/ports?network_id="+inside+"&fixed_ips=ip_address="+address, "ports"); err != nil {
		return err
	}
	port := ""
	if len(ports) > 0 { // of an up that was interrupted
		port = ports[0].ID
	} else if port, err = c.create(ctx, "/v2.0/ports", "port", object{"network_id": inside, "fixed_ips": []object{{"ip_address": address}}}); err != nil {
		return err
	}
	_, err = c.call(ctx, http.MethodPut, "/v2.0/routers/"+id+"/add_router_interface", object{"port_id": port}, nil)
	return err
}

// SeedFlavors makes the flavors that are not there.
func (c *Client) SeedFlavors(ctx context.Context, url string, flavors []Flavor) error {
	nova, err := c.at(ctx, url)
	if err != nil {
		return err
	}
	var there struct{ Flavors []struct{ Name string } }
	if err := nova.get(ctx, "/flavors", &there); err != nil {
		return err
	}
	names := map[string]bool{}
	for _, f := range there.Flavors {
		names[f.Name] = true
	}
	for _, f := range flavors {
		if names[f.Name] {
			continue
		}
		id, err := nova.create(ctx, "/flavors", "flavor", object{"name": f.Name, "vcpus": 1, "ram": f.MemoryMiB, "disk": f.DiskGiB})
		if err != nil {
			return err
		}
		// Without it a machine that has just booted waits for randomness.
		if _, err := nova.call(ctx, http.MethodPost, "/flavors/"+id+"/os-extra_specs", object{"extra_specs": object{"hw_rng:allowed": "True"}}, nil); err != nil {
			return err
		}
	}
	return nil
}

// SeedImage gives Glance the file as an image of this name that everybody may
// boot, in the place of one that was made of another file.
func (c *Client) SeedImage(ctx context.Context, url, name, file string) error {
	glance, err := c.at(ctx, url)
	if err != nil {
		return err
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	made := info.ModTime().UTC().Format("20060102T150405.000000000")
	var out struct {
		Images []struct {
			ID, Status string
			Made       string `json:"lab_made"`
		}
	}
	if err := glance.get(ctx, "/v2/images?visibility=public&name="+name, &out); err != nil {
		return err
	}
	for _, i := range out.Images {
		if i.Status == "active" && i.Made == made {
			return nil
		}
		if _, err := glance.call(ctx, http.MethodDelete, "/v2/images/"+i.ID, nil, nil); err != nil {
			return err
		}
	}
	var image struct{ ID string }
	if _, err := glance.call(ctx, http.MethodPost, "/v2/images", object{
		"name": name, "disk_format": "qcow2", "container_format": "bare", "visibility": "public", "hw_rng_model": "virtio", "lab_made": made,
	}, &image); err != nil {
		return err
	}
	return glance.upload(ctx, "/v2/images/"+image.ID+"/file", file)
}

func (c *Client) upload(ctx context.Context, path, file string) error {
	content, err := os.Open(file)
	if err != nil {
		return err
	}
	defer content.Close()
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, c.URL+path, content)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/octet-stream")
	request.Header.Set("X-Auth-Token", c.token)
	response, err := c.Via.RoundTrip(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusNoContent {
		return fmt.Errorf("PUT %s: %s", path, response.Status)
	}
	return nil
}
