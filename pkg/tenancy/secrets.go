package tenancy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/kube"
)

const (
	kindSecret = "Secret"
	// annotationSecrets are the names of the Secrets that we have copied into a namespace:
	// they are found again when they are not wanted any more.
	annotationSecrets = "ystack.dev/pull-secrets"
	// annotationCopyOf says where a copy is from.
	annotationCopyOf = "ystack.dev/copy-of"
)

// Secret is one in the cluster. What is in it never goes into a plan.
type Secret struct {
	Object
	content secretContent
}

// secretContent has no methods that would show it, and no exported fields.
type secretContent struct {
	kind string
	data map[string]string // base64
}

func (s *Secret) UnmarshalJSON(data []byte) error {
	var raw struct {
		Type string            `json:"type"`
		Data map[string]string `json:"data"`
	}
	if err := json.Unmarshal(data, &s.Object); err != nil {
		return err
	}
	if err := json.Unmarshal(data, &raw); err != nil {
		return errors.New("a Secret that is none") // the text of the error could show it
	}
	s.Kind, s.content = kindSecret, secretContent{raw.Type, raw.Data}
	return nil
}

func (c secretContent) equal(other secretContent) bool {
	return c.kind == other.kind && maps.Equal(c.data, other.data)
}

// Secrets are those to be copied, and those that are where copies would be.
type Secrets struct {
	sources map[string]Secret            // by name
	there   map[string]map[string]Secret // by namespace and name
	hidden  []string                     // names of old copies that we may not see any more
}

// readSecrets reads the sources, and what is there by their names, or was copied once. An
// account needs no rights on Secrets of other names.
func readSecrets(ctx context.Context, c *kube.Client, config *app.TenantSync, namespaces []Object) (Secrets, error) {
	s := Secrets{sources: map[string]Secret{}, there: map[string]map[string]Secret{}}
	names := map[string]bool{}
	for i, ref := range config.Spec.Namespaces.PullSecrets {
		body, err := c.Get(ctx, "/api/v1/namespaces/"+ref.Namespace+"/secrets/"+ref.Name, nil, "application/json")
		if errors.Is(err, kube.ErrNotFound) {
			return s, located(config, fmt.Errorf("spec.namespaces.pullSecrets[%d]: there is no Secret %s in namespace %s", i, ref.Name, ref.Namespace))
		} else if err != nil {
			return s, err
		}
		var source Secret
		if err := json.Unmarshal(body, &source); err != nil {
			return s, fmt.Errorf("API server %s: Secret %s: %w", c.Server, ref.Name, err)
		}
		if _, twice := s.sources[ref.Name]; twice {
			return s, located(config, fmt.Errorf("spec.namespaces.pullSecrets[%d]: another one is called %s too, and copies keep their names", i, ref.Name))
		}
		s.sources[ref.Name], names[ref.Name] = source, true
	}
	for _, o := range namespaces {
		if o.isOurs(config.Metadata.Name) {
			for _, name := range copied(o) {
				names[name] = true
			}
		}
	}
	for name := range names {
		all, err := listPages[Secret](ctx, c, kindSecret, "/api/v1/secrets", url.Values{"fieldSelector": {"metadata.name=" + name}})
		if _, wanted := s.sources[name]; !wanted && errors.Is(err, kube.ErrForbidden) {
			s.hidden = append(s.hidden, name) // which must not hold up the rest
			continue
		}
		if err != nil {
			return s, err
		}
		for _, o := range all {
			in := o.Metadata.Namespace
			if s.there[in] == nil {
				s.there[in] = map[string]Secret{}
			}
			s.there[in][name] = o
		}
	}
	return s, nil
}

// copied are the names of what we have copied into a namespace.
func copied(namespace Object) []string {
	return strings.FieldsFunc(namespace.Metadata.Annotations[annotationSecrets], func(r rune) bool { return r == ',' })
}

// secrets plans the copies in the tenants' places, and the end of those that are not
// wanted any more.
func (p *planner) secrets(s Secrets) {
	for _, name := range slices.Sorted(slices.Values(s.hidden)) {
		p.conflict("Secret %s was copied into namespaces once, and you may not see Secrets of this name any more: delete those that have our labels", quoted(name))
	}
	for _, place := range slices.Sorted(maps.Values(p.places)) {
		for _, name := range slices.Sorted(maps.Keys(s.sources)) {
			p.copySecret(place, s.sources[name], s.there[place][name])
		}
		for name, is := range s.there[place] {
			if _, wanted := s.sources[name]; !wanted && is.isOurs(p.config.Metadata.Name) {
				p.change(Revoke, is.bare(), "spec.namespaces.pullSecrets does not name it any more")
			}
		}
	}
}

func (p *planner) copySecret(place string, source, is Secret) {
	from := source.Metadata.Namespace + "/" + source.Metadata.Name
	wanted := Object{Kind: kindSecret, Metadata: Metadata{
		Namespace: place, Name: source.Metadata.Name, Labels: ours(p.config.Metadata.Name), Annotations: map[string]string{annotationCopyOf: from},
	}}
	switch {
	case is.Kind == "":
		p.change(Create, wanted, "copied from "+from)
	case place == source.Metadata.Namespace: // where it comes from
	case !is.isOurs(p.config.Metadata.Name):
		p.conflict("%s is in the way of a copy of %s: delete it if nobody needs it", is.Object, from)
	case is.content.kind != source.content.kind: // which cannot be changed
		p.change(Revoke, is.bare(), "it is of another type than "+from)
		p.change(Create, wanted, "copied from "+from)
	case !is.content.equal(source.content):
		p.change(Update, guarded(wanted, is.Object), "it differs from "+from)
	default:
		if different := is.differences(wanted); len(different) > 0 {
			p.change(Update, guarded(wanted, is.Object), strings.Join(different, ", "))
		}
	}
}

// dropKeys takes out of a copy what others have put in, which an apply leaves there.
func (a *applier) dropKeys(ctx context.Context, o Object, u *unstructured.Unstructured) error {
	data, _, err := unstructured.NestedMap(u.Object, "data")
	if err != nil {
		return err
	}
	extra := map[string]any{}
	for key := range data {
		if _, wanted := a.secrets.sources[o.Metadata.Name].content.data[key]; !wanted {
			extra[key] = nil
		}
	}
	if len(extra) == 0 {
		return nil
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": o.Metadata.UID}, "data": extra})
	if err != nil {
		return err
	}
	_, err = a.at(o).Patch(ctx, o.Metadata.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: fieldManager})
	return err
}

// fill puts into a copy what is in its source.
func (s Secrets) fill(u *unstructured.Unstructured) {
	source := s.sources[u.GetName()]
	data := make(map[string]any, len(source.content.data))
	for k, v := range source.content.data {
		data[k] = v
	}
	u.Object["type"], u.Object["data"] = source.content.kind, data
}
