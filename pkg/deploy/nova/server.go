package nova

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ystackdev/ystack/pkg/deploy"
)

// States of servers, as Nova calls them.
const (
	statusActive = "ACTIVE"
	statusError  = "ERROR"
	statusOff    = "SHUTOFF"
)

// server is what Nova says of one of ours.
type server struct {
	ID       string
	Name     string
	Status   string
	Project  string    `json:"tenant_id"`
	Created  time.Time `json:"created"`
	Launched string    `json:"OS-SRV-USG:launched_at"`
	Task     string    `json:"OS-EXT-STS:task_state"`
	Image    json.RawMessage
	Metadata map[string]string
	Fault    struct{ Message string }
	// Addresses are by the name of the network.
	Addresses map[string][]struct {
		Addr string
		Type string `json:"OS-EXT-IPS:type"`
	}

	ordinal int
	record  record
}

// servers lists the application's servers in the project, and no other.
func (t *Target) servers(ctx context.Context) ([]server, error) {
	project, err := t.cloud.project(ctx)
	if err != nil {
		return nil, err
	}
	var ours []server
	for marker, more := "", true; more; {
		var page struct {
			Servers []server
			Links   []struct{ Rel string } `json:"servers_links"`
		}
		if err := t.cloud.get(ctx, compute, "/servers/detail?limit=500&marker="+url.QueryEscape(marker), &page); err != nil {
			return nil, err
		}
		for _, s := range page.Servers {
			if s.Metadata[keyApp] != t.app || s.Metadata[keyGeneration] == "" || s.Project != project {
				continue
			}
			s.record = recordOf(s.Metadata)
			if s.ordinal, err = strconv.Atoi(s.Metadata[keyOrdinal]); err != nil {
				s.ordinal = -1 // it has no place, and goes
			}
			ours = append(ours, s)
		}
		if more = len(page.Links) > 0 && len(page.Servers) > 0; more {
			marker = page.Servers[len(page.Servers)-1].ID
		}
	}
	return ours, nil
}

// project is that of the credentials.
func (c cloud) project(ctx context.Context) (string, error) {
	token, err := c.session.Token(ctx)
	if err != nil {
		return "", err
	}
	if token.Project == nil {
		return "", fmt.Errorf("the credentials of cloud %s are for no project; servers are in one (project_name in clouds.yaml)", c.name)
	}
	return token.Project.ID, nil
}

// going tells a server that Nova deletes already.
func (s server) going() bool {
	return s.Task == "deleting" || s.Status == "DELETED" || s.Status == "SOFT_DELETED"
}

// volumeBacked tells a server whose disk is not made of an image.
func (s server) volumeBacked() bool { return string(s.Image) == `""` }

// merged is the metadata with ours replaced; what others have put there stays.
func (s server) merged(ours map[string]string) map[string]string {
	for key, value := range s.Metadata {
		if !strings.HasPrefix(key, "ystack_") {
			ours[key] = value
		}
	}
	return ours
}

// fixed is the first address in a network.
func (s server) fixed(network string) string {
	for _, a := range s.Addresses[network] {
		if a.Type != "floating" {
			return a.Addr
		}
	}
	return ""
}

func serverPath(id string) string { return "/servers/" + url.PathEscape(id) }

func (c cloud) action(ctx context.Context, id, version string, body any) error {
	return c.once(ctx, http.MethodPost, compute, serverPath(id)+"/action", version, body, nil)
}

// remove deletes a server and waits until it is gone; ports that Nova has left of it go
// too.
func (c cloud) remove(ctx context.Context, s server) error {
	for {
		err := c.do(ctx, http.MethodDelete, compute, serverPath(s.ID), nil, nil)
		if err != nil && !gone(err) {
			return fmt.Errorf("server %s (%s): %w", s.Name, s.ID, err)
		}
		if gone(err) {
			return c.removePorts(ctx, s.ID)
		}
		for range 30 { // then it is told again: one in the middle of something else may have missed it
			if err := deploy.Pause(ctx, time.Second); err != nil {
				return fmt.Errorf("server %s (%s) is being deleted, and still there: %w", s.Name, s.ID, err)
			}
			if err = c.get(ctx, compute, serverPath(s.ID), nil); err != nil {
				break
			}
		}
		if err != nil && !gone(err) {
			return err
		}
	}
}

func (c cloud) removePorts(ctx context.Context, device string) error {
	var out struct{ Ports []named }
	if err := c.get(ctx, network, "/v2.0/ports?fields=id&device_id="+url.QueryEscape(device), &out); err != nil {
		return err
	}
	for _, port := range out.Ports {
		if err := c.do(ctx, http.MethodDelete, network, "/v2.0/ports/"+port.ID, nil, nil); err != nil && !gone(err) {
			return err
		}
	}
	return nil
}
