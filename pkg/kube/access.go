package kube

import (
	"context"
	"encoding/json"
)

// Access is a question about what the user may do.
type Access struct {
	Verb        string `json:"verb,omitempty"`
	Group       string `json:"group,omitempty"`
	Resource    string `json:"resource,omitempty"`
	Subresource string `json:"subresource,omitempty"`
	Namespace   string `json:"namespace,omitempty"`
	Name        string `json:"name,omitempty"`
}

// accessReview is a SelfSubjectAccessReview.
type accessReview struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Spec       struct {
		Attributes Access `json:"resourceAttributes"`
	} `json:"spec"`
	Status struct {
		Allowed bool   `json:"allowed"`
		Reason  string `json:"reason"`
	} `json:"status,omitzero"`
}

// Allowed asks the server whether the user may do something. The reason may be
// empty.
func (c *Client) Allowed(ctx context.Context, access Access) (allowed bool, reason string, err error) {
	review := accessReview{APIVersion: "authorization.k8s.io/v1", Kind: "SelfSubjectAccessReview"}
	review.Spec.Attributes = access
	body, err := c.post(ctx, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review)
	if err != nil {
		return false, "", err
	}
	if err := json.Unmarshal(body, &review); err != nil {
		return false, "", err
	}
	return review.Status.Allowed, review.Status.Reason, nil
}

// UserInfo is who somebody is to an API server.
type UserInfo struct {
	Username string              `json:"username"`
	UID      string              `json:"uid"`
	Groups   []string            `json:"groups"`
	Extra    map[string][]string `json:"extra"`
}

// WhoAmI asks the server who the user is to it.
func (c *Client) WhoAmI(ctx context.Context) (UserInfo, error) {
	var review struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Status     struct {
			UserInfo UserInfo `json:"userInfo,omitzero"`
		} `json:"status,omitzero"`
	}
	review.APIVersion, review.Kind = "authentication.k8s.io/v1", "SelfSubjectReview"
	body, err := c.post(ctx, "/apis/authentication.k8s.io/v1/selfsubjectreviews", review)
	if err != nil {
		return UserInfo{}, err
	}
	err = json.Unmarshal(body, &review)
	return review.Status.UserInfo, err
}

// User is the name by which the server knows the user.
func (c *Client) User(ctx context.Context) (string, error) {
	who, err := c.WhoAmI(ctx)
	return who.Username, err
}
