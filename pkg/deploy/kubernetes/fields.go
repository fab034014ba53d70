package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/util/csaupgrade"

	"github.com/ystackdev/ystack/pkg/kube"
)

// claim turns the fields that we wrote by POST or patch into fields that we
// applied. The server keeps the two apart, and would otherwise keep a field
// that the next apply no longer has, on behalf of the one who created it.
func (d *Deployer) claim(ctx context.Context, o *Object) error {
	patch, err := unclaimed(o.Live)
	if err != nil || patch == nil {
		return err
	}
	live, err := d.at(*o).Patch(ctx, o.GetName(), types.JSONPatchType, patch, metav1.PatchOptions{FieldManager: fieldManager})
	if err != nil {
		return err
	}
	o.Live = live
	return nil
}

// unclaimed is the patch that claims, nil if there is nothing to claim.
func unclaimed(live *unstructured.Unstructured) ([]byte, error) {
	return csaupgrade.UpgradeManagedFieldsPatch(live, sets.New(fieldManager), fieldManager)
}

// fieldConflict words the server's refusal to take a field from its owner. A
// conflict because the object changed in between is not one.
func fieldConflict(err error) error {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil {
		return nil
	}
	var fields []string
	for _, cause := range status.Status().Details.Causes {
		if cause.Type == metav1.CauseTypeFieldManagerConflict {
			fields = append(fields, fmt.Sprintf("%s (%s)", cause.Field, cause.Message))
		}
	}
	if len(fields) == 0 {
		return nil
	}
	return &kube.Error{
		Kind: kube.ErrConflict,
		Message: fmt.Sprintf("somebody else owns what the release sets: %s; leave it out of the release, "+
			"or take it over with --force-conflicts", strings.Join(fields, ", ")),
		Cause: errors.New(err.Error()), // not err itself: reading again and trying again does not help
	}
}

// same says whether an apply would change anything: a field, or who owns it.
// Which run does it and who started that do not count: a release that is there
// already stays the work of the run that brought it.
func same(live, predicted *unstructured.Unstructured) bool {
	return reflect.DeepEqual(comparable(live), comparable(predicted))
}

func comparable(u *unstructured.Unstructured) object {
	c := u.DeepCopy()
	entries := c.GetManagedFields()
	for i := range entries {
		entries[i].Time = nil
	}
	c.SetManagedFields(entries)
	stripVolatile(c)
	return c.Object
}

// stripVolatile removes what changes by itself or with every run.
func stripVolatile(u *unstructured.Unstructured) {
	for _, field := range []string{"resourceVersion", "generation"} {
		unstructured.RemoveNestedField(u.Object, "metadata", field)
	}
	for _, annotation := range []string{annotationRun, annotationBy} {
		unstructured.RemoveNestedField(u.Object, "metadata", "annotations", annotation)
	}
}
