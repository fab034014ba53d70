package bgp

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/ystackdev/ystack/pkg/keystone"
)

// neutron asks OpenStack's network service.
type neutron struct{ session *keystone.Session }

// neutronPort is a port, as far as it filters.
type neutronPort struct {
	ID       string        `json:"id"`
	Device   string        `json:"device_id"`
	MAC      string        `json:"mac_address"`
	Revision *int          `json:"revision_number"`
	Security *bool         `json:"port_security_enabled"` // no word of it: it is on
	Pairs    []AddressPair `json:"allowed_address_pairs"`
	Fixed    []struct {
		Address netip.Addr `json:"ip_address"`
	} `json:"fixed_ips"`
}

// AddressPair is what a port lets through besides its own address.
type AddressPair struct {
	Address string `json:"ip_address"` // or a range
	MAC     string `json:"mac_address,omitempty"`
}

const (
	portsAtOnce = 40       // addresses that a question names: its URL must not get too long
	portAnswer  = 16 << 20 // above any list of so many ports
)

// ports finds those that have one of the addresses.
func (n neutron) ports(ctx context.Context, addresses []netip.Addr) ([]neutronPort, error) {
	var all []neutronPort
	for some := range slices.Chunk(addresses, portsAtOnce) {
		query := url.Values{"fields": {"id", "device_id", "mac_address", "revision_number", "port_security_enabled", "allowed_address_pairs", "fixed_ips"}}
		for _, a := range some {
			query.Add("fixed_ips", "ip_address="+a.String())
		}
		var out struct {
			Ports []neutronPort `json:"ports"`
		}
		if _, err := n.do(ctx, http.MethodGet, "/v2.0/ports?"+query.Encode(), nil, nil, &out); err != nil {
			return nil, err
		}
		all = append(all, out.Ports...)
	}
	return all, nil
}

func (n neutron) port(ctx context.Context, id string) (neutronPort, error) {
	var out struct {
		Port neutronPort `json:"port"`
	}
	_, err := n.do(ctx, http.MethodGet, "/v2.0/ports/"+url.PathEscape(id), nil, nil, &out)
	return out.Port, err
}

// setPairs writes the list, which Neutron has only whole. A port that is not as it was
// read any more is left as it is; taken is false then.
func (n neutron) setPairs(ctx context.Context, p neutronPort, pairs []AddressPair) (taken bool, err error) {
	header := http.Header{}
	if p.Revision != nil {
		header.Set("If-Match", fmt.Sprintf("revision_number=%d", *p.Revision))
	}
	in := map[string]any{"port": map[string]any{"allowed_address_pairs": pairs}}
	status, err := n.do(ctx, http.MethodPut, "/v2.0/ports/"+url.PathEscape(p.ID), header, in, nil)
	if status == http.StatusPreconditionFailed {
		return false, nil
	}
	return err == nil, err
}

// do sends in and reads out; both may be nil.
func (n neutron) do(ctx context.Context, method, path string, header http.Header, in, out any) (status int, err error) {
	answer, data, err := n.session.Call(ctx, keystone.ServiceCall{Method: method, Service: "network", Path: path, Header: header, In: in, Limit: portAnswer})
	if err != nil && answer == nil {
		return 0, err
	}
	if err != nil {
		return answer.StatusCode, err
	}
	if answer.StatusCode >= http.StatusMultipleChoices {
		path, _, _ = strings.Cut(path, "?")
		return answer.StatusCode, fmt.Errorf("%s %s: Neutron answers %d, %s", method, path, answer.StatusCode, neutronFault(data))
	}
	if out == nil {
		return answer.StatusCode, nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return answer.StatusCode, fmt.Errorf("%s: this is no answer of Neutron's: %w", path, err)
	}
	return answer.StatusCode, nil
}

// neutronFault is what {"NeutronError": {"message": …}} says, on one line.
func neutronFault(data []byte) string {
	var body struct {
		NeutronError struct{ Message string }
	}
	if json.Unmarshal(data, &body) != nil || body.NeutronError.Message == "" {
		return "without a reason"
	}
	return strings.Join(strings.Fields(body.NeutronError.Message), " ")
}
