package where

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ystackdev/ystack/pkg/baremetal"
	"github.com/ystackdev/ystack/pkg/deploy"
	"github.com/ystackdev/ystack/pkg/image/store"
	"github.com/ystackdev/ystack/pkg/keystone"
)

// Cloud is a project of an OpenStack cloud.
type Cloud struct {
	Name    string // in clouds.yaml; empty for the one in use
	Session *keystone.Session
}

func (c Cloud) place() string { return "cloud " + cmp.Or(c.Name, "in use") }

// What servers and nodes say of themselves, in metadata and instance_info.
const (
	keyImage    = "ystack_image"
	keyRun      = "ystack_run"
	keyBy       = "ystack_by"
	keySource   = "ystack_source"
	keyDeployed = "ystack_deployed"
)

// pageSize is how many servers or nodes are asked for at a time; a cloud may give fewer.
const pageSize = "500"

// server is what Nova says of one.
type server struct {
	ID       string            `json:"id"`
	Name     string            `json:"name"`
	Status   string            `json:"status"`
	Task     string            `json:"OS-EXT-STS:task_state"`
	Created  time.Time         `json:"created"`
	Image    json.RawMessage   `json:"image"` // "" of one that boots from a volume
	Metadata map[string]string `json:"metadata"`
}

// servers finds those of the project that say which application they run.
func (x *search) servers(ctx context.Context, c Cloud) error {
	for marker, more := "", true; more; {
		var page struct {
			Servers []server   `json:"servers"`
			Links   []struct{} `json:"servers_links"`
		}
		err := c.get(ctx, "compute", "/v2.1/servers/detail", url.Values{"limit": {pageSize}, "marker": {marker}}, &page)
		if err != nil {
			return err
		}
		for _, s := range page.Servers {
			if s.Metadata[store.App] != "" {
				x.found(s.workload(c))
			}
			marker = s.ID
		}
		more = len(page.Links) > 0 && len(page.Servers) > 0
	}
	return nil
}

func (s server) workload(c Cloud) Workload {
	w := machine(c, func(key string) string { return s.Metadata[key] })
	w.Target, w.Name, w.ID, w.State = deploy.VM, "server/"+s.Name, s.ID, s.Status
	if s.Task != "" {
		w.State += ", " + s.Task
	}
	if w.Since.IsZero() {
		w.Since = s.Created
	}
	var of struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(s.Image, &of) // of a volume nothing can be said
	w.compare(c, of.ID)
	return w
}

// node is what Ironic says of one.
type node struct {
	UUID     string         `json:"uuid"`
	Name     string         `json:"name"`
	State    string         `json:"provision_state"`
	Changed  time.Time      `json:"provision_updated_at"`
	Instance map[string]any `json:"instance_info"`
}

// nodes finds those that say which application is on them: Ironic forgets it when a node
// is given back.
func (x *search) nodes(ctx context.Context, c Cloud) error {
	for marker, more := "", true; more; {
		var page struct {
			Nodes []node `json:"nodes"`
			Next  string `json:"next"`
		}
		err := c.get(ctx, "baremetal", "/v1/nodes", url.Values{
			"limit": {pageSize}, "marker": {marker}, "fields": {"uuid,name,provision_state,provision_updated_at,instance_info"},
		}, &page)
		if err != nil {
			return err
		}
		for _, n := range page.Nodes {
			if n.text(store.App) != "" {
				x.found(n.workload(c))
			}
			marker = n.UUID
		}
		more = page.Next != "" && len(page.Nodes) > 0
	}
	return nil
}

func (n node) text(key string) string {
	text, _ := n.Instance[key].(string)
	return text
}

func (n node) workload(c Cloud) Workload {
	w := machine(c, n.text)
	w.Target, w.Name, w.ID, w.State = deploy.Baremetal, "node/"+cmp.Or(n.Name, n.UUID), n.UUID, n.State
	if w.Since.IsZero() {
		w.Since = n.Changed
	}
	w.compare(c, n.text("image_source"))
	return w
}

// machine reads the record of a server or node.
func machine(c Cloud, text func(key string) string) Workload {
	w := Workload{
		App: text(store.App), Revision: text(store.Revision), Place: c.place(), cloud: c.Name, Image: text(keyImage),
		By: text(keyBy), Run: text(keyRun), Source: text(keySource),
	}
	if sum := text(store.SHA256); sum != "" {
		w.Digest = "sha256:" + sum
	}
	w.Since, _ = time.Parse(time.RFC3339, text(keyDeployed)) // else it is told from what the cloud says
	return w
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// compare notes the image that the machine has, if that is not what its record says.
func (w *Workload) compare(c Cloud, id string) {
	recorded := w.Image[strings.LastIndex(w.Image, "/")+1:]
	if !uuid.MatchString(id) || w.Image != "" && !uuid.MatchString(recorded) || recorded == id {
		return // the same, or not to be compared
	}
	w.Has = store.Ref{Scheme: store.Glance, Host: c.Name, Name: id}.String()
	w.Revision, w.Digest, w.By, w.Run, w.Source = "", "", "", "", "" // the record is of another image
}

// answerLimit is above any page.
const answerLimit = 32 << 20

// get reads an answer in JSON. In a cloud without the service nothing can be.
func (c Cloud) get(ctx context.Context, service, path string, query url.Values, out any) error {
	if query.Get("marker") == "" {
		query.Del("marker")
	}
	answer, data, err := c.Session.Call(ctx, keystone.ServiceCall{
		Method: http.MethodGet, Service: service, Path: path + "?" + query.Encode(), Limit: answerLimit,
		Header: baremetal.Header(), // Nova does not care
	})
	if errors.Is(err, keystone.ErrNoEndpoint) && !c.offers(ctx, service) {
		return nil
	} else if err != nil && answer == nil {
		return err
	}
	switch status := answer.StatusCode; {
	case err != nil:
		return errors.New("its answer broke off; try again")
	case status == http.StatusForbidden, status == http.StatusUnauthorized:
		return fmt.Errorf("forbidden (it answers %d to GET %s); another role, project or cloud may be allowed to", status, path)
	case status != http.StatusOK:
		return fmt.Errorf("it answers %d, %s, to GET %s; try again later, or ask who runs the cloud", status, http.StatusText(status), path)
	}
	if err := json.Unmarshal(data, out); err != nil {
		return fmt.Errorf("it answers no JSON as documented to GET %s: %w", path, err)
	}
	return nil
}

// offers tells whether the catalogue has the service at all, be it in another region.
func (c Cloud) offers(ctx context.Context, service string) bool {
	token, err := c.Session.Token(ctx)
	return err == nil && slices.ContainsFunc(token.Catalog, func(s keystone.Service) bool {
		return strings.ReplaceAll(s.Type, "-", "") == service
	})
}
