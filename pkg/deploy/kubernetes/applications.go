package kubernetes

import (
	"context"
	"net/url"
	"slices"

	"k8s.io/apimachinery/pkg/labels"
)

// Applications names what deploy-image has deployed in a namespace and can roll back.
func (d *Deployer) Applications(ctx context.Context, namespace string) ([]string, error) {
	ours := labels.Set{labelManagedBy: managedBy, labelComponent: component}
	list, err := d.Client.Metadata(ctx, "/apis/apps/v1/namespaces/"+namespace+"/deployments", url.Values{"labelSelector": {ours.String()}})
	var names []string
	for _, object := range list {
		names = append(names, object.Labels[labelInstance])
	}
	slices.Sort(names)
	return slices.Compact(names), err
}
