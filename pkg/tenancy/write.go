package tenancy

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/util/csaupgrade"

	"github.com/ystackdev/ystack/pkg/kube"
)

const fieldManager = "ystack-tenant-sync"

// one makes one change.
func (a *applier) one(ctx context.Context, c Change) error {
	var err error
	switch c.Action {
	case Create:
		err = a.create(ctx, c.Object)
	case Update:
		err = a.update(ctx, c.Object)
	case Quarantine:
		c.Object.Metadata.Labels = maps.Clone(c.Object.Metadata.Labels)
		c.Object.Metadata.Labels[labelQuarantined] = a.now.UTC().Format(quarantineTime)
		err = a.update(ctx, c.Object)
	case Revoke, Replace, Delete:
		err = a.remove(ctx, c.Object)
	}
	if err != nil && strings.Contains(err.Error(), "attempting to grant RBAC permissions not currently held") {
		return &kube.Error{
			Kind:    kube.ErrForbidden,
			Message: "you may not give others ClusterRole " + c.Object.RoleRef.Name + ": that needs the verb bind on it",
			Cause:   err,
		}
	}
	return a.client.Explain(err)
}

func (a *applier) at(o Object) dynamic.ResourceInterface {
	switch o.Kind {
	case "Namespace":
		return a.client.Dynamic.Resource(schema.GroupVersionResource{Version: "v1", Resource: "namespaces"})
	case kindSecret:
		return a.client.Dynamic.Resource(schema.GroupVersionResource{Version: "v1", Resource: "secrets"}).Namespace(o.Metadata.Namespace)
	}
	bindings := schema.GroupVersionResource{Group: rbacGroup, Version: "v1", Resource: strings.ToLower(o.Kind) + "s"}
	if o.Metadata.Namespace == "" {
		return a.client.Dynamic.Resource(bindings)
	}
	return a.client.Dynamic.Resource(bindings).Namespace(o.Metadata.Namespace)
}

func (a *applier) dryRun() []string {
	if a.options.DryRun {
		return []string{metav1.DryRunAll}
	}
	return nil
}

// create is a POST, which fails if somebody has the name: an apply would make his object
// ours.
func (a *applier) create(ctx context.Context, o Object) error {
	_, err := a.at(o).Create(ctx, a.whole(o), metav1.CreateOptions{
		FieldManager: fieldManager, FieldValidation: metav1.FieldValidationStrict, DryRun: a.dryRun(),
	})
	if apierrors.IsAlreadyExists(err) {
		return a.taken(ctx, o, err)
	}
	return err
}

// taken tells our own object, of a run beside this one, from somebody else's.
func (a *applier) taken(ctx context.Context, o Object, exists error) error {
	live, err := a.get(ctx, o)
	if err != nil {
		return err
	}
	if live.isOurs(a.config) && live.project() == o.project() {
		return nil
	}
	return &kube.Error{
		Kind:    kube.ErrConflict,
		Message: "it exists and is not made by this TenantSync, so it is left alone; delete it if nobody needs it",
		Cause:   exists,
	}
}

func (a *applier) get(ctx context.Context, o Object) (Object, error) {
	u, err := a.at(o).Get(ctx, o.Metadata.Name, metav1.GetOptions{})
	if err != nil {
		return Object{}, err
	}
	return objectOf(u)
}

// update applies what is wanted to the object that was planned for. A namespace must be
// exactly as it was seen. A binding need only be ours still: whoever may write bindings in
// his namespace could otherwise fend us off by changing it all the time.
func (a *applier) update(ctx context.Context, o Object) error {
	u, err := a.ownFields(ctx, o)
	if err != nil {
		return err
	}
	wanted := a.whole(o)
	if o.Kind != "Namespace" {
		wanted.SetResourceVersion("") // the UID guards it
	} else {
		wanted.SetResourceVersion(u.GetResourceVersion())
	}
	u, err = a.at(o).Apply(ctx, o.Metadata.Name, wanted, metav1.ApplyOptions{FieldManager: fieldManager, Force: true, DryRun: a.dryRun()})
	if err != nil || a.options.DryRun {
		return err
	}
	if o.Kind == kindSecret {
		return a.dropKeys(ctx, o, u)
	}
	return a.endQuarantine(ctx, o, u)
}

// ownFields makes the fields that we set by POST those of an apply, or what is not wanted
// any more would stay.
func (a *applier) ownFields(ctx context.Context, o Object) (*unstructured.Unstructured, error) {
	for tries := 0; ; tries++ {
		u, err := a.at(o).Get(ctx, o.Metadata.Name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		if err := a.stillMeant(o, u); err != nil {
			return nil, err
		}
		patch, err := csaupgrade.UpgradeManagedFieldsPatch(u, sets.New(fieldManager), fieldManager)
		if err != nil || patch == nil || a.options.DryRun {
			return u, err
		}
		u, err = a.at(o).Patch(ctx, o.Metadata.Name, types.JSONPatchType, patch, metav1.PatchOptions{FieldManager: fieldManager})
		if o.Kind != "Namespace" && apierrors.IsConflict(err) && tries < maxTries {
			continue
		}
		return u, err
	}
}

// maxTries are made where somebody changes an object again and again. A try takes
// milliseconds; who does that without pause wins most of them, but not so many in a row.
const maxTries = 300

// stillMeant tells whether an object is the one that a change was planned for.
func (a *applier) stillMeant(planned Object, u *unstructured.Unstructured) error {
	live, err := objectOf(u)
	if err != nil {
		return err
	}
	same := live.Metadata.UID == planned.Metadata.UID
	if planned.Kind == "Namespace" {
		same = same && live.Metadata.ResourceVersion == planned.Metadata.ResourceVersion
	} else {
		same = same && live.isOurs(a.config) && live.project() == planned.project()
	}
	if same {
		return nil
	}
	return &kube.Error{Kind: kube.ErrConflict, Message: "it has changed since it was looked at; run again", Cause: kube.ErrConflict}
}

// endQuarantine takes the label off, which an apply does only if we have set it.
func (a *applier) endQuarantine(ctx context.Context, wanted Object, u *unstructured.Unstructured) error {
	_, quarantined := u.GetLabels()[labelQuarantined]
	if _, stays := wanted.Metadata.Labels[labelQuarantined]; !quarantined || stays {
		return nil
	}
	patch := fmt.Sprintf(`{"metadata":{"uid":%q,"labels":{%q:null}}}`, u.GetUID(), labelQuarantined)
	_, err := a.at(wanted).Patch(ctx, u.GetName(), types.MergePatchType, []byte(patch), metav1.PatchOptions{FieldManager: fieldManager})
	return err
}

// remove deletes the object that was planned for: a namespace only if it is exactly as it
// was seen.
func (a *applier) remove(ctx context.Context, o Object) error {
	uid := types.UID(o.Metadata.UID)
	guards := &metav1.Preconditions{UID: &uid}
	if o.Kind == "Namespace" {
		guards.ResourceVersion = &o.Metadata.ResourceVersion
	}
	err := a.at(o).Delete(ctx, o.Metadata.Name, metav1.DeleteOptions{Preconditions: guards, DryRun: a.dryRun()})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// whole is an object as it is sent.
func (a *applier) whole(o Object) *unstructured.Unstructured {
	u := o.unstructured()
	if o.Kind == kindSecret {
		a.secrets.fill(u)
	}
	return u
}

func (o Object) unstructured() *unstructured.Unstructured {
	data, err := json.Marshal(o)
	if err != nil {
		panic("tenancy: " + err.Error())
	}
	u := &unstructured.Unstructured{}
	if err := json.Unmarshal(data, &u.Object); err != nil {
		panic("tenancy: " + err.Error())
	}
	u.SetAPIVersion("v1")
	if o.RoleRef != nil {
		u.SetAPIVersion(rbacGroup + "/v1")
	}
	return u
}

func objectOf(u *unstructured.Unstructured) (Object, error) {
	var o Object
	data, err := u.MarshalJSON()
	if err == nil {
		err = json.Unmarshal(data, &o)
	}
	if err != nil {
		return o, fmt.Errorf("%s %s: %w", u.GetKind(), u.GetName(), err)
	}
	return o, nil
}
