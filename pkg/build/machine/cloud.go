package machine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ystackdev/ystack/pkg/keystone"
	"github.com/ystackdev/ystack/pkg/suggest"
)

// cloud asks Nova, Neutron and Glance.
type cloud struct{ session *keystone.Session }

// refusedError is an answer that is none of the good ones.
type refusedError struct {
	status int
	text   string
}

func (e *refusedError) Error() string { return e.text }

func gone(err error) bool {
	var refused *refusedError
	return errors.As(err, &refused) && refused.status == http.StatusNotFound
}

const answerLimit = 16 << 20

// do sends in and reads out; both may be nil.
func (c cloud) do(ctx context.Context, method, service, path string, in, out any) error {
	answer, data, err := c.session.Call(ctx, keystone.ServiceCall{Method: method, Service: service, Path: path, In: in, Limit: answerLimit})
	if err != nil {
		return err
	}
	if answer.StatusCode >= http.StatusMultipleChoices {
		path, _, _ := strings.Cut(path, "?")
		return &refusedError{answer.StatusCode, fmt.Sprintf("%s %s: the %s service answers %d, %s", method, path, service, answer.StatusCode, fault(data))}
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(data, out)
}

// fault is what an error of Nova or Neutron says: {"badRequest": {"message": …}} or
// {"NeutronError": {…}}.
func fault(data []byte) string {
	var body map[string]struct{ Message string }
	if json.Unmarshal(data, &body) == nil {
		for _, f := range body {
			return strings.Join(strings.Fields(f.Message), " ")
		}
	}
	return "without a reason"
}

type named struct{ ID, Name string }

// choose finds one by its name or id.
func choose(kind, want string, all []named) (string, error) {
	var names, ids []string
	for _, one := range all {
		if one.ID == want {
			return one.ID, nil
		}
		if one.Name == want {
			ids = append(ids, one.ID)
		}
		names = append(names, one.Name)
	}
	switch len(ids) {
	case 1:
		return ids[0], nil
	case 0:
		return "", fmt.Errorf("the cloud has no %s %q%s; there are %s (spec.openstack.build of the Site file names it)",
			kind, want, suggest.DidYouMean(want, names), strings.Join(names, ", "))
	}
	return "", fmt.Errorf("the cloud has %d of the name %s %q; name one by its id: %s", len(ids), kind, want, strings.Join(ids, ", "))
}

func (c cloud) flavor(ctx context.Context, want string) (string, error) {
	var out struct{ Flavors []named }
	if err := c.do(ctx, http.MethodGet, "compute", "/v2.1/flavors", nil, &out); err != nil {
		return "", err
	}
	return choose("flavor", want, out.Flavors)
}

func (c cloud) network(ctx context.Context, want string) (string, error) {
	var out struct{ Networks []named }
	if err := c.do(ctx, http.MethodGet, "network", "/v2.0/networks?fields=id&fields=name", nil, &out); err != nil {
		return "", err
	}
	return choose("network", want, out.Networks)
}

func (c cloud) addKey(ctx context.Context, name, public string) error {
	in := map[string]any{"keypair": map[string]string{"name": name, "public_key": public}}
	return c.do(ctx, http.MethodPost, "compute", "/v2.1/os-keypairs", in, nil)
}

// removeKey tells whether it was there.
func (c cloud) removeKey(ctx context.Context, name string) (bool, error) {
	err := c.do(ctx, http.MethodDelete, "compute", "/v2.1/os-keypairs/"+url.PathEscape(name), nil, nil)
	if gone(err) {
		return false, nil
	}
	return err == nil, err
}

// server is what Nova says of one.
type server struct {
	ID, Name, Status string
	Fault            struct{ Message string }
}

func (c cloud) server(ctx context.Context, id string) (server, error) {
	var out struct{ Server server }
	err := c.do(ctx, http.MethodGet, "compute", "/v2.1/servers/"+url.PathEscape(id), nil, &out)
	return out.Server, err
}

// servers are those of exactly this name.
func (c cloud) servers(ctx context.Context, name string) ([]server, error) {
	var out struct{ Servers []server }
	// Nova takes it for a pattern, so more may come.
	if err := c.do(ctx, http.MethodGet, "compute", "/v2.1/servers?name="+url.QueryEscape(strings.ReplaceAll(name, ".", "[.]")), nil, &out); err != nil {
		return nil, err
	}
	var ours []server
	for _, s := range out.Servers {
		if s.Name == name {
			ours = append(ours, s)
		}
	}
	return ours, nil
}

// removeServer waits until it is gone, and removes ports that it has left.
func (c cloud) removeServer(ctx context.Context, id string) error {
	err := c.do(ctx, http.MethodDelete, "compute", "/v2.1/servers/"+url.PathEscape(id), nil, nil)
	for err == nil {
		if _, err = c.server(ctx, id); err != nil {
			break
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			err = fmt.Errorf("server %s is still there: %w", id, context.Cause(ctx))
		}
	}
	if !gone(err) {
		return err
	}
	var out struct{ Ports []named }
	if err := c.do(ctx, http.MethodGet, "network", "/v2.0/ports?device_id="+url.QueryEscape(id), nil, &out); err != nil {
		return err
	}
	for _, port := range out.Ports {
		if err := c.do(ctx, http.MethodDelete, "network", "/v2.0/ports/"+port.ID, nil, nil); err != nil && !gone(err) {
			return err
		}
	}
	return nil
}

// halfImage is one that a build may have left.
type halfImage struct {
	ID, Name, Status string
	App              string `json:"ystack_app"`
}

func (c cloud) images(ctx context.Context, name string) ([]halfImage, error) {
	var out struct{ Images []halfImage }
	err := c.do(ctx, http.MethodGet, "image", "/v2/images?visibility=private&name="+url.QueryEscape(name), nil, &out)
	return out.Images, err
}

func (c cloud) image(ctx context.Context, id string) (halfImage, error) {
	var out halfImage
	err := c.do(ctx, http.MethodGet, "image", "/v2/images/"+url.PathEscape(id), nil, &out)
	return out, err
}

func (c cloud) removeImage(ctx context.Context, id string) error {
	err := c.do(ctx, http.MethodDelete, "image", "/v2/images/"+url.PathEscape(id), nil, nil)
	if gone(err) {
		return nil
	}
	return err
}
