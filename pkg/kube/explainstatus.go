package kube

import (
	"fmt"
	"regexp"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// explainStatus words what the API server itself answered.
func (c *Client) explainStatus(err error, status metav1.Status) error {
	message, untyped := strings.CutPrefix(status.Message, "failed to create typed patch object ")
	switch {
	case untyped: // a mistake in the object, answered with the status of a fault of the server's
		_, mistake, _ := strings.Cut(message, "): ")
		return &Error{ErrInvalid, "the API server rejects it: " + mistake, err}
	case apierrors.IsUnauthorized(err):
		return &Error{ErrUnauthorized, fmt.Sprintf("the API server %s does not accept your credentials "+
			"(expired or revoked?); log in again", c.where()), err}
	case apierrors.IsForbidden(err):
		return &Error{ErrForbidden, forbidden(status.Message), err}
	case apierrors.IsNotFound(err) && status.Details != nil && status.Details.Kind == "namespaces":
		return c.NamespaceNotFound(status.Details.Name, err)
	case apierrors.IsNotFound(err):
		return &Error{ErrNotFound, status.Message, err}
	case apierrors.IsConflict(err), apierrors.IsAlreadyExists(err):
		return &Error{ErrConflict, status.Message, err}
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err):
		return &Error{ErrInvalid, "the API server rejects it: " + status.Message, err}
	}
	return fmt.Errorf("API server %s: %w", c.where(), err)
}

// NamespaceNotFound is the error for a namespace that is not there.
func (c *Client) NamespaceNotFound(namespace string, cause error) error {
	return &Error{ErrNamespaceNotFound, fmt.Sprintf("namespace %q not found in cluster %s: "+
		"create it with kubectl create namespace %s, or ask whoever runs the cluster; "+
		"-n names another", namespace, c.where(), namespace), cause}
}

// denial is how the API server's authorization words a refusal.
var denial = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`User "([^"]*)" cannot (\S+) resource "([^"]*)" in API group "([^"]*)"(?: in the namespace "([^"]*)")?`)
})

// forbidden words a refusal; what is not of authorization (quota, Pod Security,
// webhooks) is left in the server's words.
func forbidden(message string) string {
	m := denial().FindStringSubmatch(message)
	if m == nil {
		return "the API server refuses: " + message
	}
	return Denied(m[1], Access{Verb: m[2], Resource: m[3], Group: m[4], Namespace: m[5]})
}

// Denied is the sentence for a user who may not do something.
func Denied(user string, a Access) string {
	resource := a.Resource
	if a.Subresource != "" {
		resource += "/" + a.Subresource
	}
	if a.Group != "" {
		resource += "." + a.Group
	}
	where := "in the cluster"
	if a.Namespace != "" {
		where = fmt.Sprintf("in namespace %q", a.Namespace)
	}
	return strings.TrimSpace(fmt.Sprintf("user %q may not %s %s %s; ask for a role that allows it",
		user, a.Verb, resource, where))
}
