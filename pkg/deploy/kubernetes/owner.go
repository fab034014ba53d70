package kubernetes

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// checkOwner refuses an object that exists and is not ours. It is never
// changed: neither the labels nor the data of somebody else's object tell
// whether it can be spared.
func checkOwner(o Object, app string) error {
	if o.Live == nil || owned(o.Live.GetLabels(), app) {
		return nil
	}
	if ours(o.Live.GetLabels()) {
		return located(o, fmt.Errorf("%w: it exists%s and is of the application %q, not %q; rename one of them",
			ErrForeignObject, inNamespace(o.Live), o.Live.GetLabels()[labelInstance], app))
	}
	return located(o, fmt.Errorf("%w: it exists%s and is not ystack's (%s), so it is left alone; "+
		"rename the application, or delete the object if nobody needs it",
		ErrForeignObject, inNamespace(o.Live), manager(o.Live)))
}

func inNamespace(u *unstructured.Unstructured) string {
	if u.GetNamespace() == "" {
		return ""
	}
	return fmt.Sprintf(" in namespace %q", u.GetNamespace())
}

// manager says who looks after an object, as far as the object tells.
func manager(u *unstructured.Unstructured) string {
	if label := u.GetLabels()[labelManagedBy]; label != "" {
		return "managed by " + label
	}
	var names []string
	for _, entry := range u.GetManagedFields() {
		if entry.Subresource == "" && entry.Manager != "kube-controller-manager" && !slices.Contains(names, entry.Manager) {
			names = append(names, entry.Manager)
		}
	}
	if len(names) == 0 {
		return "no manager noted"
	}
	return "written by " + strings.Join(names, ", ")
}
