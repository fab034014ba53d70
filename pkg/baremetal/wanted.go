package baremetal

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// fields is the node as it is created.
func (w Wanted) fields() map[string]any {
	all := map[string]any{
		"name": w.Name, "driver": w.Driver, "resource_class": w.ResourceClass,
		"driver_info": w.driverInfo(), "properties": w.properties(), "extra": w.Extra,
	}
	if w.Extra == nil {
		all["extra"] = map[string]string{}
	}
	for name, value := range w.Interfaces {
		all[name+"_interface"] = value
	}
	return all
}

func (w Wanted) driverInfo() map[string]string {
	all := map[string]string{}
	for key, value := range w.DriverInfo {
		all[key] = value
	}
	if w.Password != "" {
		all[w.passwordKey()] = w.Password.Reveal()
	}
	return all
}

// passwordKey is what the driver calls the password of a machine's controller.
func (w Wanted) passwordKey() string {
	switch w.Driver {
	case "idrac":
		return "redfish_password"
	case "intel-ipmi":
		return "ipmi_password"
	case "ilo5":
		return "ilo_password"
	}
	return strings.ReplaceAll(w.Driver, "-", "_") + "_password"
}

// properties are numbers where they look like some: Nova adds them up.
func (w Wanted) properties() map[string]any {
	all := map[string]any{}
	for key, value := range w.Properties {
		all[key] = value
		if n, err := strconv.Atoi(value); err == nil && strconv.Itoa(n) == value {
			all[key] = n
		}
	}
	return all
}

// update brings a node that nobody uses to what the file says, and tells which fields were
// another. What the file does not name stays; so does the password of a node that Ironic has
// verified, since Ironic does not show it.
func (e *Enroller) update(ctx context.Context, w Wanted, n *Node) (changed []string, err error) {
	changes := w.changes(n)
	for _, c := range changes {
		changed = append(changed, strings.ReplaceAll(strings.TrimPrefix(c.Path, "/"), "/", "."))
	}
	if w.Password != "" && (len(changes) > 0 || n.State == Enroll) {
		changes = append(changes, Change{"add", "/driver_info/" + w.passwordKey(), w.Password.Reveal()})
	}
	if len(changes) > 0 && !e.DryRun {
		err := e.Client.Retry(ctx, func() error {
			_, err := e.Client.Patch(ctx, n, changes)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if !sameWords(n.Traits, w.Traits) {
		changed = append(changed, "traits")
		if err := e.setTraits(ctx, w, n); err != nil {
			return nil, err
		}
	}
	added, err := e.addPorts(ctx, w, n)
	return append(changed, added...), err
}

// changes are those of fields that a patch can change, in the order of their names.
func (w Wanted) changes(n *Node) []Change {
	var all []Change
	differ := func(path string, have, want any) {
		if fmt.Sprint(have) != fmt.Sprint(want) {
			all = append(all, Change{"add", path, want})
		}
	}
	differ("/driver", n.Driver, w.Driver)
	differ("/resource_class", n.ResourceClass, w.ResourceClass)
	for key, value := range w.DriverInfo {
		differ("/driver_info/"+key, n.DriverInfo[key], value)
	}
	for key, value := range w.properties() {
		differ("/properties/"+key, n.Properties[key], value)
	}
	for key, value := range w.Extra {
		differ("/extra/"+key, n.Extra[key], value)
	}
	for name, value := range w.Interfaces {
		differ("/"+name+"_interface", n.interfaces[name], value)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Path < all[j].Path })
	return all
}

func (e *Enroller) setTraits(ctx context.Context, w Wanted, n *Node) error {
	if e.DryRun {
		return nil
	}
	return e.Client.Retry(ctx, func() error {
		return e.Client.do(ctx, http.MethodPut, "/v1/nodes/"+n.UUID+"/traits", map[string]any{"traits": append([]string{}, w.Traits...)}, nil)
	})
}

// addPorts adds the network cards that are missing; others stay.
func (e *Enroller) addPorts(ctx context.Context, w Wanted, n *Node) (added []string, err error) {
	if len(w.Ports) == 0 {
		return nil, nil
	}
	have, err := e.Client.ports(ctx, n)
	if err != nil {
		return nil, err
	}
	for _, address := range w.Ports {
		if contains(have, address) {
			continue
		}
		added = append(added, "port "+address)
		if e.DryRun {
			continue
		}
		if err := e.Client.addPort(ctx, n, address); err != nil {
			return added, err
		}
	}
	return added, nil
}

func contains(addresses []string, address string) bool {
	return slices.Contains(addresses, strings.ToLower(address))
}

func sameWords(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}
