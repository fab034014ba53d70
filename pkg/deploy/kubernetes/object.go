package kubernetes

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

// Object is an object that a release consists of.
type Object struct {
	*unstructured.Unstructured
	// Origin is where the object comes from (file:line), empty when ystack made it.
	Origin string
	// Resource is what the API server calls its kind. Set by Plan.
	Resource schema.GroupVersionResource
	// Live is the object as it is in the cluster, nil if it is not there. Set by Plan.
	Live *unstructured.Unstructured

	// carriesImage says that a container of it runs the release's image.
	carriesImage bool
}

// String names the object as kubectl does: deployment.apps/hello.
func (o Object) String() string { return describe(o.Unstructured) }

func describe(u *unstructured.Unstructured) string {
	return kindName(u.GroupVersionKind().GroupKind()) + "/" + u.GetName()
}

func kindName(kind schema.GroupKind) string {
	name := strings.ToLower(kind.Kind)
	if kind.Group != "" {
		name += "." + kind.Group
	}
	return name
}

// at gives the API of the objects like o, in its namespace if it has one.
func (d *Deployer) at(o Object) dynamic.ResourceInterface {
	return d.in(o.Resource, o.GetNamespace())
}

func (d *Deployer) in(resource schema.GroupVersionResource, namespace string) dynamic.ResourceInterface {
	if namespace == "" {
		return d.Client.Dynamic.Resource(resource)
	}
	return d.Client.Dynamic.Resource(resource).Namespace(namespace)
}

// rollsOut says whether the object is a workload whose rollout can be followed.
func (o Object) rollsOut() bool {
	if !o.carriesImage || o.GroupVersionKind().Group != "apps" {
		return false
	}
	switch o.GetKind() {
	case "Deployment", "StatefulSet", "DaemonSet":
		return true
	}
	return false
}
