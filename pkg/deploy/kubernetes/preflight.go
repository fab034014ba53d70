package kubernetes

import (
	"context"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/ystackdev/ystack/pkg/kube"
)

// checkNamespace makes sure that the namespace is there, unless the release
// brings it. Who may not see namespaces may still use one, so that is no error.
func (d *Deployer) checkNamespace(ctx context.Context, p *Plan) error {
	for _, o := range p.Objects {
		if o.GetKind() == "Namespace" && o.GetName() == p.Namespace {
			return nil
		}
	}
	namespaces := schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	_, err := d.Client.Dynamic.Resource(namespaces).Get(ctx, p.Namespace, metav1.GetOptions{})
	switch {
	case apierrors.IsForbidden(err):
		return nil
	case apierrors.IsNotFound(err):
		return d.Client.NamespaceNotFound(p.Namespace, err)
	}
	return d.Client.Explain(err)
}

// checkAccess asks for permission for everything that Apply will do, so that
// it does not stop halfway.
func (d *Deployer) checkAccess(ctx context.Context, p *Plan) error {
	questions := accesses(p)
	return each(ctx, len(questions), func(ctx context.Context, i int) error {
		allowed, _, err := d.Client.Allowed(ctx, questions[i])
		if err != nil || allowed {
			return nil // a server that does not answer the question will say no itself
		}
		user, err := d.Client.User(ctx)
		if err != nil {
			user = "(unknown)"
		}
		return &kube.Error{Kind: kube.ErrForbidden, Message: kube.Denied(user, questions[i]), Cause: kube.ErrForbidden}
	})
}

// accesses lists what Apply and Wait will need, each thing once. An update is a
// patch, and so is the second half of a creation. The name is in the question,
// since a role can be for one object only.
func accesses(p *Plan) []kube.Access {
	var list []kube.Access
	add := func(o Object, verb string) {
		a := kube.Access{Verb: verb, Group: o.Resource.Group, Resource: o.Resource.Resource, Namespace: o.GetNamespace()}
		if verb != "create" {
			a.Name = o.GetName()
		}
		if !slices.Contains(list, a) {
			list = append(list, a)
		}
	}
	for _, o := range p.Objects {
		if o.Live == nil {
			add(o, "create")
		}
		add(o, "patch")
		if o.rollsOut() {
			add(o, "list")
			add(o, "watch")
		}
	}
	for _, o := range p.Obsolete {
		add(o, "delete")
	}
	return list
}
