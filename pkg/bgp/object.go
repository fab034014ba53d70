package bgp

import (
	"encoding/json"
	"reflect"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// setSpec puts typed values into the spec of an object, as JSON has them.
func setSpec(u *unstructured.Unstructured, fields map[string]any) error {
	data, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	var plain unstructured.Unstructured
	// Its decoder keeps whole numbers whole.
	if err := plain.UnmarshalJSON([]byte(`{"apiVersion": "v1", "kind": "Spec", "spec": ` + string(data) + `}`)); err != nil {
		return err
	}
	spec, _, err := unstructured.NestedMap(plain.Object, "spec")
	if err != nil {
		return err
	}
	return unstructured.SetNestedMap(u.Object, spec, "spec")
}

func equalSpec(a, b *unstructured.Unstructured) bool {
	return reflect.DeepEqual(a.Object["spec"], b.Object["spec"])
}

// newObject is a new object of Calico's that is ystack's.
func (c *Cluster) newObject(kind, name string) *unstructured.Unstructured {
	u := &unstructured.Unstructured{}
	u.SetAPIVersion(c.version.String())
	u.SetKind(kind)
	u.SetName(name)
	u.SetLabels(map[string]string{labelManagedBy: managedBy, labelComponent: component})
	return u
}
