package kubernetes

import (
	"context"
	"fmt"
	"reflect"

	"github.com/aymanbagabas/go-udiff"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/ystackdev/ystack/pkg/deploy"
)

// Diff compares what is there with what the server would make of the plan.
// Nothing is written. Differs(changes) says whether there is any difference.
func (d *Deployer) Diff(ctx context.Context, p *Plan) ([]deploy.Change, error) {
	return d.preview(ctx, p, func(o Object, err error) bool {
		// The release brings its namespace, so the server cannot try this out.
		return apierrors.IsNotFound(err) && o.Live == nil
	})
}

// preview has the server try the plan out. An error that may is told of need not be
// one of the real thing.
func (d *Deployer) preview(ctx context.Context, p *Plan, may func(Object, error) bool) ([]deploy.Change, error) {
	changes := make([]deploy.Change, len(p.Objects))
	err := each(ctx, len(p.Objects), func(ctx context.Context, i int) error {
		o := p.Objects[i]
		predicted, action, err := d.applyObject(ctx, o, p.Release.App, DryRunServer)
		detail := ""
		if err != nil && may(o, err) {
			predicted, action, detail, err = o.Live, deploy.Configured, "not tried out: "+err.Error(), nil
			if o.Live == nil {
				predicted, action = o.Unstructured, deploy.Created
			}
		}
		if err == nil {
			changes[i], err = changeOf(o, predicted, action)
		}
		changes[i].Detail = detail
		return located(o, err)
	})
	if err != nil {
		return nil, err
	}
	for _, o := range p.Obsolete {
		c, err := changeOf(o, nil, deploy.Deleted)
		if err != nil {
			return nil, located(o, err)
		}
		changes = append(changes, c)
	}
	for _, o := range p.Kept {
		changes = append(changes, deploy.Change{Object: o.String(), Action: deploy.Kept})
	}
	return changes, nil
}

func changeOf(o Object, after *unstructured.Unstructured, action deploy.Action) (deploy.Change, error) {
	text, err := diff(o.String(), o.Live, after)
	return deploy.Change{Object: o.String(), Action: action, Diff: text}, err
}

// diff is the difference of two states of an object, nil standing for none.
func diff(name string, before, after *unstructured.Unstructured) (string, error) {
	before, after = readable(before), readable(after)
	mask(before, after)
	old, err := text(before)
	if err != nil {
		return "", err
	}
	current, err := text(after)
	if err != nil {
		return "", err
	}
	return udiff.ToUnified("live/"+name, "release/"+name, old, udiff.Lines(old, current), udiff.DefaultContextLines)
}

func text(u *unstructured.Unstructured) (string, error) {
	if u == nil {
		return "", nil
	}
	out, err := yaml.Marshal(u.Object)
	return string(out), err
}

// readable leaves out what the server keeps for itself.
func readable(u *unstructured.Unstructured) *unstructured.Unstructured {
	if u == nil {
		return nil
	}
	u = u.DeepCopy()
	stripVolatile(u)
	delete(u.Object, "status")
	for _, field := range []string{"managedFields", "uid", "creationTimestamp", "selfLink"} {
		unstructured.RemoveNestedField(u.Object, "metadata", field)
	}
	unstructured.RemoveNestedField(u.Object, "metadata", "annotations", annotationGeneration)
	return u
}

// mask hides the data of Secrets, and still shows which entries differ.
func mask(before, after *unstructured.Unstructured) {
	for _, field := range []string{"data", "stringData"} {
		old, current := secretData(before, field), secretData(after, field)
		for key, value := range old {
			other, both := current[key]
			switch {
			case both && reflect.DeepEqual(value, other):
				old[key], current[key] = "***", "***"
			case both:
				old[key], current[key] = "*** (before)", "*** (after)"
			default:
				old[key] = "***"
			}
		}
		for key := range current {
			if _, both := old[key]; !both {
				current[key] = "***"
			}
		}
	}
	for _, u := range []*unstructured.Unstructured{before, after} {
		if u != nil && isSecret(u) {
			// kubectl apply keeps a copy of everything in here.
			unstructured.RemoveNestedField(u.Object, "metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration")
		}
	}
}

func isSecret(u *unstructured.Unstructured) bool {
	return u.GroupVersionKind().GroupKind().String() == "Secret"
}

func secretData(u *unstructured.Unstructured, field string) map[string]any {
	if u == nil || !isSecret(u) {
		return nil
	}
	data, _ := u.Object[field].(object)
	return data
}

// Manifest is the object as YAML, as --dry-run=client prints it.
func (o Object) Manifest() (string, error) {
	out, err := text(o.Unstructured)
	if err != nil {
		return "", fmt.Errorf("%s: %w", o, err)
	}
	return out, nil
}
