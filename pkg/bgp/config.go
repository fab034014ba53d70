package bgp

import (
	"context"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// configName is the BGPConfiguration that holds for the whole cluster.
const configName = "default"

// config is that object as it was read; the server may not have one.
type config struct {
	object *unstructured.Unstructured
	exists bool
}

func (c *Cluster) readConfig(ctx context.Context) (config, error) {
	u, err := c.client.Dynamic.Resource(c.gvr("bgpconfigurations")).Get(ctx, configName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		u = &unstructured.Unstructured{}
		u.SetAPIVersion(c.version.String())
		u.SetKind("BGPConfiguration")
		u.SetName(configName)
		return config{u, false}, nil
	}
	return config{u, true}, c.client.Explain(err)
}

// entries are the ranges of a list, as they are written.
func (g config) entries(l List) []string {
	blocks, _, _ := unstructured.NestedSlice(g.object.Object, "spec", string(l))
	var out []string
	for _, block := range blocks {
		if m, ok := block.(map[string]any); ok {
			cidr, _ := m["cidr"].(string)
			out = append(out, cidr)
		}
	}
	return out
}

func (g config) all() map[List][]string {
	out := map[List][]string{}
	for _, l := range Lists() {
		out[l] = g.entries(l)
	}
	return out
}

func (g config) record() (Record, error) {
	return parseRecord(g.object.GetAnnotations()[RecordAnnotation])
}

// with is a copy that has the changes, and the record of them.
func (g config) with(changes []Change, record Record) config {
	u := g.object.DeepCopy()
	for _, c := range changes {
		var blocks []any
		for _, entry := range c.After {
			blocks = append(blocks, g.block(c.List, entry))
		}
		if len(blocks) == 0 {
			unstructured.RemoveNestedField(u.Object, "spec", string(c.List))
			continue
		}
		_ = unstructured.SetNestedSlice(u.Object, blocks, "spec", string(c.List)) // fails only if spec is no object, which no server lets through
	}
	annotations := u.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	if text := record.String(); text != "" {
		annotations[RecordAnnotation] = text
	} else {
		delete(annotations, RecordAnnotation)
	}
	u.SetAnnotations(annotations)
	return config{u, g.exists}
}

// block is an entry as it was, with what other fields it has, or a new one.
func (g config) block(l List, entry string) any {
	blocks, _, _ := unstructured.NestedSlice(g.object.Object, "spec", string(l))
	for _, block := range blocks {
		if m, ok := block.(map[string]any); ok && m["cidr"] == entry {
			return block
		}
	}
	return map[string]any{"cidr": entry}
}

// write sends the object, guarded by the version that was read: whoever has
// written meanwhile wins, and this is a conflict.
func (c *Cluster) writeConfig(ctx context.Context, g config, dry bool) (config, error) {
	resource := c.client.Dynamic.Resource(c.gvr("bgpconfigurations"))
	var dryRun []string
	if dry {
		dryRun = []string{metav1.DryRunAll}
	}
	if g.exists {
		u, err := resource.Update(ctx, g.object, metav1.UpdateOptions{FieldManager: manager, DryRun: dryRun})
		return config{u, true}, err
	}
	u, err := resource.Create(ctx, g.object, metav1.CreateOptions{FieldManager: manager, DryRun: dryRun})
	return config{u, true}, err
}

// kept reports whether the server has taken the lists as they were sent: a
// CustomResourceDefinition drops in silence what it does not know.
func (g config) kept(changes []Change) bool {
	for _, c := range changes {
		if !slices.Equal(g.entries(c.List), c.After) {
			return false
		}
	}
	return true
}
