package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// onlyMetadata asks for objects without their contents, which costs little however large
// they are.
const onlyMetadata = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

// Metadata lists the objects at a path, such as /api/v1/namespaces.
func (c *Client) Metadata(ctx context.Context, path string, query url.Values) ([]metav1.ObjectMeta, error) {
	body, err := c.Get(ctx, path, query, onlyMetadata)
	if err != nil {
		return nil, err
	}
	var list struct {
		Items []struct{ Metadata metav1.ObjectMeta }
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, fmt.Errorf("API server %s: the list of %s: %w", c.where(), path, err)
	}
	all := make([]metav1.ObjectMeta, 0, len(list.Items))
	for _, item := range list.Items {
		all = append(all, item.Metadata)
	}
	return all, nil
}
