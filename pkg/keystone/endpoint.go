package keystone

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ystackdev/ystack/pkg/suggest"
)

// Endpoint is the address of a service, by its type: image, identity, block-storage …
// It is what the configuration says (image_endpoint_override), else what the token's
// catalogue has for the configured region and interface.
func (s *Session) Endpoint(ctx context.Context, service string) (string, error) {
	types := serviceTypes(service)
	for _, name := range types {
		if override := s.cfg.Endpoints[name]; override != "" {
			return override, s.usable(override, service)
		}
	}
	token, err := s.Token(ctx)
	if err != nil {
		return "", err
	}
	for _, name := range types {
		endpoints := endpointsOf(token.Catalog, name)
		if len(endpoints) == 0 {
			continue
		}
		found, err := s.cfg.choose(endpoints, name)
		if err != nil {
			return "", s.noEndpoint(err.Error())
		}
		return found.URL, s.usable(found.URL, service)
	}
	return "", s.noService(token, service)
}

// serviceTypes are the names that catalogues have for a service.
func serviceTypes(service string) []string {
	switch service {
	case "block-storage":
		return []string{service, "volumev3", "block-store", "volume"}
	case "baremetal":
		return []string{service, "bare-metal"}
	}
	return []string{service}
}

func endpointsOf(catalog []Service, kind string) []Endpoint {
	var all []Endpoint
	for _, service := range catalog {
		if service.Type == kind {
			all = append(all, service.Endpoints...)
		}
	}
	return all
}

// choose is the endpoint for the configured region, any if none is, and interface. The
// error names those that there are.
func (c *Config) choose(endpoints []Endpoint, service string) (Endpoint, error) {
	var regions, interfaces []string
	for _, e := range endpoints {
		if c.Region != "" && c.Region != e.Region && c.Region != e.RegionID {
			regions = append(regions, e.Region)
			continue
		}
		if e.Interface == c.Interface {
			return e, nil
		}
		interfaces = append(interfaces, e.Interface)
	}
	if len(interfaces) > 0 {
		in := ""
		if c.Region != "" {
			in = fmt.Sprintf(" in region %q", c.Region)
		}
		return Endpoint{}, fmt.Errorf("service %s has no %s endpoint%s%s; it has %s", service, c.Interface, in, c.from("interface"), distinctList(interfaces))
	}
	return Endpoint{}, fmt.Errorf("service %s is not in region %q%s; it is in %s", service, c.Region, c.from("region_name"), distinctList(regions))
}

// from says where a setting stands, for messages.
func (c *Config) from(field string) string {
	if origin := c.Origin[field]; origin != "" {
		return " (" + field + " from " + origin + ")"
	}
	return ""
}

func distinctList(names []string) string {
	slices.Sort(names)
	return plain(strings.Join(slices.Compact(names), ", "))
}

func (s *Session) noService(token *Token, service string) error {
	var types []string
	for _, known := range token.Catalog {
		types = append(types, known.Type)
	}
	if len(types) == 0 {
		return s.noEndpoint(fmt.Sprintf("a token without a catalogue leads to no service %s; give a project (OS_PROJECT_NAME), or %s_endpoint_override",
			service, strings.ReplaceAll(service, "-", "_")))
	}
	return s.noEndpoint(fmt.Sprintf("there is no service of type %s; it has %s%s", service, distinctList(types), suggest.DidYouMean(service, types)))
}

func (s *Session) noEndpoint(what string) error {
	return &kindError{ErrNoEndpoint, fmt.Sprintf("catalogue of Keystone %s: %s", s.client.where(), what)}
}

// usable makes sure that an address is one.
func (s *Session) usable(address, service string) error {
	if isAddress(address) {
		return nil
	}
	return s.noEndpoint(fmt.Sprintf("the endpoint of service %s is no http or https URL, or holds a password", service))
}

// join puts a path below an endpoint. Where both have a version, the path's counts: one
// cloud registers http://glance, another http://glance/v2.
func join(endpoint, path string) string {
	endpoint = strings.TrimRight(endpoint, "/")
	path = strings.TrimLeft(path, "/")
	first, _, _ := strings.Cut(path, "/")
	at := strings.LastIndex(endpoint, "/") // at least that of http://
	if isVersion(first) && isVersion(endpoint[at+1:]) && endpoint[at-1] != '/' {
		endpoint = endpoint[:at]
	}
	return endpoint + "/" + path
}

// isVersion knows v2, v2.0 and v2.96.
func isVersion(part string) bool {
	digits, ok := strings.CutPrefix(part, "v")
	return ok && digits != "" && strings.Trim(digits, "0123456789.") == ""
}
