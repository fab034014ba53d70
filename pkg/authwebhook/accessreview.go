package authwebhook

import (
	"errors"

	"github.com/ystackdev/ystack/pkg/tenancy/abac"
)

// maxAccessReview is enough for thousands of groups.
const maxAccessReview = 256 << 10

const (
	accessGroup      = "authorization.k8s.io/"
	kindAccessReview = "SubjectAccessReview"
)

// accessReview is authorization.k8s.io/v1 and v1beta1, as far as a policy file can tell
// requests apart.
type accessReview struct {
	APIVersion string      `json:"apiVersion"`
	Kind       string      `json:"kind"`
	Spec       *accessSpec `json:"spec"`
}

type accessSpec struct {
	User     string             `json:"user"`
	Groups   []string           `json:"groups"`
	Group    []string           `json:"group"` // what v1beta1 calls the groups
	Resource *resourceAttribute `json:"resourceAttributes"`
	Path     *pathAttribute     `json:"nonResourceAttributes"`
}

type resourceAttribute struct {
	Namespace string `json:"namespace"`
	Verb      string `json:"verb"`
	Group     string `json:"group"`
	Resource  string `json:"resource"`
}

type pathAttribute struct {
	Path string `json:"path"`
	Verb string `json:"verb"`
}

type accessReviewAnswer struct {
	APIVersion string       `json:"apiVersion"`
	Kind       string       `json:"kind"`
	Status     accessStatus `json:"status"`
}

// accessStatus has no "denied": that would overrule other authorizers.
type accessStatus struct {
	Allowed bool   `json:"allowed"`
	Reason  string `json:"reason,omitempty"`
}

// parseAccessReview reads a request of the API server's.
func parseAccessReview(body []byte) (*accessReview, error) {
	var r accessReview
	if err := decodeReview(body, kindAccessReview, &r); err != nil {
		return nil, err
	}
	if err := checkKind(r.APIVersion, r.Kind, accessGroup, kindAccessReview); err != nil {
		return nil, err
	}
	switch {
	case r.Spec == nil:
		return nil, errors.New("spec is missing")
	case (r.Spec.Resource == nil) == (r.Spec.Path == nil):
		return nil, errors.New("spec must have resourceAttributes or else nonResourceAttributes")
	case r.Spec.User == "" && len(r.groups()) == 0:
		return nil, errors.New("spec names neither a user nor groups")
	}
	return &r, nil
}

func (r *accessReview) groups() []string {
	if r.APIVersion == accessGroup+"v1" {
		return r.Spec.Groups
	}
	return r.Spec.Group
}

// request is the question for a policy.
func (r *accessReview) request() abac.Request {
	q := abac.Request{User: r.Spec.User, Groups: r.groups()}
	if path := r.Spec.Path; path != nil {
		q.Verb, q.Path = path.Verb, path.Path
		return q
	}
	of := r.Spec.Resource
	q.IsResource, q.Verb, q.Namespace, q.APIGroup, q.Resource = true, of.Verb, of.Namespace, of.Group, of.Resource
	return q
}

func (r *accessReview) answer(s accessStatus) accessReviewAnswer {
	return accessReviewAnswer{APIVersion: r.APIVersion, Kind: r.Kind, Status: s}
}
