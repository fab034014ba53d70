package bgp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/ystackdev/ystack/pkg/kube"
)

// Cluster is a cluster that runs Calico.
type Cluster struct {
	client  *kube.Client
	version schema.GroupVersion // of Calico's objects
}

// Open finds out how the cluster calls Calico's objects: by Calico's own API
// where that is served, since it validates, otherwise as the CRDs do.
func Open(ctx context.Context, client *kube.Client) (*Cluster, error) {
	for _, version := range []schema.GroupVersion{{Group: "projectcalico.org", Version: "v3"}, {Group: "crd.projectcalico.org", Version: "v1"}} {
		_, err := client.Resource(ctx, version.WithKind("BGPConfiguration"))
		if err == nil {
			return &Cluster{client, version}, nil
		}
		if !errors.Is(err, kube.ErrNotFound) {
			return nil, err
		}
	}
	return nil, &failure{ErrNoCalico, fmt.Sprintf("the cluster %s does not run Calico (it knows no BGPConfiguration of projectcalico.org or "+
		"crd.projectcalico.org), which is what announces addresses; install Calico with BGP, or choose another --context", client.Server)}
}

// Server is the URL of the cluster's API server.
func (c *Cluster) Server() string { return c.client.Server }

func (c *Cluster) gvr(resource string) schema.GroupVersionResource {
	return c.version.WithResource(resource)
}

// calico is the path of a resource of Calico's.
func (c *Cluster) calico(resource string) string {
	return "/apis/" + c.version.String() + "/" + resource
}

// pageSize keeps memory low with many objects, and requests few.
const pageSize = "500"

// list reads all objects at a path, page by page.
func list[T any](ctx context.Context, client *kube.Client, path, selector string) ([]T, error) {
	all, _, err := listAs[T](ctx, client, path, selector, "application/json")
	return all, err
}

// onlyMetadata asks for objects without their contents.
const onlyMetadata = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"

// listMeta reads what objects are there, which costs little however large they are.
func listMeta(ctx context.Context, client *kube.Client, path, selector string) ([]object, error) {
	all, _, err := listAs[object](ctx, client, path, selector, onlyMetadata)
	return all, err
}

// listAs also returns the version of the list, from which changes can be watched.
func listAs[T any](ctx context.Context, client *kube.Client, path, selector, accept string) (all []T, version string, err error) {
	query := url.Values{"limit": {pageSize}}
	if selector != "" {
		query.Set("labelSelector", selector)
	}
	for {
		body, err := client.Get(ctx, path, query, accept)
		if err != nil {
			return nil, "", err
		}
		var page struct {
			Metadata struct {
				Continue        string `json:"continue"`
				ResourceVersion string `json:"resourceVersion"`
			} `json:"metadata"`
			Items []T `json:"items"`
		}
		if err := json.Unmarshal(body, &page); err != nil {
			return nil, "", fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, page.Items...)
		if page.Metadata.Continue == "" {
			return all, page.Metadata.ResourceVersion, nil
		}
		query.Set("continue", page.Metadata.Continue)
	}
}

// get reads one object.
func get[T any](ctx context.Context, client *kube.Client, path string) (*T, error) {
	body, err := client.Get(ctx, path, nil, "application/json")
	if err != nil {
		return nil, err
	}
	var object T
	if err := json.Unmarshal(body, &object); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &object, nil
}

func servicesPath(namespace string) string {
	if namespace == "" {
		return "/api/v1/services"
	}
	return "/api/v1/namespaces/" + namespace + "/services"
}
